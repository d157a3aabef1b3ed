/** The world outside of a request: KV, fetch, cache, limits, clock. The one file that has to do with any of them. */

import { boundedText } from "./bounded";
import { base64url } from "./bytes";
import type { Counter } from "./counting/counter";
import { Questions } from "./counting/questions";
import type { Rule } from "./counting/window";
import { COUNTER_PATIENCE, LOCAL_PATIENCE, STORE_PATIENCE } from "./lifetimes";
import { type Told, timeout, type World } from "./world";

export interface Bindings {
  readonly COUNTERSIGN: KVNamespace;
}

export function outside(env: Bindings, context: ExecutionContext): World {
  return {
    now: () => Date.now(),
    nonce: () => base64url(crypto.getRandomValues(new Uint8Array(16))),
    stored: (name, most) => within(STORE_PATIENCE, stored(env.COUNTERSIGN, name, most)),
    send: (request, patience) => until(patience, (signal) => fetched(request, signal)),
    ask: (request, patience, most) => until(patience, (signal) => asked(request, most, signal)),
    limit: (binding, key) => within(LOCAL_PATIENCE, limit(limiter(env, binding), key)),
    count: (binding, name, rule) => count(env, context, binding, name, rule),
    cached: (key) => within(LOCAL_PATIENCE, caches.default.match(key)),
    cache: (key, response) => caches.default.put(key, response),
    rest: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    within,
    keep: (work) => context.waitUntil(work),
    // biome-ignore lint/suspicious/noConsole: the one place where something is said
    tell: (line) => console.error(line),
  };
}

/** Past the zone's own cache, which would keep by the URL alone what was answered to one caller. */
function fetched(request: Request, signal: AbortSignal): Promise<Response> {
  return fetch(request, { signal, redirect: "manual", cache: "no-store" });
}

async function asked(request: Request, most: number, signal: AbortSignal): Promise<Told> {
  const answer = await fetched(request, signal);
  return { status: answer.status, body: await boundedText(answer.body, most) };
}

/** What was begun is given up when its time is over. */
async function until<T>(patience: number, begin: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(timeout()), patience);
  try {
    return await begin(waiting.signal);
  } finally {
    clearTimeout(timer);
  }
}

async function stored(store: KVNamespace, name: string, most: number): Promise<string | undefined> {
  const stream = await store.get(name, { type: "stream", cacheTtl: 30 });
  if (stream === null) return undefined;
  const text = await boundedText(stream, most);
  if (text === undefined) throw new RangeError("the value is larger than any of ours");
  return text;
}

async function limit(binding: RateLimit | undefined, key: string): Promise<boolean | undefined> {
  return (await binding?.limit({ key }))?.success;
}

function limiter(env: Bindings, binding: string): RateLimit | undefined {
  const found: unknown = Object.hasOwn(env, binding) ? Reflect.get(env, binding) : undefined;
  return typeof found === "object" && found !== null && "limit" in found ? (found as RateLimit) : undefined;
}

/** Of all requests of this isolate. */
const questions = new Questions();

async function count(env: Bindings, context: ExecutionContext, binding: string, name: string, rule: Rule) {
  const stub = counter(env, binding, name);
  if (stub === undefined) return undefined;
  const take = (count: number) => within(COUNTER_PATIENCE, stub.take(rule, count));
  const asking = { now: Date.now, take, keep: (work: Promise<unknown>) => context.waitUntil(work) };
  const { wait, leave } = questions.ask(`${binding} ${name}`, asking);
  return within(2 * COUNTER_PATIENCE, wait).catch((error) => {
    leave();
    throw error;
  });
}

function counter(env: Bindings, binding: string, name: string): DurableObjectStub<Counter> | undefined {
  const found: unknown = Object.hasOwn(env, binding) ? Reflect.get(env, binding) : undefined;
  const isNamespace = typeof found === "object" && found !== null && "getByName" in found;
  return isNamespace ? (found as DurableObjectNamespace<Counter>).getByName(name) : undefined;
}

/** None of the bindings has patience of its own. */
function within<T>(patience: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(timeout()), patience);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
