/**
 * The Worker's settings: the one file that names its variables. What is wrong with them is told all at once, and
 * until it is mended every request is a fault.
 */

import type { Places } from "./credentials";
import { type TokenIssuer, tokenIssuer } from "./edge-token/issuer";
import { GATEWAY_PATIENCE, PUBLIC_PATIENCE } from "./lifetimes";
import { entries, integer, Malformed, Members, oneOf, parsedValue, text } from "./records/members";
import type { KeyBindings } from "./signature/key";

export interface Env extends KeyBindings {
  /** Names of hosts, with commas between them. */
  readonly HOSTS?: string;
  /** `{"api": {"url": "https://abc.execute-api.eu-west-1.amazonaws.com/prod", "kind": "gateway"}}`. */
  readonly ORIGINS?: string;
  /** Where requests go that no route sends elsewhere; absent: nowhere. */
  readonly DEFAULT_ORIGIN?: string;
  /** The origin whose inside doors are asked; absent: the first gateway. */
  readonly GATEWAY?: string;
  /** `on` where the forwarder stands behind the gateway: then keys are looked up and logs are sent there. */
  readonly DOORS?: string;
  /** What gateways get to know the edge by: `signature`, or `token` of an issuer that their authorizer knows. */
  readonly EDGE_PROOF?: string;
  /** The issuer's token endpoint, and the edge's client there. The secret is a secret. */
  readonly EDGE_TOKEN_URL?: string;
  readonly EDGE_TOKEN_CLIENT_ID?: string;
  readonly EDGE_TOKEN_CLIENT_SECRET?: string;
  /** Asked for where the issuer wants one. */
  readonly EDGE_TOKEN_SCOPE?: string;
  readonly API_KEY_NAMES?: string;
  /** Some of `header`, `query`, `body`. */
  readonly API_KEY_PLACES?: string;
  /** `plain`, or the Kong whose replies clients expect, such as `kong-3.7`: the first version that answered so. */
  readonly REPLIES?: string;
  readonly REALM?: string;
  /** Bodies of at most so many bytes are read and signed; longer ones are streamed without a digest. */
  readonly DIGEST_LIMIT?: string;
  /**
   * `{"gold": {"binding": "TIER_GOLD", "limit": 600, "period": 60}}`, as the rate limits among the bindings say it; with
   * `object` instead of `binding` it is a binding of Durable Objects, and this is where the numbers are said.
   */
  readonly TIERS?: string;
  /** The tier of those who are refused, by address; absent: they may guess as often as they like. */
  readonly STRANGERS?: string;
  /** Which requests get a log line: `all`, `refusals` or `off`. */
  readonly LOGS?: string;
}

export interface Origin {
  /** Host and port, as they are signed. */
  readonly authority: string;
  readonly scheme: "http" | "https";
  /** In front of a client's path: a stage, or nothing. */
  readonly prefix: string;
  /** What goes to a gateway is signed. Only there do keys become hashes. */
  readonly kind: "gateway" | "public";
  /** Milliseconds until the head of an answer. */
  readonly patience: number;
}

export interface Tier {
  readonly name: string;
  readonly binding: string;
  /** Counted by Durable Objects, everywhere and exactly; else by a rate limit, in each location and roughly. */
  readonly exact: boolean;
  readonly limit: number;
  /** Seconds. */
  readonly period: number;
}

export interface Config {
  readonly hosts: ReadonlySet<string>;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly defaultOrigin: Origin | undefined;
  readonly gateway: Origin | undefined;
  readonly doors: boolean;
  /** Whose tokens prove the edge; absent: its signatures do. */
  readonly tokenIssuer: TokenIssuer | undefined;
  readonly places: Places;
  readonly replies: Replies;
  readonly realm: string | undefined;
  readonly digestLimit: number;
  readonly tiers: ReadonlyMap<string, Tier>;
  /** A name of these. */
  readonly strangers: string | undefined;
  readonly logs: "all" | "refusals" | "off";
}

const KONGS = ["kong-0.14", "kong-1.1", "kong-2.1", "kong-3.0", "kong-3.5", "kong-3.6", "kong-3.7"] as const;
/** Each profile by the first version that behaves so. */
export type Replies = "plain" | (typeof KONGS)[number];

export type Configured = { ok: true; config: Config } | { ok: false; problems: readonly string[] };

