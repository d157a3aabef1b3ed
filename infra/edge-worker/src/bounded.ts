/** Bodies read up to a size: whole if they are no longer, and else not lost. */

import type { Bytes } from "./bytes";

export type Gathered = { kind: "whole"; body: ArrayBuffer } | { kind: "longer"; stream: ReadableStream<Uint8Array> };

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** Bytes that may be held at once by all who gather. */
export class Room {
  #left: number;

  constructor(most: number) {
    this.#left = most;
  }

  /** Whether there was so much. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

/** @param room without as much of it as a body needs, the body counts as a longer one. */
export async function gather(reader: Reader, most: number, room: Room): Promise<Gathered> {
  // One buffer for all: what is read comes in buffers of its own, far larger than a short piece.
  let held: Bytes = new Uint8Array(0);
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return { kind: "whole", body: held.slice(0, size).buffer };
      const needed = size + value.byteLength;
      const capacity = Math.min(Math.max(needed, 2 * held.byteLength, 1_024), most);
      const fits = needed <= most && (needed <= held.byteLength || room.take(capacity - held.byteLength));
      if (!fits) return { kind: "longer", stream: replayed([held.slice(0, size), value], reader) };
      if (needed > held.byteLength) held = grown(held, capacity);
      held.set(value, size);
      size = needed;
    }
  } finally {
    room.give(held.byteLength);
  }
}

/** A text of at most so many bytes; `undefined`: it is longer, and is read no further. */
export async function boundedText(
  stream: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<string | undefined> {
  if (stream === null) return "";
  const gathered = await gather(stream.getReader(), most, new Room(most));
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
