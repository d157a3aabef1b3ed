/**
 * `routes`: which requests are meant, and what is done with them. One route that cannot be understood makes the
 * whole document worth nothing: without it others would mean more.
 */

import type { Block } from "../address";
import { ROUTES } from "../limits";
import { blocks } from "./key";
import { count, entries, flag, integer, list, Malformed, Members, oneOf, parsed, text } from "./members";

export interface Routes {
  readonly version: number;
  readonly routes: readonly Route[];
}

/** tests/schemas/routes.json. Times are seconds since 1970. */
export interface Route {
  readonly version: number;
  readonly id: string;
  readonly match: Match;
  /** A name on the Worker's list. */
  readonly origin: string | undefined;
  readonly auth: "anonymous" | "key" | "token" | "any" | undefined;
  readonly mode: "off" | "shadow" | "enforce" | undefined;
  readonly cache: Cache | undefined;
  readonly headers: HeaderRules;
  readonly allowCidrs: readonly Block[];
  readonly denyCidrs: readonly Block[];
  /** A tier. */
  readonly rateLimit: string | undefined;
  readonly cors: Cors | undefined;
  readonly priority: number;
  readonly startsAt: number | undefined;
  readonly endsAt: number | undefined;
}

/** Empty lists match every request. */
export interface Match {
  readonly method: readonly string[];
  readonly host: readonly string[];
  readonly path: readonly string[];
  readonly cidrs: readonly Block[];
  readonly countries: readonly string[];
}

export interface Cache {
  /** Seconds. */
  readonly ttl: number;
  /** Parameters that tell one answer from another; `undefined`: all of them. */
  readonly query: readonly string[] | undefined;
  readonly headers: readonly string[];
  readonly bypass: readonly string[];
}

export interface HeaderRules {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
  readonly require: readonly string[];
}

export interface Cors {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly expose: readonly string[];
  readonly credentials: boolean;
  readonly maxAge: number | undefined;
}

export function routes(json: string): Routes | undefined {
  return parsed(json, (members) => ({
    version: members.required("version", count),
    routes: members.required(
      "routes",
      list(ROUTES, (value) => route(new Members(value))),
    ),
  }));
}

const PRIORITY = integer(-2_147_483_648, 2_147_483_647);
const texts = list(32, text);
const names = list(32, token);
const headerNames = list(32, (value) => token(value).toLowerCase());

/** A header's name or a method, as RFC 9110 §5.6.2 has them. */
function token(value: unknown): string {
  const name = text(value);
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw new Malformed(`${name} is no token`);
  return name;
}

function printable(value: unknown): string {
  const own = text(value);
  if (!/^[\x21-\x7e]+$/.test(own)) throw new Malformed("is not printable");
  return own;
}

function route(members: Members): Route {
  const found = {
    version: members.required("version", count),
    id: members.required("id", text),
    match: members.required("match", (value) => match(new Members(value))),
    origin: members.optional("origin", text),
    auth: members.optional("auth", oneOf("anonymous", "key", "token", "any")),
    mode: members.optional("mode", oneOf("off", "shadow", "enforce")),
    cache: members.optional("cache", (value) => cache(new Members(value))),
    headers: members.optional("headers", (value) => headers(new Members(value))) ?? NO_RULES,
    allowCidrs: blocks(members, "allow_cidrs"),
    denyCidrs: blocks(members, "deny_cidrs"),
    rateLimit: members.optional("rate_limit", text),
    cors: members.optional("cors", (value) => cors(new Members(value))),
    priority: members.required("priority", PRIORITY),
    startsAt: members.optional("starts_at", count),
    endsAt: members.optional("ends_at", count),
  };
  members.done();
  return found;
}

function match(members: Members): Match {
  const some = (name: string) => nonEmpty(name, members.optional(name, texts));
  const found = {
    method: some("method"),
    host: some("host"),
    path: some("path"),
    cidrs: blocks(members, "cidrs"),
    countries: some("countries"),
  };
  members.done();
  return found;
}

/** An empty list would read as "none", and an absent one means "all". */
function nonEmpty(name: string, found: string[] | undefined): string[] {
  if (found?.length === 0) throw new Malformed(`${name} is empty`);
  return found ?? [];
}

function cache(members: Members): Cache {
  const found = {
    ttl: members.required("ttl", integer(1, 31_536_000)),
    query: members.optional("query", texts),
    headers: members.optional("headers", headerNames) ?? [],
    bypass: members.optional("bypass", headerNames) ?? [],
  };
  members.done();
  return found;
}

const NO_RULES: HeaderRules = { set: [], remove: [], require: [] };

function headers(members: Members): HeaderRules {
  const found = {
    set: members.optional("set", entries(32, text)) ?? [],
    remove: members.optional("remove", texts) ?? [],
    require: members.optional("require", texts) ?? [],
  };
  members.done();
  const names = [...found.set.map(([name]) => name), ...found.remove, ...found.require];
  const wrong = names.find((name) => carriesProof(name) || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name));
  if (wrong !== undefined) throw new Malformed(`${wrong} cannot be named here`);
  if (found.set.some(([, value]) => !/^[\x20-\x7e]+$/.test(value))) throw new Malformed("set has no printable value");
  return found;
}

/** What the signature covers, or what decides where a request goes. */
function carriesProof(name: string): boolean {
  return /^(edge[-_]|signature)/.test(name) || ["authorization", "host", "content-digest"].includes(name);
}

function cors(members: Members): Cors {
  const found = {
    origins: members.required("origins", list(32, printable)),
    methods: members.optional("methods", names) ?? [],
    headers: members.optional("headers", names) ?? [],
    expose: members.optional("expose", names) ?? [],
    credentials: members.required("credentials", flag),
    maxAge: members.optional("max_age", count),
  };
  members.done();
  if (found.credentials && found.origins.includes("*")) throw new Malformed("every origin, with credentials");
  return found;
}
