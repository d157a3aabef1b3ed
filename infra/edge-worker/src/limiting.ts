/**
 * Tiers: how often a caller may call. Bindings count per location and roughly: damping, not a quota. What cannot be
 * counted is let through.
 */

import type { Config, Tier } from "./config";
import type { World } from "./world";

/** One thing that is counted: against which tier, under which name. */
export interface Counted {
  readonly tier: string;
  readonly name: string;
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
