import type { Rule } from "./counting/window";

/** A whole answer. */
export interface Told {
  readonly status: number;
  /** `undefined`: longer than it may be. */
  readonly body: string | undefined;
}

/** All that the Worker asks of the world around it. `outside.ts` is the only one there is, but for tests. */
export interface World {
  /** Milliseconds since 1970. Stands still between calls that wait for something. */
  now(): number;
  /** A text that no other request has: 22 characters. */
  nonce(): string;
  /** A value of the store, `undefined` where there is none. Rejects if the store fails or the value is too large. */
  stored(name: string, most: number): Promise<string | undefined>;
  /** Sends a request and follows no redirect. Rejects after `patience` milliseconds without an answer's head. */
  send(request: Request, patience: number): Promise<Response>;
  /** The same, and rejects without the whole of the answer after that time, of which `most` bytes are read. */
  ask(request: Request, patience: number, most: number): Promise<Told>;
  /** Whether one more is within the limit of a binding; `undefined`: there is no such binding. */
  limit(binding: string, key: string): Promise<boolean | undefined>;
  /**
   * Counts one more under a name, if an exact limit has room for it: milliseconds until it has, 0 where it was counted.
   * `undefined`: there is no such binding. Rejects if the object does not answer in time.
   */
  count(binding: string, name: string, rule: Rule): Promise<number | undefined>;
  cached(key: Request): Promise<Response | undefined>;
  cache(key: Request, answer: Response): Promise<void>;
  rest(milliseconds: number): Promise<void>;
  /** The same work, which rejects if it is not done in that time; see `isTimeout`. */
  within<T>(patience: number, work: Promise<T>): Promise<T>;
  /** Work that goes on after the answer. */
  keep(work: Promise<unknown>): void;
  /** One line for the operator. */
  tell(line: string): void;
}

export function timeout(): Error {
  return new DOMException("no answer in time", "TimeoutError");
}

export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}
