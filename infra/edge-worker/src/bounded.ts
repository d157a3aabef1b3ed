/** Bodies read up to a size: whole if they are no longer, and else not lost. */

import type { Bytes } from "./bytes";

export type Gathered =
  | { kind: "whole"; body: ArrayBuffer }
  /** There is more than was asked for, or, `crowded`, more than there was room for. */
  | { kind: "longer" | "crowded"; stream: ReadableStream<Uint8Array> };

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** One request's part of a room. */
export interface Share {
  /** Whether there was so much more. */
  take(bytes: number): boolean;
  /** All of it. */
  giveBack(): void;
}

interface Taken {
  bytes: number;
  readonly until: number;
}

/** Bytes that may be held at once, by all requests of an isolate. */
export class Room {
  #left: number;
  readonly #shares = new Set<Taken>();

  constructor(most: number) {
    this.#left = most;
  }

  /** @param until whoever has it is done by then, or gone: a request that is cancelled gives nothing back. */
  share(now: () => number, until = Number.POSITIVE_INFINITY): Share {
    const own = { bytes: 0, until };
    return {
      take: (bytes) => {
        if (bytes > this.#left) this.#reclaim(now());
        if (bytes > this.#left) return false;
        this.#left -= bytes;
        own.bytes += bytes;
        this.#shares.add(own);
        return true;
      },
      giveBack: () => this.#free(own),
    };
  }

  #reclaim(now: number): void {
    for (const share of this.#shares) if (now >= share.until) this.#free(share);
  }

  #free(share: Taken): void {
    this.#left += share.bytes;
    share.bytes = 0;
    this.#shares.delete(share);
  }
}

/** @param share takes as much room as a body needs, for as long as whoever has it keeps it. */
export async function gather(reader: Reader, most: number, share: Share): Promise<Gathered> {
  // One buffer for all: what is read comes in buffers of its own, far larger than a short piece.
  let held: Bytes = new Uint8Array(0);
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { kind: "whole", body: held.slice(0, size).buffer };
    const needed = size + value.byteLength;
    const rest = () => replayed([held.slice(0, size), value], reader);
    if (needed > most) return { kind: "longer", stream: rest() };
    if (needed > held.byteLength) {
      const capacity = Math.min(Math.max(needed, 2 * held.byteLength, 1_024), most);
      if (!share.take(capacity - held.byteLength)) return { kind: "crowded", stream: rest() };
      held = grown(held, capacity);
    }
    held.set(value, size);
    size = needed;
  }
}

/** A text of at most so many bytes; `undefined`: it is longer, and is read no further. */
export async function boundedText(
  stream: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<string | undefined> {
  if (stream === null) return "";
  const gathered = await gather(
    stream.getReader(),
    most,
    new Room(most).share(() => 0),
  );
  if (gathered.kind === "whole") return new TextDecoder().decode(gathered.body);
  await gathered.stream.cancel();
  return undefined;
}

function grown(held: Bytes, capacity: number): Bytes {
  const larger = new Uint8Array(capacity);
  larger.set(held);
  return larger;
}

/** What was read already, and then the rest as it comes. */
function replayed(read: readonly Uint8Array[], reader: Reader): ReadableStream<Uint8Array> {
  const first = read.filter(({ byteLength }) => byteLength > 0);
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = first.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
