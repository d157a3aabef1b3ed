/**
 * Members of a JSON object, read strictly: each has its type or the whole object counts for nothing.
 *
 * Members that are not asked for may be passed over or not: `done` says so. A member that is `null` is not absent.
 */

import { TEXT } from "../limits";

export class Malformed extends Error {}

type Json = Record<string, unknown>;

export class Members {
  readonly #object: Json;
  readonly #asked = new Set<string>();

  constructor(value: unknown) {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("is no object");
    this.#object = value as Json;
  }

  /** `undefined` where it is absent. */
  any(name: string): unknown {
    this.#asked.add(name);
    return Object.hasOwn(this.#object, name) ? this.#object[name] : undefined;
  }

  optional<T>(name: string, read: (value: unknown) => T): T | undefined {
    const value = this.any(name);
    return value === undefined ? undefined : read(value);
  }

  required<T>(name: string, read: (value: unknown) => T): T {
    const value = this.any(name);
    if (value === undefined) throw new Malformed(`${name} is missing`);
    return read(value);
  }

  /** Nothing else is there: what is not understood could change what the rest means. */
  done(): void {
    const other = Object.keys(this.#object).find((name) => !this.#asked.has(name));
    if (other !== undefined) throw new Malformed(`${other} is not known`);
  }
}

export function text(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > TEXT) throw new Malformed("is no text");
  return value;
}

/** What the value is, as one of a closed list. */
export function oneOf<T extends string>(...names: readonly T[]): (value: unknown) => T {
  return (value) => {
    const found = names.find((name) => name === value);
    if (found === undefined) throw new Malformed(`is none of ${names.join(", ")}`);
    return found;
  };
}

export function integer(least: number, most: number): (value: unknown) => number {
  return (value) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
      throw new Malformed("is no such integer");
    }
    return value;
  };
}

/** Seconds since 1970, a version, or any other count. */
export const count = integer(0, Number.MAX_SAFE_INTEGER);

export function flag(value: unknown): boolean {
  if (typeof value !== "boolean") throw new Malformed("is not true or false");
  return value;
}

export function list<T>(most: number, read: (value: unknown) => T): (value: unknown) => T[] {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) throw new Malformed("is no list, or too long a one");
    return value.map(read);
  };
}

/** Each member of an object whose names are the writer's. */
export function entries<T>(most: number, read: (value: unknown) => T): (value: unknown) => [string, T][] {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("is no object");
    const all = Object.entries(value);
    if (all.length > most) throw new Malformed("has too many members");
    return all.map(([name, member]) => [name, read(member)]);
  };
}

/** A JSON text as `read` has it; `undefined` where it is malformed. */
export function parsedValue<T>(json: string, read: (value: unknown) => T): T | undefined {
  try {
    return read(JSON.parse(json));
  } catch (error) {
    if (error instanceof Malformed || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The same for an object. */
export function parsed<T>(json: string, read: (members: Members) => T): T | undefined {
  return parsedValue(json, (value) => read(new Members(value)));
}
