/**
 * Finds a record: in memory, else where it is read from, one reader for all who ask at the same time.
 *
 * What a failing source leaves is the last known record, up to a stated age, and never a verdict: *not there* is
 * said only by a source that has answered.
 */

import { type Known, Memory, type Spans } from "./memory";

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
    if (recalled.use === "record") return { kind: "record", record: recalled.record, kept: recalled.kept };
    if (recalled.use !== "read") return { kind: recalled.use };
    const { fallback } = recalled;
    const read = newer(fallback, await this.#shared(name, fallback, reader));
    if (read.kind !== "exhausted") this.#memory.learn(name, read, now);
    if (read.kind === "record") return { ...read, kept: false };
    if (read.kind === "none" || fallback === undefined) return read;
    return { kind: "record", record: fallback, kept: true };
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

/** A store that lags behind does not undo what is known already. */
function newer<T extends { readonly version: number }>(known: T | undefined, read: Read<T>): Read<T> {
  const lags = known !== undefined && read.kind === "record" && read.record.version < known.version;
  return lags ? { kind: "record", record: known } : read;
}
