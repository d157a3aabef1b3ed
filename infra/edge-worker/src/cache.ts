/**
 * Answers to public GETs, kept at the edge: who may have one, under which name, and which answers may be kept.
 *
 * Nothing that a credential brought about is kept, and nobody who shows one is answered from here: RFC 9111 §3.5
 * without its exceptions.
 */

import type { Arrival } from "./arrival";
import { gather, Room } from "./bounded";
import { keepParameters } from "./credentials";
import { KEPT_ANSWER } from "./limits";
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

/** The answer as it is kept, for as long as the route says; `undefined` where it is too large. */
export async function toKeep(cache: Cache, answer: Response): Promise<Response | undefined> {
  const headers = new Headers(answer.headers);
  // Whose request it was is none of the next client's business, and what browsers are told is told to each anew.
  for (const name of [...headers.keys()]) {
    if (ITS_OWN.has(name) || name.startsWith("access-control-")) headers.delete(name);
  }
  for (const [name, kept] of Object.entries(KEPT)) {
    const own = headers.get(name);
    headers.delete(name);
    headers.delete(kept);
    if (own !== null) headers.set(kept, own);
  }
  headers.set("cache-control", `public, max-age=${cache.ttl}`);
  if (answer.body === null) return new Response(null, { headers });
  const body = await gather(answer.body.getReader(), KEPT_ANSWER, new Room(KEPT_ANSWER));
  if (body.kind === "whole") return new Response(body.body, { headers });
  await body.stream.cancel();
  return undefined;
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
