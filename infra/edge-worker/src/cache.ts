/**
 * Answers to public GETs, kept at the edge: who may have one, under which name, and which answers may be kept.
 *
 * Nothing that a credential brought about is kept, and nobody who shows one is answered from here: RFC 9111 §3.5
 * without its exceptions.
 */

import type { Arrival } from "./arrival";
import { gather, Room } from "./bounded";
import { keepParameters } from "./credentials";
import { ANSWER_HELD } from "./lifetimes";
import { ANSWERS_HELD, KEPT_ANSWER } from "./limits";
import type { Cache, Route } from "./records/routes";

/** Whether a request may be answered from the cache, and its answer be kept there. */
export function isPublic(cache: Cache, arrival: Arrival, isAnonymous: boolean): boolean {
  const { method, headers } = arrival;
  const personal = ["authorization", "cookie", "range", "upgrade", ...cache.bypass].some((name) => headers.has(name));
  return method === "GET" && isAnonymous && !personal;
}

/**
 * The request as anybody could have made it: only what tells its answer from others is left, so that nobody writes
 * into an answer that others get. The origin is still told who asked first, as the edge knows it.
 */
export function asAnybodys(cache: Cache, arrival: Arrival): Arrival {
  const [path = "", query = ""] = arrival.target.split(/\?(.*)/s);
  const told = keepParameters(query, (name) => cache.query?.includes(name) ?? true);
  const headers = new Headers();
  for (const name of cache.headers) {
    const value = arrival.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  return { ...arrival, target: told === "" ? path : `${path}?${told}`, headers };
}

/** The name of an answer, made of all of a client's that is sent on for it. */
export function cacheKey(route: Route, { target, host, headers }: Arrival): Request {
  const [path = "", query = ""] = target.split(/\?(.*)/s);
  const facets = JSON.stringify([route.id, route.version, route.origin, host, query, [...headers]]);
  return new Request(`https://cache.invalid${path}?${encodeURIComponent(facets)}`);
}

/** Whether an answer is everybody's, may be kept, and all that it varies by is part of its name. */
export function isKeepable(cache: Cache, { headers, status }: Response): boolean {
  const control = (headers.get("cache-control") ?? "").toLowerCase();
  const vary = (headers.get("vary") ?? "").toLowerCase().split(",");
  const isTold = (name: string) => ["", "origin", "accept-encoding", ...cache.headers].includes(name.trim());
  const isPersonal = /\b(private|no-store|no-cache)\b/.test(control) || headers.has("set-cookie");
  const isOver =
    /\bs-maxage=0*(?!\d)/.test(control) || (/\bmax-age=0*(?!\d)/.test(control) && !control.includes("s-maxage"));
  return status === 200 && !isPersonal && !isOver && vary.every(isTold);
}

/** Under which an answer's own words are kept beside those that the cache goes by. */
const KEPT = { "cache-control": "x-kept-cache-control", vary: "x-kept-vary" } as const;

/** Of all answers that are on their way into the cache. */
const room = new Room(ANSWERS_HELD);

/**
 * Keeps an answer for as long as the route says, while it goes on to the client: work that never rejects.
 *
 * @returns `undefined`: it is too large, or too many others are being kept.
 */
export function toKeep(
  route: Route,
  cache: Cache,
  answer: Response,
  { now, put }: { now(): number; put(answer: Response): Promise<void> },
): Promise<void> | undefined {
  const share = room.share(now, now() + ANSWER_HELD);
  if (Number(answer.headers.get("content-length")) > KEPT_ANSWER || !share.take(KEPT_ANSWER)) return undefined;
  const kept = async (copy: Response) => {
    const body = await wholeOf(copy);
    if (body !== undefined) await put(new Response(body, { headers: headersToKeep(route, cache, copy.headers) }));
  };
  return kept(answer.clone())
    .catch(() => {})
    .finally(() => share.giveBack());
}

/** `undefined`: it is larger than what is kept. */
async function wholeOf({ body }: Response): Promise<ArrayBuffer | null | undefined> {
  if (body === null) return null;
  const gathered = await gather(
    body.getReader(),
    KEPT_ANSWER,
    new Room(KEPT_ANSWER).share(() => 0),
  );
  if (gathered.kind === "whole") return gathered.body;
  await gathered.stream.cancel();
  return undefined;
}

function headersToKeep(route: Route, cache: Cache, own: Headers): Headers {
  const headers = new Headers(own);
  // Whose request it was is none of the next client's business; what the route tells browsers is told to each anew.
  for (const name of [...headers.keys()]) {
    const isRoutes = route.cors !== undefined && name.startsWith("access-control-");
    if (ITS_OWN.has(name) || isRoutes) headers.delete(name);
  }
  for (const [name, kept] of Object.entries(KEPT)) {
    const said = headers.get(name);
    headers.delete(name);
    headers.delete(kept);
    if (said !== null) headers.set(kept, said);
  }
  headers.set("cache-control", `public, max-age=${cache.ttl}`);
  return headers;
}

/** The answer as its origin gave it. */
export function fromKept(kept: Response): Response {
  const answer = new Response(kept.body, kept);
  for (const [name, own] of Object.entries(KEPT)) {
    const said = answer.headers.get(own);
    answer.headers.delete(own);
    if (said === null) answer.headers.delete(name);
    else answer.headers.set(name, said);
  }
  return answer;
}

const ITS_OWN = new Set(["apigw-requestid", "x-amzn-requestid", "x-amz-apigw-id", "x-amzn-trace-id", "cf-ray"]);
