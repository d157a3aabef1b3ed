/**
 * Tiers: how often a caller may call. Rate limits count per location and roughly: damping, not a quota. Durable Objects
 * count exactly. What cannot be counted is let through.
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

/** A tier that is used up. */
export interface Exceeded extends Tier {
  /** Seconds until one more may pass; of a rate limit, which does not tell, its whole period. */
  readonly wait: number;
}

export interface Limited {
  /** The first that is used up. */
  readonly tier: Exceeded | undefined;
  /** Something was let through because it could not be counted. */
  readonly uncounted: boolean;
}

/** One after the other, rough ones first: what one refuses is not counted by the next. */
export async function limited(counted: readonly Counted[], config: Config, world: World): Promise<Limited> {
  const tiers = counted.flatMap(({ tier, name }) => {
    const found = config.tiers.get(tier);
    return found === undefined ? [] : [{ tier: found, name }];
  });
  let uncounted = tiers.length < counted.length;
  for (const { tier, name } of tiers.toSorted((a, b) => Number(a.tier.exact) - Number(b.tier.exact))) {
    const wait = await waitFor(tier, name, world).catch(() => undefined);
    if (wait === undefined) uncounted = true;
    else if (wait > 0) return { tier: { ...tier, wait }, uncounted };
  }
  return { tier: undefined, uncounted };
}

/** Seconds; 0 where one more has passed and was counted, `undefined` where it cannot be. */
async function waitFor(tier: Tier, name: string, world: World): Promise<number | undefined> {
  if (!tier.exact) {
    const isWithin = await world.limit(tier.binding, name);
    return isWithin === false ? tier.period : isWithin && 0;
  }
  // Each tier counts for itself, and after a change of its period anew.
  const own = JSON.stringify([tier.name, tier.period, name]);
  const wait = await world.count(tier.binding, own, { limit: tier.limit, period: tier.period * 1_000 });
  return wait && Math.ceil(wait / 1_000);
}

/** draft-ietf-httpapi-ratelimit-headers, and the one header that every client knows. */
export function limitHeaders(tier: Exceeded): [string, string][] {
  return [
    ["retry-after", `${tier.wait}`],
    ["ratelimit-policy", `"${tier.name}";q=${tier.limit};w=${tier.period}`],
    ["ratelimit", `"${tier.name}";r=0;t=${tier.wait}`],
  ];
}
