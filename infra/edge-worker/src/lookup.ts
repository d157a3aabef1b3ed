/**
 * Finds a record: in memory, else where it is read from, one reader for all who ask at the same time.
 *
 * What a failing source leaves is the last known record, up to a stated age, and never a verdict: *not there* is
 * said only by a source that has answered.
 */

import { type Known, type Learned, Memory, type Spans } from "./memory";

export type Found<T> =
  | { kind: "record"; record: T; kept: boolean }
  | { kind: "none" }
  | { kind: "failed" }
  | { kind: "exhausted" };

/** What one read says. `exhausted`: it was not made, because there have been too many. */
export type Read<T> = Known<T> | { kind: "exhausted" };

/** How long a read that is shared lasts. */
export interface Holding {
  /** Holds the request open until a read is over, so that those who share it are not left waiting. */
  keep(work: Promise<unknown>): void;
  /** Rejects where another's read takes longer than any may: it went with the request that had begun it. */
  wait<T>(shared: Promise<T>): Promise<T>;
}

/** How a lookup reads: within bounded time, and without ever rejecting. */
export interface Reader<T> extends Holding {
  /** @param known the record that is there to fall back on. */
  read(known: T | undefined): Promise<Read<T>>;
}

export interface Asking {
  /** If shorter than usual: how old a record may be that is used without another read, in milliseconds. */
  readonly fresh?: number;
  /** What is known will not do: who comes while it is read waits for that. */
  readonly anew?: boolean;
}

export class Lookup<T extends { readonly version: number }> {
  readonly #memory: Memory<T>;
  readonly #reading = new Map<string, Promise<Read<T>>>();

  constructor(spans: Spans, most: number) {
    this.#memory = new Memory(spans, most);
  }

  get remembered(): number {
    return this.#memory.size;
  }

  /** Whether a record is there that may be used while nothing newer can be had. */
  knows(name: string, now: number): boolean {
    const recalled = this.#memory.recall(name, now);
    return recalled.use === "record" || (recalled.use === "read" && recalled.fallback !== undefined);
  }

  async find(name: string, now: number, reader: Reader<T>, { fresh, anew = false }: Asking = {}): Promise<Found<T>> {
    const recalled = this.#memory.recall(name, now, fresh);
    if (recalled.use !== "read") return found(recalled);
    const { fallback, isRecent } = recalled;
    const running = this.#reading.get(name);
    // One reads, and the others go on with what there is: no source has failed, so nothing is `kept`.
    if (running !== undefined && fallback !== undefined && isRecent && !anew) {
      return { kind: "record", record: fallback, kept: false };
    }
    const read = await (running === undefined
      ? this.#begin(name, fallback, reader)
      : this.#join(name, running, reader));
    // What was not read for lack of budget is not tried again at once, where there is something to go on with.
    if (read.kind === "exhausted" && fallback === undefined) return read;
    return found(this.#memory.learn(name, read.kind === "exhausted" ? { kind: "failed" } : read, now));
  }

  async #join(name: string, running: Promise<Read<T>>, reader: Reader<T>): Promise<Read<T>> {
    try {
      return await reader.wait(running);
    } catch {
      if (this.#reading.get(name) === running) this.#reading.delete(name);
      return { kind: "failed" };
    }
  }

  #begin(name: string, known: T | undefined, reader: Reader<T>): Promise<Read<T>> {
    const started = reader.read(known).finally(() => {
      if (this.#reading.get(name) === started) this.#reading.delete(name);
    });
    this.#reading.set(name, started);
    reader.keep(started);
    return started;
  }
}

function found<T>(known: Learned<T>): Found<T> {
  return known.use === "record" ? { kind: "record", record: known.record, kept: known.kept } : { kind: known.use };
}
