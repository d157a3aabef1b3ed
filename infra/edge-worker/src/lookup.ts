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

/** How a lookup reads: within bounded time, and without ever rejecting. */
export interface Reader<T> {
  /** @param known the record that is there to fall back on. */
  read(known: T | undefined): Promise<Read<T>>;
  /** Holds the request open until a read is over, so that those who share it are not left waiting. */
  keep(work: Promise<unknown>): void;
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

  /** @param fresh if shorter than usual: how old a record may be that is used without another read. */
  async find(name: string, now: number, reader: Reader<T>, fresh?: number): Promise<Found<T>> {
    const recalled = this.#memory.recall(name, now, fresh);
    if (recalled.use !== "read") return found(recalled);
    const { fallback } = recalled;
    const read = await this.#shared(name, fallback, reader);
    if (read.kind !== "exhausted") return found(this.#memory.learn(name, read, now));
    return fallback === undefined ? read : { kind: "record", record: fallback, kept: true };
  }

  #shared(name: string, known: T | undefined, reader: Reader<T>): Promise<Read<T>> {
    const running = this.#reading.get(name);
    if (running !== undefined) return running;
    const started = reader.read(known).finally(() => this.#reading.delete(name));
    this.#reading.set(name, started);
    reader.keep(started);
    return started;
  }
}

function found<T>(known: Learned<T>): Found<T> {
  return known.use === "record" ? { kind: "record", record: known.record, kept: known.kept } : { kind: known.use };
}
