/**
 * The request that leaves: what is left of the client's, changed as its route says, and signed last of all.
 */

import type { Arrival } from "./arrival";
import type { Gathered } from "./bounded";
import type { Origin } from "./config";
import { bodyWithout, keepParameters, type Places } from "./credentials";
import { canonical, size } from "./headers";
import { BODY_WITH_KEY } from "./limits";
import { bad, good, type Result } from "./reasons";
import type { HeaderRules } from "./records/routes";
import { isFieldText } from "./signature/base";
import type { SigningKey } from "./signature/key";
import { contentDigest, forCaller, type Moment } from "./signature/proof";

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
  readonly keyHash: string | undefined;
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

/** @param key signs, where the origin is a gateway. */
export async function outgoing(
  leaving: Leaving,
  key: SigningKey | undefined,
  moment: Moment,
): Promise<Result<Request>> {
  const { arrival, origin } = leaving;
  const body = bodyOf(leaving);
  const target = origin.prefix + targetOf(leaving);
  const headers = headersOf(leaving);
  if (origin.kind === "gateway") {
    if (key === undefined) return bad("signing_key_missing");
    const authorization = headers.get("authorization") ?? undefined;
    if (authorization !== undefined && !isFieldText(authorization)) return bad("authorization_scheme");
    const isSigned = body instanceof ArrayBuffer && body.byteLength > 0;
    const digest = isSigned ? await contentDigest(body) : undefined;
    const signed = { method: arrival.method, authority: origin.authority, target, contentDigest: digest };
    const caller = { client: arrival.client, keyHash: leaving.keyHash, authorization };
    for (const [name, value] of await forCaller(key, signed, caller, moment)) headers.set(name, value);
  }
  const fits = size(arrival.method, target, headers);
  if (fits !== "fits") return bad(fits);
  const url = `${origin.scheme}://${origin.authority}${target}`;
  return good(new Request(url, { method: arrival.method, headers, body, redirect: "manual" }));
}

function bodyOf({ arrival, hidden, body }: Leaving): ArrayBuffer | ReadableStream<Uint8Array> | null {
  if (body?.kind !== "whole") return body?.stream ?? null;
  const { places, keys } = hidden;
  if (!keys || !places.body || body.body.byteLength > BODY_WITH_KEY) return body.body;
  return bodyWithout(places.names, arrival.headers.get("content-type"), body.body);
}

function headersOf({ arrival, rules, hidden }: Leaving): Headers {
  const headers = new Headers(arrival.headers);
  // The runtime's and Cloudflare's own to say; a length is that of the body which is sent.
  for (const name of ["host", "content-length", "transfer-encoding"]) headers.delete(name);
  for (const name of [...headers.keys()]) if (name.startsWith("cf-") && name !== "cf-ray") headers.delete(name);
  const names = hidden.places.names.map(canonical);
  const isKey = (name: string) => names.includes(canonical(name));
  if (hidden.keys) for (const name of [...headers.keys()]) if (isKey(name)) headers.delete(name);
  for (const name of rules.remove) headers.delete(name);
  for (const [name, value] of rules.set) headers.set(name, value);
  return headers;
}
