/** Whose tokens prove the edge, as the Worker's variables say it. */

import type { Env } from "../config";

export interface TokenIssuer {
  /** The token endpoint: https. */
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
}

/**
 * `undefined`: signatures prove the edge, or what is set does not fit together.
 *
 * @param problems what is wrong and what to change, to be added to.
 */
export function tokenIssuer(env: Env, problems: string[]): TokenIssuer | undefined {
  if (env.EDGE_PROOF !== "token") return undefined;
  const before = problems.length;
  const url = URL.canParse(env.EDGE_TOKEN_URL ?? "") ? new URL(env.EDGE_TOKEN_URL ?? "") : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hash !== "") {
    problems.push("EDGE_TOKEN_URL is not the https address of a token endpoint: EDGE_PROOF=token fetches tokens there");
  }
  if (!env.EDGE_TOKEN_CLIENT_ID) problems.push("EDGE_TOKEN_CLIENT_ID is missing: EDGE_PROOF=token needs it");
  if (!env.EDGE_TOKEN_CLIENT_SECRET) {
    problems.push("EDGE_TOKEN_CLIENT_SECRET is missing: put it in place by `wrangler secret put`");
  }
  if (env.DOORS === "on")
    problems.push("DOORS is on, and a token opens none: set it to off, or EDGE_PROOF to signature");
  if (problems.length > before || url === undefined) return undefined;
  const [clientId, clientSecret] = [env.EDGE_TOKEN_CLIENT_ID ?? "", env.EDGE_TOKEN_CLIENT_SECRET ?? ""];
  return { url: url.href, clientId, clientSecret, scope: env.EDGE_TOKEN_SCOPE || undefined };
}
