/**
 * What browsers of other origins are told (the Fetch standard): preflights are answered here, and every reply says
 * the same, the refusals and the gateway's own errors included.
 */

import type { Cors } from "./records/routes";

/** Asked before the real request; it carries no credentials, and none are asked for. */
export function isPreflight(method: string, headers: Headers): boolean {
  return method === "OPTIONS" && headers.has("origin") && headers.has("access-control-request-method");
}

/** The method that a preflight asks about: its route is the one to be asked. */
export function askedMethod(headers: Headers): string {
  return headers.get("access-control-request-method") ?? "";
}

export function preflight(cors: Cors, headers: Headers): Response {
  const told = new Headers({ vary: "origin, access-control-request-method, access-control-request-headers" });
  const origin = allowed(cors, headers.get("origin"));
  if (origin !== undefined) {
    told.set("access-control-allow-origin", origin);
    if (cors.credentials) told.set("access-control-allow-credentials", "true");
    const methods = cors.methods.length > 0 ? cors.methods : [askedMethod(headers)];
    told.set("access-control-allow-methods", methods.join(", "));
    const asked = headers.get("access-control-request-headers");
    const names = cors.headers.length > 0 ? cors.headers.join(", ") : asked;
    if (names !== null) told.set("access-control-allow-headers", names);
    if (cors.maxAge !== undefined) told.set("access-control-max-age", `${cors.maxAge}`);
  }
  return new Response(null, { status: 204, headers: told });
}

/** Says it on a reply; whatever an origin said about it goes. */
export function tell(cors: Cors, origin: string | null, headers: Headers): void {
  for (const name of [...headers.keys()]) if (name.startsWith("access-control-")) headers.delete(name);
  const told = allowed(cors, origin);
  if (told !== "*" && !/\borigin\b/i.test(headers.get("vary") ?? "")) headers.append("vary", "origin");
  if (told === undefined) return;
  headers.set("access-control-allow-origin", told);
  if (cors.credentials) headers.set("access-control-allow-credentials", "true");
  if (cors.expose.length > 0) headers.set("access-control-expose-headers", cors.expose.join(", "));
}

function allowed(cors: Cors, origin: string | null): string | undefined {
  if (origin === null) return cors.origins.includes("*") ? "*" : undefined;
  if (cors.origins.includes("*")) return "*";
  return cors.origins.includes(origin) ? origin : undefined;
}
