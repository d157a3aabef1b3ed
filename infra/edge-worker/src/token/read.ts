/**
 * A bearer token before anything in it may be believed: enough to tell whose record and keys to look up.
 *
 * RFC 7515 in compact serialisation. Header parameters that change what a verifier must do, or that offer it a key,
 * are refused whatever they say.
 */

import { fromBase64url, utf8 } from "../bytes";
import { ISSUER, KID } from "../limits";
import { bad, good, type Result } from "../reasons";

export interface Unverified {
  readonly compact: string;
  /** Whom it claims to be from. */
  readonly issuer: string;
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly typ: string | undefined;
}

const FORBIDDEN = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip", "cty", "epk"];

export function readToken(compact: string): Result<Unverified> {
  const [header, payload, signature, ...more] = compact.split(".").map(fromBase64url);
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0) {
    return bad("token_malformed");
  }
  const [stated, claims] = [object(header), object(payload)];
  if (stated === undefined || claims === undefined) return bad("token_malformed");
  if (FORBIDDEN.some((name) => Object.hasOwn(stated, name))) return bad("token_header");
  const { alg, kid, typ } = stated;
  if (typeof alg !== "string" || !isTextOrAbsent(kid) || !isTextOrAbsent(typ)) return bad("token_malformed");
  if (kid !== undefined && kid.length > KID) return bad("token_key_unknown");
  if (typeof claims["iss"] !== "string") return bad("token_claims");
  if (claims["iss"] === "" || utf8(claims["iss"]).byteLength > ISSUER) return bad("token_issuer_unknown");
  return good({ compact, issuer: claims["iss"], algorithm: alg, kid, typ });
}

/** A JSON object, each name once: two readers must not see two tokens. */
export function object(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return Object.keys(value).length === topLevelNames(text) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** How many members a JSON object has as written: in its text, colons outside of strings and nested values. */
function topLevelNames(json: string): number {
  let [depth, names] = [0, 0];
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/gs)) {
    if (token === "{" || token === "[") depth += 1;
    else if (token === "}" || token === "]") depth -= 1;
    else if (token === ":" && depth === 1) names += 1;
  }
  return names;
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === "string";
}
