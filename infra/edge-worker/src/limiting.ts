/**
 * Tiers: how often a caller may call. Bindings count per location and roughly: damping, not a quota. What cannot be
 * counted is let through.
 */

import { address } from "./address";
import { hex } from "./bytes";
import type { Caller } from "./caller";
import type { Config, Tier } from "./config";
import type { Route } from "./records/routes";
import type { World } from "./world";

/** One thing that is counted: against which tier, under which name. */
export interface Counted {
  readonly tier: string;
  readonly name: string;
}

/** What one request counts for: its key, and its caller on this route. No two of them have one name. */
export function counted(route: Route | undefined, { key, token }: Caller, ip: string): Counted[] {
  const who = key ? ["key", key.keyId] : token ? ["token", token.issuer, token.subject] : ["address", network(ip)];
  const byKey = key?.rateLimit === undefined ? [] : [{ tier: key.rateLimit, name: JSON.stringify(who) }];
  if (route?.rateLimit === undefined) return byKey;
  return [...byKey, { tier: route.rateLimit, name: JSON.stringify(["route", route.id, ...who]) }];
}

/** One host's addresses: an IPv6 host has 2^64 of them. */
export function network(ip: string): string {
  const bytes = address(ip);
  return bytes?.length === 16 ? hex(Uint8Array.from(bytes.slice(0, 8))) : ip;
}

/** The first tier that is used up. */
export async function exceeded(counted: readonly Counted[], config: Config, world: World): Promise<Tier | undefined> {
  const tiers = counted.flatMap(({ tier, name }) => {
    const found = config.tiers.get(tier);
    return found === undefined ? [] : [{ tier: found, name }];
  });
  const within = await Promise.all(
    tiers.map(({ tier, name }) => world.limit(tier.binding, name).catch(() => undefined)),
  );
  return tiers.find((_, at) => within[at] === false)?.tier;
}

/** draft-ietf-httpapi-ratelimit-headers, and the one header that every client knows. */
export function limitHeaders(tier: Tier): [string, string][] {
  return [
    ["retry-after", `${tier.period}`],
    ["ratelimit-policy", `"${tier.name}";q=${tier.limit};w=${tier.period}`],
    ["ratelimit", `"${tier.name}";r=0;t=${tier.period}`],
  ];
}
