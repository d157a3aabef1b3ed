/**
 * Which route a request takes, and whether its caller may take it: crates/decision/src/routing.rs in this language,
 * and `tests/vectors/routing.json` holds both to the same answers.
 *
 * Of the routes in force whose every condition holds, the first in this order is taken: highest priority; a host in
 * full, then the longest `*.` host, then none; the path with most characters other than `*`, then one without a `*`;
 * more of the other conditions; the first id, byte by byte.
 */

import { type Address, type Block, contains } from "./address";
import type { Route } from "./records/routes";

/** What of a request its route depends on. */
export interface Facts {
  readonly method: string;
  /** The host that the client asked for; case, a port and one dot at the end do not matter. */
  readonly host: string | undefined;
  /** Percent-decoded once. */
  readonly path: string;
  readonly client: Address | undefined;
  readonly country: string | undefined;
}

/** @param now milliseconds. */
export function choose(routes: readonly Route[], facts: Facts, now: number): Route | undefined {
  let best: { route: Route; rank: Rank } | undefined;
  for (const route of routes) {
    const rank = isInForce(route, now / 1_000) ? rankOf(route, facts) : undefined;
    if (rank !== undefined && (best === undefined || isBetter(rank, route, best))) best = { route, rank };
  }
  return best?.route;
}

/** Whether a caller at this address may take the route that was chosen; if not, no other is tried. */
export function admits({ allowCidrs, denyCidrs }: Route, client: Address | undefined): boolean {
  if (client === undefined) return allowCidrs.length === 0 && denyCidrs.length === 0;
  const among = (blocks: readonly Block[]) => blocks.some((block) => contains(block, client));
  return (allowCidrs.length === 0 || among(allowCidrs)) && !among(denyCidrs);
}

/** From `starts_at` until just before `ends_at`. */
function isInForce({ startsAt, endsAt }: Route, now: number): boolean {
  return (startsAt === undefined || startsAt <= now) && (endsAt === undefined || now < endsAt);
}

/** How closely a route fits, most important first; the greatest wins. */
type Rank = readonly number[];

function isBetter(rank: Rank, route: Route, best: { route: Route; rank: Rank }): boolean {
  const at = rank.findIndex((part, place) => part !== best.rank[place]);
  // Ids are ASCII, so the order of characters is the order of bytes.
  return at < 0 ? route.id < best.route.id : (rank[at] ?? 0) > (best.rank[at] ?? 0);
}

/** `undefined` where some condition does not hold. */
function rankOf({ match, priority }: Route, facts: Facts): Rank | undefined {
  const { client, country } = facts;
  const others = [
    condition(match.method, (method) => method === facts.method),
    condition(match.cidrs, (block) => client !== undefined && contains(block, client)),
    condition(match.countries, (code) => code === country),
  ];
  if (others.includes(undefined)) return undefined;
  const host = best(match.host, (pattern) => (facts.host === undefined ? undefined : hostFit(pattern, facts.host)));
  const path = best(match.path, (pattern) => pathFit(pattern, facts.path));
  if (host === undefined || path === undefined) return undefined;
  return [priority, host, path, others.filter((named) => named === true).length];
}

/** Whether a condition is named at all; `undefined` where it is and none of its entries holds. */
function condition<T>(entries: readonly T[], holds: (entry: T) => boolean): boolean | undefined {
  if (entries.length === 0) return false;
  return entries.some(holds) ? true : undefined;
}

/** The best fit of any entry, 0 where there is none to fit; `undefined` where none fits. */
function best(patterns: readonly string[], fit: (pattern: string) => number | undefined): number | undefined {
  if (patterns.length === 0) return 0;
  const fits = patterns.map(fit).filter((found) => found !== undefined);
  return fits.length === 0 ? undefined : Math.max(...fits);
}

function hostFit(pattern: string, host: string): number | undefined {
  const name = host
    .replace(/:[0-9]*$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (!pattern.startsWith("*.")) return name === pattern.toLowerCase() ? Number.POSITIVE_INFINITY : undefined;
  const parent = pattern.slice(1).toLowerCase();
  const below = name.slice(0, -parent.length);
  const isBelow = name.endsWith(parent) && below.split(".").every((label) => label !== "");
  return isBelow ? parent.length : undefined;
}

function pathFit(pattern: string, path: string): number | undefined {
  if (!matches(pattern, path)) return undefined;
  const stars = pattern.split("*").length - 1;
  return 2 * (pattern.length - stars) + (stars === 0 ? 1 : 0);
}

/** `*` matches any run of characters; everything else is itself. Only the last `*` is ever reconsidered. */
export function matches(pattern: string, text: string): boolean {
  let [p, t] = [0, 0];
  let star: { after: number; from: number } | undefined;
  while (t < text.length) {
    if (pattern[p] === "*") {
      star = { after: p + 1, from: t };
      p += 1;
    } else if (pattern[p] === text[t]) {
      p += 1;
      t += 1;
    } else if (star !== undefined) {
      star.from += 1;
      [p, t] = [star.after, star.from];
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(p));
}
