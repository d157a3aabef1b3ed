/**
 * What an isolate remembers of one kind of record: a state machine over time, without a clock or a source.
 *
 * A record is fresh, then worth another read, then kept only while reads fail. What was not there, or could not be
 * read, is not asked for again for a while. Strangers cost no memory: records and their absence are remembered apart,
 * and of each those go that were not asked for lately.
 */

/** Milliseconds. */
export interface Spans {
  readonly fresh: number;
  readonly kept: number;
  /** So long a read of an older version is thought to lag behind; after that it is believed. */
  readonly lag: number;
  readonly unknown: number;
  /** After a read that failed: with a record to fall back on, and without. */
  readonly rest: number;
  readonly cooling: number;
}

/** What a read has found. */
export type Known<T> = { kind: "record"; record: T } | { kind: "none" } | { kind: "failed" };

/** What is known of a name. `kept`: its time is over, and nothing newer could be had. */
export type Learned<T> = { use: "record"; record: T; kept: boolean } | { use: "none" | "failed" };

/**
 * The same from memory, or else that it is to be read, with something to fall back on if that fails. `isRecent`: it is
 * no older than twice what is fresh, and will do for those who come while another reads.
 */
export type Recalled<T> = Learned<T> | { use: "read"; fallback: T | undefined; isRecent: boolean };

const UNKNOWN = { use: "read", fallback: undefined, isRecent: false } as const;

interface Remembered<T> {
  readonly record: T;
  readonly readAt: number;
  /** No read before this. */
  restUntil: number;
}

interface Absent {
  readonly kind: "none" | "failed";
  readonly until: number;
}

export class Memory<T extends { readonly version: number }> {
  readonly #spans: Spans;
  readonly #records: Recent<Remembered<T>>;
  readonly #absent: Recent<Absent>;

  constructor(spans: Spans, most: number) {
    this.#spans = spans;
    this.#records = new Recent(most);
    this.#absent = new Recent(most);
  }

  /** Names remembered, one way or the other. */
  get size(): number {
    return this.#records.size + this.#absent.size;
  }

  /** @param fresh if shorter than usual: how old a record may be that is used without another read. */
  recall(name: string, now: number, fresh = this.#spans.fresh): Recalled<T> {
    const known = this.#records.get(name);
    if (known === undefined) {
      const absent = this.#absent.get(name);
      return absent !== undefined && now < absent.until ? { use: absent.kind } : UNKNOWN;
    }
    const age = now - known.readAt;
    if (age < fresh) return { use: "record", record: known.record, kept: false };
    if (age >= this.#spans.kept) return UNKNOWN;
    if (now < known.restUntil) return { use: "record", record: known.record, kept: true };
    return { use: "read", fallback: known.record, isRecent: age < 2 * fresh };
  }

  /** @returns what is to be used now that this was found. */
  learn(name: string, found: Known<T>, now: number): Learned<T> {
    const { kept, unknown, rest, cooling } = this.#spans;
    const known = this.#records.get(name);
    const held = known !== undefined && now - known.readAt < kept ? known : undefined;
    if (held !== undefined && (found.kind === "failed" || this.#lags(found, held, now))) {
      held.restUntil = now + rest;
      return { use: "record", record: held.record, kept: true };
    }
    if (found.kind === "record") {
      this.#absent.delete(name);
      this.#records.set(name, { record: found.record, readAt: now, restUntil: 0 });
      return { use: "record", record: found.record, kept: false };
    }
    this.#records.delete(name);
    this.#absent.set(name, { kind: found.kind, until: now + (found.kind === "none" ? unknown : cooling) });
    return { use: found.kind };
  }

  #lags(found: Known<T>, { record, readAt }: Remembered<T>, now: number): boolean {
    return found.kind === "record" && found.record.version < record.version && now - readAt < this.#spans.lag;
  }
}

/**
 * A map of bounded size, in two generations: what was asked for lately is in the younger one, and when that has half
 * of the room, the older one goes. So what is forgotten was not asked for while that many others were.
 */
export class Recent<V> {
  readonly #half: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  constructor(most: number) {
    this.#half = Math.max(Math.floor(most / 2), 1);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(name: string): V | undefined {
    const young = this.#young.get(name);
    if (young !== undefined) return young;
    const old = this.#old.get(name);
    if (old !== undefined) this.set(name, old);
    return old;
  }

  set(name: string, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(name)) [this.#old, this.#young] = [this.#young, new Map()];
    this.#old.delete(name);
    this.#young.set(name, value);
  }

  delete(name: string): void {
    this.#young.delete(name);
    this.#old.delete(name);
  }
}

/** So many in each second, and no more. */
export class Budget {
  readonly #perSecond: number;
  #second = 0;
  #spent = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  spend(now: number): boolean {
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) [this.#second, this.#spent] = [second, 0];
    this.#spent += 1;
    return this.#spent <= this.#perSecond;
  }
}
