/**
 * Headers that clients may not send: those that only the edge or the gateway may speak through, and those that
 * would make a request another one behind them. They are removed, not refused: most come from honest proxies.
 */

import * as limits from "./limits";

const REMOVED = new Set([
  "signature",
  "signature-input",
  "accept-signature",
  "content-digest",
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
  // By which some frameworks take another path or host than the one that was judged.
  "x-original-url",
  "x-rewrite-url",
  "x-original-host",
  "forwarded",
  // Said anew: see `outgoing`.
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
  "true-client-ip",
  // What Kong told back ends, and what those may still believe.
  "x-anonymous-consumer",
  "x-authenticated-groups",
  "x-credential-identifier",
  "x-credential-username",
]);
const REMOVED_BELOW = ["edge-", "x-consumer-", "x-amzn-"];

/** The one case and the one separator in which header names are compared: many back ends read `_` as `-`. */
export function canonical(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

export function isRemoved(name: string): boolean {
  const own = canonical(name);
  return REMOVED.has(own) || REMOVED_BELOW.some((prefix) => own.startsWith(prefix)) || isDisguised(name, own);
}

/** `authorization` has no separator to disguise; of what is signed or decides, the rest has. */
function isDisguised(name: string, own: string): boolean {
  return name.includes("_") && (own === "content-length" || own === "transfer-encoding" || own.startsWith("cf-"));
}

/** What is left of a client's headers. */
export function fromClient(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of [...headers.keys()]) if (isRemoved(name)) kept.delete(name);
  return kept;
}

/**
 * Whether the gateway would take the request, counted as it counts: the request line, and names and values of all
 * headers, with room for those that are added on the way.
 */
export function size(method: string, target: string, headers: Headers): "fits" | "url_too_long" | "headers_too_large" {
  // What is signed has the target twice: once more as `edge-target`.
  const targets = headers.has("edge-target") ? 2 : 1;
  const line = method.length + targets * target.length + " HTTP/1.1\r\n".length + 1;
  let rest = limits.ADDED_ON_THE_WAY;
  for (const [name, value] of headers) if (name !== "edge-target") rest += name.length + value.length + 4;
  if (line + rest <= limits.GATEWAY_HEADERS) return "fits";
  return line > rest ? "url_too_long" : "headers_too_large";
}
