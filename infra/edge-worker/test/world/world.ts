/** A world for tests: a clock that is set, a store, a gateway that checks what is signed, and everything counted. */

import { verifySignature } from "http-message-sig";
import { boundedText } from "../../src/bounded";
import { configOf, type Env } from "../../src/config";
import type { Rule } from "../../src/counting/window";
import { Journal } from "../../src/journal";
import { type SigningKeys, signingKeys } from "../../src/signature/key";
import { Sources } from "../../src/sources";
import { Strangers } from "../../src/strangers";
import { answer } from "../../src/worker";
import type { World } from "../../src/world";
import { bindings, vectorKey } from "../signature/vectors";

export const NOW = 1_800_000_000;
export const GATEWAY = "abc.execute-api.eu-west-1.amazonaws.com";
export const KEY = "reader-key-0001-imported";
/** Codes of the lines so far, by the ids that clients were told. */
const codes = new Map<string, string>();

function hear(line: string | undefined): void {
  const { request_id, code } = JSON.parse(line ?? "{}") as { request_id?: string; code?: string };
  if (request_id !== undefined && code !== undefined) codes.set(request_id, code);
}

class HeardJournal extends Journal {
  override add(line: string | undefined, now: number) {
    hear(line);
    return super.add(line, now);
  }
}

let asked = 0;
export const HASH = "bd41bf1943f7b544e84b4645dd16be9b0e5a8356a03f27d8735f970b662575e9";

const SETTINGS: Env = {
  HOSTS: "api.example.com",
  ORIGINS: JSON.stringify({
    api: { url: `https://${GATEWAY}/prod`, kind: "gateway" },
    site: { url: "https://site.example", kind: "public" },
  }),
  DEFAULT_ORIGIN: "api",
  DOORS: "on",
};

export interface Sent {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly body: string;
}

type Answering = (sent: Sent) => Response | Promise<Response | undefined> | undefined;

export class TestWorld implements World {
  time = NOW * 1_000;
  readonly store = new Map<string, string>();
  /** Instead of the store. */
  reading: ((name: string) => Promise<string | undefined>) | undefined;
  readonly read: string[] = [];
  readonly sent: Sent[] = [];
  readonly lines: string[] = [];
  readonly kept: Promise<unknown>[] = [];
  readonly limited = new Map<string, boolean>();
  readonly counted: string[] = [];
  readonly cacheStore = new Map<string, Response>();
  /** What the gateway goes by. */
  checking: (request: Request) => Promise<void> = (request) => this.#check(request);
  /** Of an origin, after what is sent there has been found well signed. */
  answering: Answering = () => undefined;
  #nonces = 0;

  now = () => this.time;
  nonce = () => `nonce-${String(this.#nonces++).padStart(16, "0")}`;

  stored = async (name: string, most: number) => {
    this.read.push(name);
    const value = this.reading === undefined ? this.store.get(name) : await this.reading(name);
    if (value !== undefined && value.length > most) throw new RangeError("too large");
    return value;
  };

  send = async (request: Request) => {
    const body = new TextDecoder().decode(await request.clone().arrayBuffer());
    const sent = { url: request.url, method: request.method, headers: new Headers(request.headers), body };
    this.sent.push(sent);
    if (new URL(request.url).host === GATEWAY) await this.checking(request);
    return (
      (await this.answering(sent)) ?? Response.json({ from: request.url }, { headers: { "apigw-requestid": "r1" } })
    );
  };

  ask = async (request: Request, _: number, most: number) => {
    const answer = await this.send(request);
    return { status: answer.status, body: await boundedText(answer.body, most) };
  };

  limit = async (binding: string, key: string) => {
    this.counted.push(`${binding} ${key}`);
    return this.limited.get(binding);
  };

  /** Milliseconds that an exact limit makes wait, by binding. */
  readonly waits = new Map<string, number>();

  count = async (binding: string, key: string, { limit, period }: Rule) => {
    this.counted.push(`${binding} ${key} ${limit}/${period}`);
    return this.waits.get(binding);
  };

  /** What goes on after the answers, to its end. */
  async settle(): Promise<void> {
    for (const wake of this.resting.splice(0)) wake();
    await Promise.all(this.kept.splice(0));
  }

  cached = async (key: Request) => this.cacheStore.get(key.url)?.clone();
  cache = async (key: Request, response: Response) => {
    this.cacheStore.set(key.url, new Response(await response.arrayBuffer(), response));
  };
  /** Of what waits, until the time is over. */
  readonly resting: (() => void)[] = [];
  within = <T>(_: number, work: Promise<T>) => work;
  rest = () => new Promise<void>((resolve) => this.resting.push(resolve));
  keep = (work: Promise<unknown>) => {
    this.kept.push(work);
  };
  tell = (line: string) => {
    hear(line);
    this.lines.push(line);
  };

