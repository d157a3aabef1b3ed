/**
 * The request that leaves: what is left of the client's, changed as its route says, and proven last of all.
 */

import type { Arrival } from "./arrival";
import type { Gathered } from "./bounded";
import type { PassedKey } from "./caller";
import type { Origin } from "./config";
import { bodyWithout, keepParameters, type Places } from "./credentials";
import { canonical, size } from "./headers";
import { BODY_WITH_KEY } from "./limits";
import { type Proof, proofHeaders } from "./proving";
import { bad, good, type Result } from "./reasons";
import type { HeaderRules } from "./records/routes";

/**
 * What a client showed us and nobody behind us needs. In headers and queries everything under the name of a key is
 * hidden, wherever keys are looked for: it may be one all the same.
 */
export interface Hidden {
  readonly places: Places;
  /** Whether raw keys are hidden at all: an origin that checks them itself still wants them. */
  readonly keys: boolean;
}

export interface Leaving {
  readonly arrival: Arrival;
  readonly origin: Origin;
  readonly rules: HeaderRules;
  readonly hidden: Hidden;
  readonly key: PassedKey | undefined;
  readonly body: Gathered | undefined;
}

/** Path and query below the origin, without the key that a query may have had. */
export function targetOf(leaving: Pick<Leaving, "arrival" | "hidden">): string {
  const { places, keys } = leaving.hidden;
  const [path = "", query = ""] = leaving.arrival.target.split(/\?(.*)/s);
  const kept = keys ? keepParameters(query, (name) => !places.names.includes(name)) : query;
  return kept === "" ? path : `${path}?${kept}`;
}

/** A header that the route asks for and the request lacks. */
export function lacks(rules: HeaderRules, headers: Headers): boolean {
  return rules.require.some((name) => !headers.has(name));
}

export async function outgoing(leaving: Leaving, proof: Proof): Promise<Result<Request>> {
  const { arrival, origin, key } = leaving;
  const { method, client } = arrival;
  const body = bodyOf(leaving);
  const target = origin.prefix + targetOf(leaving);
  const headers = headersOf(leaving);
  const authorization = headers.get("authorization");
  const added = await proofHeaders(proof, {
    method,
    authority: origin.authority,
    target,
    client,
    key,
    authorization,
    body,
  });
  if (!added.ok) return added;
  for (const [name, value] of added.value) headers.set(name, value);
  const fits = origin.kind === "gateway" ? size(method, target, headers) : "fits";
  if (fits !== "fits") return bad(fits);
  const url = `${origin.scheme}://${origin.authority}${target}`;
  return good(new Request(url, { method, headers, body, redirect: "manual" }));
}

function bodyOf({ arrival, hidden, body }: Leaving): ArrayBuffer | ReadableStream<Uint8Array> | null {
  if (body?.kind !== "whole") return body?.stream ?? null;
  const { places, keys } = hidden;
  if (!keys || !places.body || body.body.byteLength > BODY_WITH_KEY) return body.body;
  return bodyWithout(places.names, arrival.headers.get("content-type"), body.body);
}

function headersOf({ arrival, rules, hidden }: Leaving): Headers {
  const headers = new Headers(arrival.headers);
  // The runtime's and Cloudflare's own to say; a length is that of the body which is sent, and nobody waits for a 100.
  for (const name of ["host", "content-length", "transfer-encoding", "expect"]) headers.delete(name);
  for (const name of [...headers.keys()]) if (name.startsWith("cf-") && name !== "cf-ray") headers.delete(name);
  const names = hidden.places.names.map(canonical);
  const isKey = (name: string) => names.includes(canonical(name));
  if (hidden.keys) for (const name of [...headers.keys()]) if (isKey(name)) headers.delete(name);
  headers.set("x-forwarded-for", arrival.client.ip);
  headers.set("x-forwarded-host", arrival.host);
  headers.set("x-forwarded-proto", "https");
  for (const name of rules.remove) headers.delete(name);
  for (const [name, value] of rules.set) headers.set(name, value);
  return headers;
}
