/**
 * Issuers' key sets (RFC 7517): judged, bounded, and remembered for the version of the record that says where they
 * are. An empty or unreadable set never replaces a good one, and a key that vanishes from one is used until a second
 * fetch says so too: the authorizer's rules (crates/decision/src/cache/jwks.rs).
 */

import { type CompactVerifyGetKey, createLocalJWKSet, type JWK } from "jose";
import { JWKS_COOLING, JWKS_FRESH, JWKS_KEPT } from "../lifetimes";
import { JWKS_BODY, JWKS_KEYS, KID, REMEMBERED_ISSUERS } from "../limits";
import { type Found, type Holding, Lookup } from "../lookup";
import type { IssuerRecord } from "../records/issuer";

export interface KeySet {
  /** When it was read, in milliseconds: a later one is a newer one. */
  readonly version: number;
  readonly kids: ReadonlySet<string>;
  /** Names of keys that are there and may not be used for tokens. */
  readonly unusable: ReadonlySet<string>;
  readonly find: CompactVerifyGetKey;
  /** As the issuer has them. */
  readonly keys: readonly JWK[];
}

/** Fetches a public document: `undefined` for everything but a 200 of bounded size, within bounded time. */
export type Fetch = (address: string, most: number) => Promise<string | undefined>;

const SPANS = {
  fresh: JWKS_FRESH,
  kept: JWKS_KEPT,
  lag: 0,
  unknown: JWKS_COOLING,
  rest: JWKS_COOLING,
  cooling: JWKS_COOLING,
};

export class KeySets {
  readonly #sets = new Lookup<KeySet>(SPANS, REMEMBERED_ISSUERS);

  /**
   * @param kid of the token: if the set lacks it, the set is fetched anew, but not often. `failed`: nobody knows, since
   * the issuer could not be asked lately.
   */
  async find(
    issuer: string,
    record: IssuerRecord,
    kid: string | undefined,
    now: number,
    { fetch, ...holding }: { fetch: Fetch } & Holding,
  ): Promise<Found<KeySet>> {
    const name = `${record.version} ${issuer}`;
    const reader = { read: (known: KeySet | undefined) => read(issuer, record, known, now, fetch), ...holding };
    const lacks = (found: Found<KeySet>) =>
      found.kind === "record" && kid !== undefined && !found.record.kids.has(kid) && !found.record.unusable.has(kid);
    const found = await this.#sets.find(name, now, reader);
    if (!lacks(found)) return found;
    const again = await this.#sets.find(name, now, reader, { fresh: JWKS_COOLING, anew: true });
    const isOld = again.kind === "record" && (again.kept || now - again.record.version >= JWKS_COOLING);
    return lacks(again) && isOld ? { kind: "failed" } : again;
  }
}

async function read(issuer: string, record: IssuerRecord, known: KeySet | undefined, now: number, fetch: Fetch) {
  const address = record.jwksUri ?? (await discovered(issuer, fetch));
  const body = address === undefined ? undefined : await fetch(address, JWKS_BODY);
  const set = body === undefined ? undefined : keySet(body, now, known);
  return set === undefined ? { kind: "failed" as const } : { kind: "record" as const, record: set };
}

/** OpenID Connect Discovery 1.0 §4: the document must speak for the issuer itself. */
async function discovered(issuer: string, fetch: Fetch): Promise<string | undefined> {
  if (!issuer.startsWith("https://")) return undefined;
  const body = await fetch(`${issuer.replace(/\/+$/, "")}/.well-known/openid-configuration`, JWKS_BODY);
  const document = body === undefined ? undefined : json(body);
  const address = document?.["issuer"] === issuer ? document["jwks_uri"] : undefined;
  return typeof address === "string" && address.startsWith("https://") ? address : undefined;
}

/**
 * @param known the set before it: what has vanished from that is still there, once.
 * @returns `undefined`: not a set with a key in it that may verify signatures.
 */
export function keySet(body: string, now: number, known?: KeySet): KeySet | undefined {
  const all = json(body)?.["keys"];
  if (!Array.isArray(all) || all.length > JWKS_KEYS) return undefined;
  const usable = all.filter(isUsable);
  const unusable = new Set(all.filter((key) => !isUsable(key)).flatMap((key) => nameOf(key) ?? []));
  const named = usable.flatMap(({ kid }) => (kid === undefined ? [] : [kid]));
  // Of two keys with one name nobody can tell which is meant.
  const keys = usable.filter(({ kid }) => named.indexOf(kid ?? "") === named.lastIndexOf(kid ?? ""));
  if (keys.length === 0) return undefined;
  // A token without `kid` must not meet a key that is gone.
  const vanished = (known?.keys ?? []).filter(({ kid }) => kid !== undefined && !named.includes(kid));
  const kids = new Set([...keys, ...vanished].flatMap(({ kid }) => kid ?? []));
  const [own, gone] = [createLocalJWKSet({ keys }), createLocalJWKSet({ keys: vanished })];
  const isGone = (kid: string | undefined) => kid !== undefined && !named.includes(kid) && kids.has(kid);
  return {
    version: now,
    kids,
    unusable,
    keys,
    find: (header, token) => (isGone(header.kid) ? gone : own)(header, token),
  };
}

/** Public, for signatures, and of a kind that tokens may be signed with. */
function isUsable(key: unknown): key is JWK {
  if (typeof key !== "object" || key === null) return false;
  const { kty, kid, use, key_ops } = key as JWK;
  const verifies =
    (use ?? "sig") === "sig" && (key_ops === undefined || (Array.isArray(key_ops) && key_ops.includes("verify")));
  const isNamed = kid === undefined || (typeof kid === "string" && kid.length <= KID);
  return (
    ["RSA", "EC", "OKP"].includes(kty ?? "") && !SECRET.some((name) => Object.hasOwn(key, name)) && verifies && isNamed
  );
}

/** Members of private and symmetric keys: RFC 7518 §6.2.2, §6.3.2, §6.4.1, RFC 8037 §2. */
const SECRET = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

function nameOf(key: unknown): string | undefined {
  const kid = typeof key === "object" && key !== null && "kid" in key ? key.kid : undefined;
  return typeof kid === "string" && kid.length <= KID ? kid : undefined;
}

function json(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
