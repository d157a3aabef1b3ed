/**
 * A client's request as it arrived, and the first refusals: those that need nothing but the request itself.
 *
 * Whatever comes later sees this and the body, never the request as it was.
 */

import { fromClient } from "./headers";
import * as limits from "./limits";
import { isWild } from "./path";
import { bad, good, type Reason, type Result } from "./reasons";
import type { Client } from "./signature/proof";
import { type Asked, split, target } from "./target";

export interface Arrival {
  readonly method: string;
  /** The name that was asked for, in lower case, without a port. */
  readonly host: string;
  /** Percent-decoded once. */
  readonly path: string;
  /** Path and query, percent-encoded, as they are sent on below an origin's prefix. */
  readonly target: string;
  /** Without what clients may not send. */
  readonly headers: Headers;
  readonly client: Client;
  /** Bytes, where the client said it. */
  readonly length: number | undefined;
}

/** Those that API Gateway routes. */
export const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] as const;

/** Nobody's to pass on, and `fetch` sends none of them. */
const OF_A_HOP = ["CONNECT", "TRACE", "TRACK"];

/** @param hosts the names that this Worker answers for, in lower case. */
export function arrival(request: Request, hosts: ReadonlySet<string>): Result<Arrival> {
  const asked = split(request.url);
  if (asked === undefined) return bad("target_malformed");
  const host = hostOf(asked);
  if (!hosts.has(host)) return bad("host_unknown");
  if (OF_A_HOP.includes(request.method.toUpperCase())) return bad("method_unknown");
  const sent = target(asked);
  if (!sent.ok) return sent;
  const client = clientOf(request, host);
  if (client === undefined) return bad("client_unknown");
  const [headers, length] = [fromClient(request.headers), lengthOf(request.headers)];
  const { target: outgoing, path } = sent.value;
  return good({ method: request.method, host, path, target: outgoing, headers, client, length });
}

/** Why API Gateway would not take it, or not as it was meant. */
export function untakable({ method, target, length }: Arrival): Reason | undefined {
  if (!METHODS.some((own) => own === method)) return "method_unknown";
  const [wire = "", query = ""] = target.split(/\?(.*)/s);
  if (isWild(wire)) return "path_hostile";
  if (wire.length > limits.PATH) return "url_too_long";
  if (query.split("&").length > limits.QUERY_PARAMETERS) return "target_malformed";
  return length !== undefined && length > limits.BODY ? "body_too_large" : undefined;
}

/** Without a port that is one. */
export function hostOf({ authority }: Pick<Asked, "authority">): string {
  return authority.replace(/:\d{1,5}$/, "");
}

/** As Cloudflare says it; clients' own versions of these headers do not get here. */
export function clientOf(request: Request, host?: string): Client | undefined {
  const { headers } = request;
  const ip = brief(headers.get("cf-connecting-ip"));
  if (ip === undefined) return undefined;
  // Beside Cloudflare's own word its header says nothing more; without it there is no Cloudflare.
  const country = brief(request.cf === undefined ? headers.get("cf-ipcountry") : request.cf["country"]);
  return { ip, ray: brief(headers.get("cf-ray")), country, host: brief(host) };
}

/** What fits into `edge-client`: one line of printable ASCII, and no long one. */
function brief(text: unknown): string | undefined {
  const fits = typeof text === "string" && text.length <= limits.CLIENT_TEXT && /^[\x20-\x7e]+$/.test(text);
  return fits ? text : undefined;
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
