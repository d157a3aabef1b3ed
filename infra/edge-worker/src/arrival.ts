/**
 * A client's request as it arrived, and the first refusals: those that need nothing but the request itself.
 *
 * Whatever comes later sees this and the body, never the request as it was.
 */

import { fromClient } from "./headers";
import * as limits from "./limits";
import { bad, good, type Result } from "./reasons";
import type { Client } from "./signature/proof";
import { split, target } from "./target";

export interface Arrival {
  /** One of the seven that API Gateway routes. */
  readonly method: string;
  /** The host that was asked for, in lower case, a port included if there is one. */
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

export const METHODS = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"] as const;

/** @param hosts the names that this Worker answers for, in lower case. */
export function arrival(request: Request, hosts: ReadonlySet<string>): Result<Arrival> {
  const asked = split(request.url);
  if (asked === undefined) return bad("target_malformed");
  if (!hosts.has(asked.authority.replace(/:\d*$/, ""))) return bad("host_unknown");
  if (!METHODS.some((method) => method === request.method)) return bad("method_unknown");
  const sent = target(asked);
  if (!sent.ok) return sent;
  const client = clientOf(request, asked.authority);
  if (client === undefined) return bad("client_unknown");
  const length = lengthOf(request.headers);
  if (length !== undefined && length > limits.BODY) return bad("body_too_large");
  const headers = fromClient(request.headers);
  const { target: outgoing, path } = sent.value;
  return good({ method: request.method, host: asked.authority, path, target: outgoing, headers, client, length });
}

/** As Cloudflare says it; clients' own versions of these headers do not get here. */
export function clientOf(request: Request, host?: string): Client | undefined {
  const { headers } = request;
  const ip = brief(headers.get("cf-connecting-ip"));
  if (ip === undefined) return undefined;
  const country = brief(request.cf?.["country"] ?? headers.get("cf-ipcountry"));
  return { ip, ray: brief(headers.get("cf-ray")), country, host: brief(host) };
}

/** What fits into `edge-client`: one line of printable ASCII, and no long one. */
function brief(text: unknown): string | undefined {
  return typeof text === "string" && /^[\x20-\x7e]{1,128}$/.test(text) ? text : undefined;
}

function lengthOf(headers: Headers): number | undefined {
  const text = headers.get("content-length");
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
