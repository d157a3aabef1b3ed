/**
 * A client's request from its arrival to its answer. Only sequences:
 *
 *   arrival ─► route ─► preflight? ─► caller ─► address, headers ─► limits ─► cache? ─► body ─► proof ─► fetch ─► reply
 *
 * What the request itself forbids is refused whatever its route says. The rest is judged as the route's mode has it:
 * `enforce` refuses, `shadow` judges and lets through, `off` does not judge.
 */

import { address } from "./address";
import { type Arrival, arrival, untakable } from "./arrival";
import { firstOf, shareOfBodies, wholeOf } from "./body";
import type { Gathered, Share } from "./bounded";
import { asAnybodys, cacheKey, fromKept, isKeepable, isPublic, toKeep } from "./cache";
import { type Auth, type Caller, judge, keyFor, NOBODY, type Presented, presented } from "./caller";
import type { Config, Origin } from "./config";
import * as cors from "./cors";
import { apiKey, bodyFields } from "./credentials";
import { UPLOAD_PATIENCE } from "./lifetimes";
import { counted, type Exceeded, limited } from "./limiting";
import { lacks, outgoing } from "./outgoing";
import { proofFor } from "./proving";
import { bad, good, outcomeOf, type Reason, type Result } from "./reasons";
import type { Route } from "./records/routes";
import { admits, choose } from "./routing";
import type { SigningKey } from "./signature/key";
import type { Sources } from "./sources";
import type { Strangers } from "./strangers";
import { isTimeout, type World } from "./world";

/** What a request meets here, the same for all of an isolate. */
export interface Edge {
  readonly config: Config;
  readonly sources: Sources;
  readonly signing: SigningKey | undefined;
  readonly strangers: Strangers;
}

/** What became of a request, and what is told about it. */
export interface Served {
  readonly arrival: Arrival | undefined;
  readonly route: Route | undefined;
  readonly caller: Caller;
  readonly answer: Answer;
  /** Why it would have been refused, where it was let through all the same. */
  readonly shadow: Reason | undefined;
  readonly streamed: boolean;
  /** Something was used beyond its time, because its source failed. */
  readonly kept: boolean;
  /** A limit let it through because it could not be counted. */
  readonly uncounted: boolean;
}

export type Answer =
  | { kind: "answered"; response: Response; from: "origin" | "cache" | "edge" }
  | { kind: "refused"; reason: Reason; tier: Exceeded | undefined };

const UNTOLD = {
  arrival: undefined,
  route: undefined,
  caller: NOBODY,
  shadow: undefined,
  streamed: false,
  kept: false,
  uncounted: false,
};

export async function serve(request: Request, edge: Edge, world: World): Promise<Served> {
  const share = shareOfBodies(world);
  try {
    return await served(request, edge, world, share);
  } finally {
    share.giveBack();
  }
}

async function served(request: Request, edge: Edge, world: World, share: Share): Promise<Served> {
  const arrived = arrival(request, edge.config.hosts);
  if (!arrived.ok) return { ...UNTOLD, answer: refusedFor(arrived.reason) };
  const here = arrived.value;
  const chosen = await routeOf(here, edge, world);
  if (!chosen.ok) return { ...UNTOLD, arrival: here, answer: refusedFor(chosen.reason) };
  const { route, origin, kept } = chosen.value;
  const told = { ...UNTOLD, arrival: here, route, kept };
  if (route?.cors !== undefined && cors.isPreflight(here.method, here.headers)) {
    return { ...told, answer: { kind: "answered", response: cors.preflight(route.cors, here.headers), from: "edge" } };
  }
  const reason = origin.kind === "gateway" ? untakable(here) : undefined;
  if (reason !== undefined) return { ...told, answer: refusedFor(reason) };
  const first = await firstOf(request, edge.config, { world, share });
  if (!first.ok) return { ...told, answer: refusedFor(first.reason) };
  const shown = await show(here, first.value, edge.config);
  const judged = await judgement(route, here, shown, edge, world);
  const mode = route?.mode ?? "enforce";
  const caller = judged.caller ?? NOBODY;
  const known = { ...told, caller, kept: kept || caller.kept, uncounted: judged.uncounted ?? false };
  if (judged.refusal !== undefined && mode === "enforce") {
    return { ...known, answer: refusedFor(judged.refusal.reason, judged.refusal.tier) };
  }
  const shadow = judged.refusal?.reason;
  // Nobody has a long body read for him before it is known who he is.
  const whole = await wholeOf(first.value, here, origin, edge.config, { world, share });
  if (!whole.ok) return { ...known, shadow, answer: refusedFor(whole.reason) };
  const body = whole.value;
  const answer = await answered({ here, route, origin, shown, body, isEnforced: mode === "enforce" }, edge, world);
  return { ...known, shadow, streamed: body !== undefined && body.kind !== "whole", answer };
}

function refusedFor(reason: Reason, tier?: Exceeded): Answer {
  return { kind: "refused", reason, tier };
}

interface Chosen {
  readonly route: Route | undefined;
  readonly origin: Origin;
  readonly kept: boolean;
}

