/**
 * Whether a token would be taken as the edge's proof by the authorizer (crates/decision/src/token/verify.rs), as far
 * as that can be seen in it. Its signature is the authorizer's to verify: the edge has it from the issuer itself.
 */

import { fromBase64url } from "../bytes";
import { EDGE_TOKEN_LEAST, EDGE_TOKEN_LIFE, EDGE_TOKEN_RENEWAL, SKEW } from "../lifetimes";
import { EDGE_TOKEN, QUOTED } from "../limits";
import { object, readToken } from "../token/read";
import { isSeconds, isSubject } from "../token/verify";

/** Times are milliseconds. */
export interface EdgeToken {
  readonly compact: string;
  /** From then on another is fetched, and this one serves meanwhile. */
  readonly renewal: number;
  /** From then on it is not sent: it might be over when it arrives. */
  readonly over: number;
}

/** A token, or what the operator has to know about why there is none. */
export type Judged = { ok: true; token: EdgeToken } | { ok: false; cause: string };

/** @param audience host and port of the gateway, as `@authority` has them. */
export function judge(compact: string, audience: string, now: number): Judged {
  if (compact.length > EDGE_TOKEN) return wrong(`has ${compact.length} characters, and ${EDGE_TOKEN} at most are sent`);
  const read = readToken(compact);
  if (!read.ok) return wrong(`is none that the authorizer reads: ${read.reason}`);
  const payload = fromBase64url(compact.split(".")[1] ?? "");
  const { sub, aud, exp, iat, nbf } = (payload && object(payload)) ?? {};
  if (!isSubject(sub)) return wrong("has no subject");
  if (!isSeconds(exp) || !isSeconds(iat)) return wrong("does not say when it begins and ends (iat, exp)");
  const only = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
  if (only !== audience) return wrong(`has the audience ${quoted(aud)}, and must have ${audience} and no other`);
  const [life, most] = [exp - iat, EDGE_TOKEN_LIFE / 1_000];
  if (life > most)
    return wrong(`lasts ${life} s, and the authorizer takes ${most} s at most: shorten it at the issuer`);
  if (life < EDGE_TOKEN_LEAST / 1_000)
    return wrong(`lasts ${life} s, and less than ${EDGE_TOKEN_LEAST / 1_000} s leaves gaps: lengthen it at the issuer`);
  if (Math.max(iat, isSeconds(nbf) ? nbf : 0) * 1_000 > now + SKEW) return wrong("begins later: the clocks differ");
  const over = exp * 1_000 - SKEW;
  if (now >= over) return wrong("is over already: it is too short, or the clocks differ");
  return { ok: true, token: { compact, renewal: over - Math.min(EDGE_TOKEN_RENEWAL, (over - now) / 2), over } };
}

function wrong(how: string): Judged {
  return { ok: false, cause: `the issuer's token ${how}` };
}

function quoted(claim: unknown): string {
  return JSON.stringify(claim ?? null).slice(0, QUOTED);
}
