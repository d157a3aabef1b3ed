/**
 * A token for the edge itself, by the client credentials grant: RFC 6749 §4.4, with `client_secret_basic`, which every
 * issuer has to know (§2.3.1). The audience is asked for as `audience`. RFC 8707's `resource` must be a URI, and the
 * authority that the authorizer wants is none.
 */

import { base64, utf8 } from "../bytes";
import { ISSUER_PATIENCE } from "../lifetimes";
import { EDGE_TOKEN_BODY } from "../limits";
import { object } from "../token/read";
import type { World } from "../world";
import type { TokenIssuer } from "./issuer";
import { type Judged, judge } from "./judge";

/** What goes wrong is told without the token and without the secret. */
export async function granted(issuer: TokenIssuer, audience: string, world: World): Promise<Judged> {
  const answer = await world.ask(question(issuer, audience), ISSUER_PATIENCE, EDGE_TOKEN_BODY).catch(() => undefined);
  if (answer === undefined) return { ok: false, cause: "the issuer does not answer" };
  const response = answer.body === undefined ? undefined : object(utf8(answer.body));
  if (answer.status !== 200) return { ok: false, cause: `the issuer answers ${answer.status}${errorOf(response)}` };
  const token = response && bearerOf(response);
  if (token === undefined) return { ok: false, cause: "the issuer's answer is none with a bearer token" };
  return judge(token, audience, world.now());
}

function question({ url, clientId, clientSecret, scope }: TokenIssuer, audience: string): Request {
  const parameters = { grant_type: "client_credentials", audience, ...(scope === undefined ? {} : { scope }) };
  const client = base64(utf8(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`));
  const headers = {
    accept: "application/json",
    authorization: `Basic ${client}`,
    "content-type": "application/x-www-form-urlencoded",
  };
  return new Request(url, { method: "POST", headers, body: `${new URLSearchParams(parameters)}` });
}

/** RFC 6749 appendix B. No more is escaped than must be: some issuers do not undo it. */
function formEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+");
}

/** RFC 6749 §5.1. How long it lasts is said in the token. */
function bearerOf(response: Record<string, unknown>): string | undefined {
  const { access_token: token, token_type: type } = response;
  return typeof token === "string" && typeof type === "string" && type.toLowerCase() === "bearer" ? token : undefined;
}

/** RFC 6749 §5.2: one of a few words, `invalid_client` first of all. */
function errorOf(response: Record<string, unknown> | undefined): string {
  const error = response?.["error"];
  return typeof error === "string" && /^[a-z_]{1,40}$/.test(error) ? ` ${error}` : "";
}
