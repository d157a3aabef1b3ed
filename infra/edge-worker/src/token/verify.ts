/**
 * Whether a bearer token holds against its issuer's record: the authorizer's rules
 * (crates/decision/src/token/verify.rs), so that what is refused there need not be sent. What a token grants is its
 * to say; the edge only knows whose the token is.
 */

import { compactVerify, errors } from "jose";
import { utf8 } from "../bytes";
import { SKEW, TOKEN_LIFE } from "../lifetimes";
import { CLAIMS, SUBJECT } from "../limits";
import { bad, good, type Reason, type Result } from "../reasons";
import type { Claim, IssuerRecord } from "../records/issuer";
import type { KeySet } from "./key-sets";
import { object, type Unverified } from "./read";

export interface Verified {
  readonly issuer: string;
  readonly subject: string;
}

/** @param now milliseconds. */
export async function verify(
  token: Unverified,
  record: IssuerRecord,
  keys: KeySet,
  now: number,
): Promise<Result<Verified>> {
  if (record.edge) return bad("edge_token_issuer");
  if (!record.tokenTypes.some((type) => isType(token.typ, type))) return bad("token_type");
  if (!record.algorithms.includes(token.algorithm)) return bad("token_algorithm");
  const payload = await signed(token, record, keys);
  if (!payload.ok) return payload;
  const claims = object(payload.value);
  if (claims === undefined || Object.keys(claims).length > CLAIMS) return bad("token_malformed");
  const { iss, sub, aud, exp, nbf, iat } = claims;
  if (!isSubject(sub) || !isSeconds(exp)) return bad("token_claims");
  if ((nbf !== undefined && !isSeconds(nbf)) || (iat !== undefined && !isSeconds(iat))) return bad("token_claims");
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (!Array.isArray(audiences) || audiences.some((audience) => typeof audience !== "string"))
    return bad("token_claims");
  if (iss !== token.issuer) return bad("token_issuer_unknown");
  if (!audiences.some((audience) => record.audiences.includes(audience))) return bad("token_audience");
  const late = untimely({ exp, nbf, iat }, record, now);
  if (late !== undefined) return bad(late);
  if (!record.requiredClaims.every(([name, value]) => meets(claims[name], value))) return bad("token_required_claim");
  return good({ issuer: token.issuer, subject: sub });
}

/** The payload, once the signature holds under one of the issuer's keys and algorithms. */
async function signed(token: Unverified, record: IssuerRecord, keys: KeySet): Promise<Result<Uint8Array>> {
  // Without a name it is the only key, or nobody knows which one.
  if (token.kid === undefined && keys.keys.length !== 1) return bad("token_key_unknown");
  try {
    const { payload } = await compactVerify(token.compact, keys.find, { algorithms: [...record.algorithms] });
    return good(payload);
  } catch (error) {
    return bad(isAbsence(error) ? absence(token.kid, keys) : reasonOf(error));
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

/** Why no key of the set fits a token of this algorithm. */
function absence(kid: string | undefined, { kids, unusable }: KeySet): Reason {
  if (kid === undefined || kids.has(kid)) return "token_algorithm";
  return unusable.has(kid) ? "token_key_unusable" : "token_key_unknown";
}

function reasonOf(error: unknown): Reason {
  if (error instanceof errors.JOSEAlgNotAllowed) return "token_algorithm";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "token_signature";
  if (error instanceof errors.JWSInvalid) return "token_malformed";
  // A key that is none for this algorithm, too small, or written badly.
  return "token_key_unusable";
}

/** RFC 7515 §4.1.9: `application/` may be left out, and case does not matter. Without any it is a `JWT`. */
function isType(typ: string | undefined, type: string): boolean {
  const plain = (typ ?? "JWT").toLowerCase().replace(/^application\//, "");
  return plain === type.toLowerCase().replace(/^application\//, "");
}

export function isSubject(sub: unknown): sub is string {
  if (typeof sub !== "string" || sub === "" || !sub.isWellFormed() || utf8(sub).byteLength > SUBJECT) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is looked for
  return sub.trim() === sub && !/[\0-\x1f\x7f-\x9f]/.test(sub);
}

export function isSeconds(time: unknown): time is number {
  return Number.isSafeInteger(time) && (time as number) >= 0;
}

interface Times {
  readonly exp: number;
  readonly nbf: number | undefined;
  readonly iat: number | undefined;
}

function untimely({ exp, nbf, iat }: Times, record: IssuerRecord, now: number): Reason | undefined {
  const seconds = (time: number) => time * 1_000;
  if (now >= seconds(exp) + SKEW) return "token_expired";
  if ([nbf, iat].some((time) => time !== undefined && seconds(time) > now + SKEW)) return "token_future";
  if (iat !== undefined && exp <= iat) return "token_lifetime";
  const longest = record.maxAge === undefined ? TOKEN_LIFE : seconds(record.maxAge);
  // Without `iat` only what is left can be bounded.
  return seconds(exp) - (iat === undefined ? now : seconds(iat)) > longest ? "token_lifetime" : undefined;
}

/** Whether a claim is the value, or a list that has it. */
function meets(claim: unknown, value: Claim): boolean {
  return claim === value || (Array.isArray(claim) && claim.includes(value));
}