  /** As the gateway's authorizer begins: another implementation verifies, and the target must be the one fetched. */
  async #check(request: Request): Promise<void> {
    const key = await vectorKey("hmac-sha256");
    const { pathname, search } = new URL(request.url);
    if (request.headers.get("edge-target") !== pathname + search) throw new Error("the target is another one");
    const inside = pathname.startsWith("/prod/.countersign/");
    const always = ["@method", "@authority", "edge-target", ...(inside ? [] : ["edge-client"])];
    const present = ["authorization", "content-digest", "edge-key"].filter((name) => request.headers.has(name));
    const verified = await verifySignature(
      new Request(request.url, { method: request.method, headers: request.headers }),
      {
        policy: {
          algorithms: ["hmac-sha256"],
          requiredComponents: [...always, ...present],
          requiredParameters: ["created", "expires", "keyid", "tag", "nonce"],
          maxAge: 60,
          clockSkew: 5,
          now: Math.floor(this.time / 1_000),
        },
        resolveVerifier: () => ({
          algorithm: "hmac-sha256",
          verify: (base: Uint8Array, signature: Uint8Array) =>
            key.verify(new Uint8Array(base), new Uint8Array(signature)),
        }),
      },
    );
    const tag = verified.parameters["tag"];
    if (tag !== (inside ? "countersign-inside" : "countersign")) throw new Error(`the tag is ${String(tag)}`);
  }
}

/** An isolate of the edge in such a world. */
export class TestEdge {
  readonly world = new TestWorld();
  readonly sources = new Sources();
  readonly strangers = new Strangers();
  readonly journal: Journal = new HeardJournal();
  readonly #settings: Env;
  readonly #keys: SigningKeys;

  private constructor(settings: Env, keys: SigningKeys) {
    this.#settings = settings;
    this.#keys = keys;
  }

  static async start(settings: Partial<Env> = {}): Promise<TestEdge> {
    const keys = settings.EDGE_PROOF === "token" ? {} : await bindings("hmac-sha256");
    // As wrangler.jsonc would bind them; what they count is the world's.
    const tiers = [...(settings.TIERS ?? "").matchAll(/"(TIER_\w+)"/g)].map(([, name]) => [name, { limit: {} }]);
    const edge = new TestEdge({ ...SETTINGS, ...Object.fromEntries(tiers), ...settings }, signingKeys(keys));
    edge.world.store.set(`key:${HASH}`, key());
    return edge.routes();
  }

  static withoutKeys(): TestEdge {
    return new TestEdge(SETTINGS, signingKeys({}));
  }

  ask(target: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const client = { "cf-connecting-ip": "203.0.113.7", "cf-ray": "8f2c-LHR", "cf-ipcountry": "GB" };
    const headers = { ...client, ...init.headers };
    return this.receive(new Request(`https://api.example.com${target}`, { ...init, headers }));
  }

  /** A request as Cloudflare hands it over. */
  receive(request: Request): Promise<Response> {
    const configured = configOf(this.#settings);
    const { active } = this.#keys;
    const signing = active.kind === "key" ? active.key : undefined;
    const { sources, strangers, journal } = this;
    const isolate = { configured, keys: this.#keys, signing, sources, strangers, journal };
    return answer(request, isolate, this.world, (asked++).toString(16).padStart(32, "0"));
  }

  /** With the key of the tests. */
  call(target: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    return this.ask(target, { ...init, headers: { "x-api-key": KEY, ...init.headers } });
  }

  routes(...routes: object[]): this {
    const all = routes.map((route, at) => ({ id: `r${at}`, version: 1, match: {}, priority: 0, ...route }));
    this.world.store.set("routes", JSON.stringify({ version: 1, routes: all }));
    return this;
  }
}

export function key(change: object = {}): string {
  const record = { version: 1, key_id: "kid_1", principal: "acme", status: "active", grants: ["GET /items"] };
  return JSON.stringify({ ...record, ...change });
}

/** The status of an answer, and the code of a refusal: the line's, where the client is told none. */
export async function told(answer: Promise<Response>): Promise<string> {
  const response = await answer;
  const body = await response.text();
  const code = /"code":"(\w+)"/.exec(body)?.[1];
  if (code === undefined) return `${response.status}`;
  const id = /"request_id":"(\w+)"/.exec(body)?.[1] ?? "";
  return `${response.status} ${code === "unauthorized" || code === "forbidden" ? codes.get(id) : code}`;
}