/** A preflight takes the route of the request that it asks about, if that says anything to browsers. */
async function routeOf(here: Arrival, { config, sources }: Edge, world: World): Promise<Result<Chosen>> {
  const found = await sources.routes(world);
  if (found.kind !== "record") return bad("routes_unavailable");
  const { kept, record } = found;
  const facts = {
    method: here.method,
    host: here.host,
    path: here.path,
    client: address(here.client.ip),
    country: here.client.country,
  };
  const asked = { ...facts, method: cors.askedMethod(here.headers) };
  const meant = cors.isPreflight(here.method, here.headers) ? choose(record.routes, asked, world.now()) : undefined;
  const route = meant?.cors === undefined ? choose(record.routes, facts, world.now()) : meant;
  const origin = route?.origin === undefined ? config.defaultOrigin : config.origins.get(route.origin);
  if (origin !== undefined) return good({ route, origin, kept });
  return bad(route?.origin === undefined ? "route_missing" : "origin_unlisted");
}

function show(here: Arrival, body: Gathered | undefined, { places }: Config): Promise<Presented> {
  const [, query = ""] = here.target.split(/\?(.*)/s);
  const type = here.headers.get("content-type");
  const fields = places.body && body?.kind === "whole" ? bodyFields(type, body.body) : undefined;
  return presented(apiKey(places, here.headers, query, fields), here.headers.get("authorization"));
}

interface Judgement {
  readonly caller: Caller | undefined;
  readonly refusal: { readonly reason: Reason; readonly tier: Exceeded | undefined } | undefined;
  readonly uncounted?: boolean;
}

/** Who calls, whether from here, and whether not too often: in this order, the first that fails. */
async function judgement(
  route: Route | undefined,
  here: Arrival,
  shown: Presented,
  { config, sources, signing, strangers }: Edge,
  world: World,
): Promise<Judgement> {
  if (route?.mode === "off") return { caller: undefined, refusal: undefined };
  const refusal = (reason: Reason, caller?: Caller, tier?: Exceeded) => ({ caller, refusal: { reason, tier } });
  if (route !== undefined && !admits(route, address(here.client.ip))) return refusal("address_refused");
  const auth: Auth = route?.auth ?? "any";
  // Of a route that only watches nobody is refused, and nobody becomes a stranger.
  const minds = auth !== "anonymous" && (route?.mode ?? "enforce") === "enforce";
  const isKnown = shown.keyHash?.ok === true && sources.knows(shown.keyHash.value, world);
  const turned = minds && !isKnown ? strangers.turnedAway(here.client.ip, world.now()) : undefined;
  if (turned !== undefined) return refusal("rate_limited", undefined, turned);
  const judged = await judge(auth, shown, { arrival: here, config, sources, signing, world });
  if (!judged.ok) {
    if (minds && outcomeOf(judged.reason) === "refuse") await strangers.refused(here.client.ip, config, world);
    return refusal(judged.reason);
  }
  const caller = judged.value;
  if (route !== undefined && lacks(route.headers, here.headers)) return refusal("header_missing", caller);
  const { tier, uncounted } = await limited(counted(route, caller, here.client.ip), config, world);
  return tier === undefined ? { caller, refusal: undefined, uncounted } : refusal("rate_limited", caller, tier);
}

interface Going {
  readonly here: Arrival;
  readonly route: Route | undefined;
  readonly origin: Origin;
  readonly shown: Presented;
  readonly body: Gathered | undefined;
  readonly isEnforced: boolean;
}

/** From the cache where that may be, else from the origin. */
async function answered(going: Going, edge: Edge, world: World): Promise<Answer> {
  const { here, route, shown } = going;
  const cache = route?.cache;
  if (route === undefined || cache === undefined || !isPublic(cache, here, shown.key.kind === "none")) {
    return fromOrigin(await send(going, edge, world));
  }
  const anybodys = asAnybodys(cache, here);
  const key = cacheKey(route, anybodys);
  const known = await world.cached(key).catch(() => undefined);
  if (known !== undefined) return { kind: "answered", response: fromKept(known), from: "cache" };
  const sent = await send({ ...going, here: anybodys }, edge, world);
  if (sent.ok && isKeepable(cache, sent.value)) {
    const kept = toKeep(route, cache, sent.value, { now: world.now, put: (answer) => world.cache(key, answer) });
    if (kept !== undefined) world.keep(kept);
  }
  return fromOrigin(sent);
}

function fromOrigin(sent: Result<Response>): Answer {
  return sent.ok ? { kind: "answered", response: sent.value, from: "origin" } : refusedFor(sent.reason);
}

async function send(going: Going, edge: Edge, world: World): Promise<Result<Response>> {
  const { here, route, origin, shown, body, isEnforced } = going;
  const key = origin.kind === "gateway" ? keyFor(route?.auth ?? "any", shown) : good(undefined);
  if (!key.ok) return key;
  const leaving = {
    arrival: here,
    origin,
    rules: route?.headers ?? { set: [], remove: [], require: [] },
    // An origin that still checks keys itself gets them until the edge does.
    hidden: { places: edge.config.places, keys: origin.kind === "gateway" || isEnforced },
    key: key.value,
    body,
  };
  const proof = await proofFor(origin, edge, world);
  if (!proof.ok) return proof;
  const request = await outgoing(leaving, proof.value);
  if (!request.ok) return request;
  try {
    const answer = await world.send(
      request.value,
      body !== undefined && body.kind !== "whole" ? UPLOAD_PATIENCE : origin.patience,
    );
    // No other can be the last word of an exchange, nor be passed on.
    const isFinal = answer.status === 101 || (answer.status >= 200 && answer.status <= 599);
    return isFinal ? good(answer) : bad("origin_unreachable");
  } catch (error) {
    return bad(isTimeout(error) ? "origin_timeout" : "origin_unreachable");
  }
}