export function configOf(env: Env): Configured {
  const problems: string[] = [];
  const hosts = list(env.HOSTS).map((host) => host.toLowerCase());
  if (hosts.length === 0) problems.push("HOSTS is missing: the names that this Worker answers for");
  const origins = named(env.ORIGINS, origin) ?? new Map<string, Origin>();
  if (origins.size === 0) problems.push('ORIGINS is not JSON such as {"api": {"url": "https://…", "kind": "gateway"}}');
  const tiers = env.TIERS === undefined ? new Map<string, Tier>() : named(env.TIERS, tier);
  if (tiers === undefined)
    problems.push('TIERS is not JSON such as {"gold": {"binding": "TIER_GOLD", "limit": 600, "period": 60}}');
  if ([...origins.values()].some(({ kind, scheme }) => kind === "gateway" && scheme !== "https"))
    problems.push("ORIGINS has a gateway without https: what proves the edge would be there for everybody on the way");
  const listed = [...(tiers?.values() ?? [])];
  if (!listed.every(({ name }) => /^[\w.-]{1,64}$/.test(name)))
    problems.push("TIERS have names of letters, digits, -, . and _");
  const unbound = listed.find(({ binding, exact }) => !isBound(env, binding, exact ? "idFromName" : "limit"));
  if (unbound !== undefined) {
    const kind = unbound.exact ? "durable_objects" : "ratelimits";
    problems.push(`TIERS: ${unbound.name} names ${unbound.binding}, which is not among the ${kind}`);
  }
  if (env.STRANGERS && tiers?.has(env.STRANGERS) === false) problems.push("STRANGERS is not a name of TIERS");
  if (env.STRANGERS && tiers?.get(env.STRANGERS)?.exact === true)
    problems.push("STRANGERS names a tier with objects, one for every stranger: give it one with a rate limit");
  const known = (name: "DEFAULT_ORIGIN" | "GATEWAY") => {
    const chosen = env[name] === undefined || env[name] === "" ? undefined : origins.get(env[name]);
    if (env[name] && chosen === undefined) problems.push(`${name} is not a name of ORIGINS`);
    return chosen;
  };
  const gateway = known("GATEWAY") ?? [...origins.values()].find(({ kind }) => kind === "gateway");
  if (env.DOORS === "on" && gateway === undefined) problems.push("DOORS is on, and no origin is of kind gateway");
  if (env.REALM && !/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/.test(env.REALM))
    problems.push('REALM is printable characters other than " and \\');
  if (gateway?.kind === "public") problems.push("GATEWAY is not an origin of kind gateway");
  const choice = <T extends string>(name: keyof Env & string, choices: readonly T[], usual: T): T => {
    const found = choices.find((each) => each === (env[name] || usual));
    if (found === undefined) problems.push(`${name} is none of ${choices.join(", ")}`);
    return found ?? usual;
  };
  const names = list(env.API_KEY_NAMES || "x-api-key");
  if (!names.every((name) => /^[\w-]+$/.test(name))) problems.push("API_KEY_NAMES are letters, digits, - and _");
  const places = list(env.API_KEY_PLACES || "header");
  if (!places.every((place) => ["header", "query", "body"].includes(place))) {
    problems.push("API_KEY_PLACES are some of header, query, body");
  }
  const digestLimit = Number(env.DIGEST_LIMIT || 1_048_576);
  if (!Number.isInteger(digestLimit) || digestLimit < 0) problems.push("DIGEST_LIMIT is not a number of bytes");
  choice("EDGE_PROOF", ["signature", "token"], "signature");
  const config = {
    hosts: new Set(hosts),
    origins,
    defaultOrigin: known("DEFAULT_ORIGIN"),
    gateway,
    doors: choice("DOORS", ["on", "off"], "off") === "on",
    tokenIssuer: tokenIssuer(env, problems),
    places: {
      names,
      header: places.includes("header"),
      query: places.includes("query"),
      body: places.includes("body"),
    },
    replies: choice("REPLIES", ["plain", ...KONGS], "plain"),
    realm: env.REALM || undefined,
    digestLimit,
    tiers: tiers ?? new Map(),
    strangers: env.STRANGERS || undefined,
    logs: choice("LOGS", ["all", "refusals", "off"], "all"),
  };
  return problems.length === 0 ? { ok: true, config } : { ok: false, problems };
}

function list(value: string | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** A JSON object whose names are the operator's. */
function named<T>(json: string | undefined, read: (name: string, members: Members) => T): Map<string, T> | undefined {
  const all = entries(64, (value) => new Members(value));
  return parsedValue(json ?? "", (value) => new Map(all(value).map(([name, members]) => [name, read(name, members)])));
}

const PATIENCE = { gateway: GATEWAY_PATIENCE, public: PUBLIC_PATIENCE };
const ADDRESS = /^(https?):\/\/([a-z0-9.-]+(?::\d+)?)((?:\/[\w.~-]+)*)\/?$/;

function origin(_name: string, members: Members): Origin {
  const [, scheme, authority, prefix] = ADDRESS.exec(members.required("url", text)) ?? [];
  const kind = members.required("kind", oneOf("gateway", "public"));
  const seconds = members.optional("patience", integer(1, 600));
  members.done();
  if ((scheme !== "http" && scheme !== "https") || authority === undefined) throw new Malformed("url is no address");
  const plain = authority.replace(scheme === "https" ? /:443$/ : /:80$/, "");
  const patience = seconds === undefined ? PATIENCE[kind] : seconds * 1_000;
  return { scheme, authority: plain, prefix: prefix ?? "", kind, patience };
}

function tier(name: string, members: Members): Tier {
  const object = members.optional("object", text);
  const found = {
    name,
    binding: object ?? members.required("binding", text),
    exact: object !== undefined,
    limit: members.required("limit", integer(1, 1_000_000_000)),
    period: members.required("period", integer(1, 86_400)),
  };
  members.done();
  return found;
}

/** Whether there is a binding that can do this. */
function isBound(env: Env, binding: string, what: "idFromName" | "limit"): boolean {
  const found: unknown = Object.hasOwn(env, binding) ? Reflect.get(env, binding) : undefined;
  return typeof found === "object" && found !== null && what in found;
}
