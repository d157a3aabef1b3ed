/**
 * Who calls: each credential that the route asks for is looked up and judged.
 *
 * A wrong one is never rescued by another, and *not presented* is not *wrong*. What the caller may do is for the
 * authorizer to say; here it is known only that there is such a caller, now and from here.
 */

import { address } from "./address";
import { keyHash } from "./api-key";
import type { Arrival } from "./arrival";
import type { Config } from "./config";
import { type ApiKey, bearer } from "./credentials";
import { bad, good, type Reason, type Result } from "./reasons";
import { type KeyRecord, refusalOf } from "./records/key";
import type { SigningKey } from "./signature/key";
import type { Sources } from "./sources";
import { readToken } from "./token/read";
import { type Verified, verify } from "./token/verify";
import type { World } from "./world";

export type Auth = "anonymous" | "key" | "token" | "any";

/** What was presented, before it is judged. */
export interface Presented {
  readonly key: ApiKey;
  /** Of a key in good form. */
  readonly keyHash: Result<string> | undefined;
  readonly token: Result<string | undefined>;
}

export interface Caller {
  readonly key: KeyRecord | undefined;
  readonly token: Verified | undefined;
  /** Something was used beyond its time, because its source failed. */
  readonly kept: boolean;
}

export const NOBODY: Caller = { key: undefined, token: undefined, kept: false };

export async function presented(key: ApiKey, authorization: string | null): Promise<Presented> {
  return { key, keyHash: key.kind === "found" ? await keyHash(key.raw) : undefined, token: bearer(authorization) };
}

/** A caller's key as it is passed on to a gateway: its hash is signed, the key itself goes beside a token. */
export interface PassedKey {
  readonly raw: string;
  readonly hash: string;
}

/**
 * The key for a gateway. One that has no hash is refused there whatever the route's mode says: left out, the credential
 * beside it would answer for it.
 */
export function keyFor(auth: Auth, { key, keyHash }: Presented): Result<PassedKey | undefined> {
  if (auth === "anonymous" || key.kind === "none") return good(undefined);
  if (key.kind !== "found" || keyHash === undefined) {
    return bad(key.kind === "duplicate" ? "credentials_ambiguous" : "key_malformed");
  }
  return keyHash.ok ? good({ raw: key.raw, hash: keyHash.value }) : keyHash;
}

interface Around {
  readonly arrival: Arrival;
  readonly config: Config;
  readonly sources: Sources;
  readonly signing: SigningKey | undefined;
  readonly world: World;
}

export async function judge(auth: Auth, shown: Presented, around: Around): Promise<Result<Caller>> {
  if (auth === "anonymous") return good(NOBODY);
  const [wantsKey, wantsToken] = [auth !== "token", auth !== "key"];
  if (shown.key.kind === "duplicate") return bad("credentials_ambiguous");
  // Whose token is not asked for here has it judged by the authorizer, or by the origin.
  if (wantsToken && !shown.token.ok) return shown.token;
  const token = wantsToken && shown.token.ok ? shown.token.value : undefined;
  const isThere = (wantsKey && shown.keyHash !== undefined) || token !== undefined;
  if (!isThere) return bad("caller_missing");
  // An empty key alone is none, as clients of Kong know it; beside a token it is a wrong one.
  if (shown.key.kind === "empty") return bad("key_malformed");
  // Both at once: neither waits for the other, and both must hold.
  const [byKey, byToken] = await Promise.all([
    shown.keyHash === undefined ? undefined : judgeKey(shown.keyHash, around),
    token === undefined ? undefined : judgeToken(token, around),
  ]);
  if (byKey?.ok === false) return byKey;
  if (byToken?.ok === false) return byToken;
  const kept = byKey?.value.kept === true || byToken?.value.kept === true;
  return good({ key: byKey?.value.record, token: byToken?.value.record, kept });
}

interface Judged<T> {
  readonly record: T;
  readonly kept: boolean;
}

async function judgeKey(hash: Result<string>, around: Around): Promise<Result<Judged<KeyRecord>>> {
  if (!hash.ok) return hash;
  const { arrival, config, sources, signing, world } = around;
  const found = await sources.key(hash.value, world, config, signing);
  if (found.kind !== "record") return bad(absence(found.kind, "key_unknown", "keys_unavailable"));
  const refusal = refusalOf(found.record, address(arrival.client.ip), world.now());
  return refusal === undefined ? good(found) : bad(refusal);
}

async function judgeToken(compact: string, { sources, world }: Around): Promise<Result<Judged<Verified>>> {
  const token = readToken(compact);
  if (!token.ok) return token;
  const { issuer, kid } = token.value;
  const record = await sources.issuer(issuer, world);
  if (record.kind !== "record") return bad(absence(record.kind, "token_issuer_unknown", "issuer_unavailable"));
  if (!record.record.algorithms.includes(token.value.algorithm)) return bad("token_algorithm");
  const keys = await sources.keySet(issuer, record.record, kid, world);
  if (keys.kind !== "record") return bad(absence(keys.kind, "issuer_unavailable", "issuer_unavailable"));
  const verified = await verify(token.value, record.record, keys.record, world.now());
  return verified.ok ? good({ record: verified.value, kept: record.kept || keys.kept }) : verified;
}

/** A source that has failed says nothing about the caller. */
function absence(kind: "none" | "failed" | "exhausted", unknown: Reason, unavailable: Reason): Reason {
  return kind === "none" ? unknown : kind === "failed" ? unavailable : "lookups_exhausted";
}
