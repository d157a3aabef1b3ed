import { expect, test } from "vitest";
import { BODY_PATIENCE } from "../src/lifetimes";
import { HASH, KEY, key, NOW, TestEdge, type TestWorld, told } from "./world/world";

const unknown = (status = 404) => Response.json({ code: "inside_key_unknown" }, { status });
const isDoor = (url: string) => url.includes("/.countersign/keys/");

function doors(world: TestWorld): number {
  return world.sent.filter(({ url }) => isDoor(url)).length;
}

test("a key that the store does not have yet is asked for once, and works", async () => {
  const edge = await TestEdge.start();
  edge.world.store.delete(`key:${HASH}`);
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(key()) : undefined);
  expect(await Promise.all([1, 2, 3].map(() => told(edge.call("/items"))))).toEqual(["200", "200", "200"]);
  expect(await told(edge.call("/items"))).toBe("200");
  expect(doors(edge.world)).toBe(1);
  expect(edge.world.sent.find(({ url }) => isDoor(url))?.url).toMatch(`/prod/.countersign/keys/${HASH}`);
});

test("a key that nobody knows is refused at the edge, and not asked for again at once", async () => {
  const edge = await TestEdge.start();
  edge.world.store.delete(`key:${HASH}`);
  edge.world.answering = ({ url }) => (isDoor(url) ? unknown() : undefined);
  for (let n = 0; n < 5; n++) expect(await told(edge.call("/items"))).toBe("401 key_unknown");
  expect(doors(edge.world)).toBe(1);
  edge.world.time += 5_000;
  expect(await told(edge.call("/items"))).toBe("401 key_unknown");
  expect(edge.world.sent.length).toBe(2);
});

test.each<[string, () => Response | Promise<Response>]>([
  ["503", () => new Response(null, { status: 503 })],
  ["401: the gateway's, not the forwarder's", () => Response.json({ message: "Unauthorized" }, { status: 401 })],
  ["403", () => Response.json({ message: "Forbidden" }, { status: 403 })],
  ["a gateway's own 404", () => Response.json({ message: "Not Found" }, { status: 404 })],
  ["something else with 200", () => new Response("<html>")],
  ["a record that is none", () => new Response('{"status":"active"}')],
  ["more than a record can be", () => new Response("x".repeat(100_000))],
  ["nothing", () => Promise.reject(new Error("down"))],
])("a gateway that answers a question with %s is our fault, not the caller's", async (_, answering) => {
  const edge = await TestEdge.start();
  edge.world.store.delete(`key:${HASH}`);
  edge.world.answering = ({ url }) => (isDoor(url) ? answering() : undefined);
  expect(await told(edge.call("/items"))).toBe("503 keys_unavailable");
});

test.each<[string, () => Promise<string | undefined>]>([
  ["down", () => Promise.reject(new Error("down"))],
  ["oversized", () => Promise.resolve("x".repeat(2 << 20))],
  ["not JSON", () => Promise.resolve("{")],
  ["something else", () => Promise.resolve('{"version":9,"routes":"none"}')],
])("a store that is %s leaves what is known, and asks the gateway for what is not", async (_, reading) => {
  const edge = (await TestEdge.start()).routes({ id: "r" });
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.reading = reading;
  edge.world.time += 60_000;
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(null, { status: 500 }) : undefined);
  expect(await told(edge.call("/items"))).toBe("200");
  expect(await told(edge.ask("/items", { headers: { "x-api-key": "nobody-has-this-one" } }))).toBe(
    "503 keys_unavailable",
  );
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(key()) : undefined);
  expect(await told(edge.ask("/items", { headers: { "x-api-key": "somebody-has-this-one" } }))).toBe("200");
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(null, { status: 500 }) : undefined);
  edge.world.time += 3 * 3_600_000;
  expect(await told(edge.call("/items"))).toBe("503 routes_unavailable");
});

test("an older record in the store does not undo a revocation", async () => {
  const edge = await TestEdge.start();
  edge.world.store.set(`key:${HASH}`, key({ version: 2, status: "revoked" }));
  expect(await told(edge.call("/items"))).toBe("401 key_revoked");
  edge.world.store.set(`key:${HASH}`, key({ version: 1 }));
  edge.world.time += 31_000;
  expect(await told(edge.call("/items"))).toBe("401 key_revoked");
  edge.world.store.set(`key:${HASH}`, key({ version: 3 }));
  edge.world.time += 31_000;
  expect(await told(edge.call("/items"))).toBe("200");
});

test("an older record is believed once the store has said so for longer than any lag", async () => {
  const edge = await TestEdge.start();
  edge.world.store.set(`key:${HASH}`, key({ version: 9e15, status: "revoked" }));
  expect(await told(edge.call("/items"))).toBe("401 key_revoked");
  edge.world.store.set(`key:${HASH}`, key({ version: 1 }));
  for (let waited = 0; waited < 600_000; waited += 30_000) {
    expect(await told(edge.call("/items"))).toBe("401 key_revoked");
    edge.world.time += 30_000;
  }
  expect(await told(edge.call("/items"))).toBe("200");
});

test("a store that lags behind does not make what is known any younger", async () => {
  const edge = await TestEdge.start();
  edge.world.store.set(`key:${HASH}`, key({ version: 2 }));
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.store.set(`key:${HASH}`, key({ version: 1 }));
  for (const wait of [31_000, 269_000]) {
    edge.world.time += wait;
    expect(await told(edge.call("/items"))).toBe("200");
  }
  edge.world.reading = () => Promise.reject(new Error("down"));
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(null, { status: 500 }) : undefined);
  edge.world.time += 3 * 3_600_000 - 300_000;
  expect(await told(edge.call("/items"))).toBe("503 keys_unavailable");
});

test("routes that are not there are not no routes: the last ones hold, and without any nobody is served", async () => {
  const edge = (await TestEdge.start()).routes({ id: "closed", deny_cidrs: ["203.0.113.0/24"] });
  expect(await told(edge.call("/items"))).toBe("403 address_refused");
  edge.world.store.delete("routes");
  edge.world.time += 60_000;
  expect(await told(edge.call("/items"))).toBe("403 address_refused");
  const cold = await TestEdge.start();
  cold.world.store.delete("routes");
  expect(await told(cold.call("/items"))).toBe("503 routes_unavailable");
});

test("without a signing key nothing is sent, and what needs none is still answered", async () => {
  const edge = TestEdge.withoutKeys().routes({
    id: "site",
    match: { path: ["/docs"] },
    origin: "site",
    auth: "anonymous",
  });
  edge.world.store.set(`key:${HASH}`, key());
  expect(await told(edge.call("/items"))).toBe("503 signing_key_missing");
  expect(edge.world.sent).toEqual([]);
  expect(await told(edge.ask("/docs"))).toBe("200");
  expect(await told(edge.ask("/items", { headers: { "x-api-key": "nobody-has-this-one" } }))).toBe(
    "503 keys_unavailable",
  );
});

test.each([
  [new TypeError("connection lost"), "502 origin_unreachable"],
  [new DOMException("no answer", "TimeoutError"), "504 origin_timeout"],
])("an origin that does not answer: %s", async (error, expected) => {
  const edge = await TestEdge.start();
  edge.world.answering = () => Promise.reject(error);
  expect(await told(edge.call("/items"))).toBe(expected);
});

test("while one reads anew, the others go on with what is known", async () => {
  const edge = await TestEdge.start();
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.time += 11_000;
  let answer: (value: string | undefined) => void = () => {};
  edge.world.reading = (name) =>
    name === "routes" ? new Promise((resolve) => (answer = resolve)) : Promise.resolve(edge.world.store.get(name));
  const first = told(edge.call("/items"));
  for (let n = 0; n < 3; n++) expect(await told(edge.call("/items"))).toBe("200");
  answer(edge.world.store.get("routes"));
  expect(await first).toBe("200");
  expect(edge.world.read.filter((name) => name === "routes").length).toBe(2);
});

test("after a while without a request nobody goes on with what is known: all wait for what is read", async () => {
  const edge = await TestEdge.start();
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.time += 3_600_000;
  edge.world.store.set(`key:${HASH}`, key({ version: 2, status: "revoked" }));
  edge.routes({ id: "closed", match: { path: ["/closed"] }, deny_cidrs: ["203.0.113.0/24"] });
  const answers = await Promise.all([1, 2, 3].flatMap(() => [told(edge.call("/items")), told(edge.call("/closed"))]));
  expect(new Set(answers)).toEqual(new Set(["401 key_revoked", "403 address_refused"]));
});

test("whose read went with the request that had begun it, reads for himself the next time", async () => {
  const edge = await TestEdge.start();
  edge.world.reading = (name) => (name === "routes" ? new Promise(() => {}) : Promise.resolve(undefined));
  void edge.call("/items");
  edge.world.within = async () => Promise.reject(new DOMException("no answer in time", "TimeoutError"));
  expect(await told(edge.call("/items"))).toBe("503 routes_unavailable");
  edge.world.reading = undefined;
  edge.world.time += 1_000;
  expect(await told(edge.call("/items"))).toBe("200");
});

test("keys that are known are not read for each request when strangers have used up the look-ups", async () => {
  const edge = await TestEdge.start();
  edge.world.store.delete(`key:${HASH}`);
  edge.world.answering = ({ url }) => (isDoor(url) ? new Response(key()) : undefined);
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.time += 31_000;
  for (let n = 0; n < 25; n++) await edge.ask("/items", { headers: { "x-api-key": `made-up-key-${n}` } });
  edge.world.read.length = 0;
  for (let n = 0; n < 20; n++) expect(await told(edge.call("/items"))).toBe("200");
  expect(edge.world.read.length).toBe(1);
});

test("bodies that stall take what room there is, and no key in a body is overlooked for that", async () => {
  const edge = await TestEdge.start({ API_KEY_PLACES: "header,body" });
  const stalled = () =>
    new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(60_000)) });
  const small = () => new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(new Uint8Array(1)) });
  const bodies = Array.from({ length: 650 }, (_, n) => (n < 600 ? stalled() : small()));
  const unread = bodies.map((body) => edge.ask("/items", { method: "POST", body }));
  await new Promise((resolve) => setTimeout(resolve, 100));
  const form = {
    method: "POST",
    body: `x-api-key=${KEY}`,
    headers: { "content-type": "application/x-www-form-urlencoded" },
  };
  expect(await told(edge.ask("/items", form))).toBe("503 bodies_exhausted");
  expect(await told(edge.call("/items"))).toBe("200");
  expect(unread.length).toBe(650);
  edge.world.time += 300_000;
  expect(await told(edge.ask("/items", form))).toBe("200");
});

test("a body that stops is waited for no longer than stated, and told as such", async () => {
  const edge = await TestEdge.start();
  edge.world.within = async (patience, work) =>
    patience === BODY_PATIENCE ? Promise.reject(new DOMException("no answer in time", "TimeoutError")) : work;
  const stalled = new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(9)) });
  expect(await told(edge.call("/items", { method: "POST", body: stalled }))).toBe("408 body_timeout");
  expect(edge.world.sent).toEqual([]);
});

test("what an origin answers is the client's, whatever it is", async () => {
  const edge = await TestEdge.start();
  for (const status of [201, 302, 401, 403, 404, 429, 500, 503]) {
    edge.world.answering = () =>
      new Response("body", { status, headers: { "x-own": "1", location: "https://a.example/" } });
    const answer = await edge.call("/items");
    expect([answer.status, await answer.text(), answer.headers.get("x-own")]).toEqual([status, "body", "1"]);
  }
});

test.each([
  [0, 200],
  [-59, 200],
  [5, 200],
  [-61, 403],
  [6, 403],
  [-3_600, 403],
])("with a clock that is %i s off the gateway has the last word, and it is told as it is: %i", async (off, status) => {
  const edge = await TestEdge.start({ DOORS: "off" });
  edge.world.time += off * 1_000;
  edge.world.checking = async () => {};
  // As the authorizer judges it, by a clock that is right.
  edge.world.answering = ({ headers }) => {
    const created = Number(/created=(\d+)/.exec(headers.get("signature-input") ?? "")?.[1]);
    const isTimely = created <= NOW + 5 && NOW - created <= 60;
    const own = { headers: { "apigw-requestid": "r1" } };
    return isTimely ? undefined : Response.json({ message: "Forbidden" }, { status: 403, ...own });
  };
  const answer = await edge.call("/items");
  expect(answer.status).toBe(status);
  if (status === 403) expect(await answer.json()).toEqual({ message: "Forbidden" });
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).toMatchObject({ outcome: "allow", status, request_id: "r1" });
});

test("signatures are dated by this clock, to the second", async () => {
  const edge = await TestEdge.start();
  edge.world.time = NOW * 1_000 + 999;
  await edge.call("/items");
  expect(edge.world.sent[0]?.headers.get("signature-input")).toContain(`;created=${NOW};expires=${NOW + 60};`);
});

test.each([
  [{ HOSTS: "" }, "500 configuration_invalid"],
  [{ ORIGINS: "{" }, "500 configuration_invalid"],
  [{ ORIGINS: '{"api":{"url":"ftp://x","kind":"gateway"}}' }, "500 configuration_invalid"],
  [{ DEFAULT_ORIGIN: "nowhere" }, "500 configuration_invalid"],
  [{ REPLIES: "kong-9" }, "500 configuration_invalid"],
  [{ TIERS: "[]" }, "500 configuration_invalid"],
  [{ DEFAULT_ORIGIN: "" }, "404 route_missing"],
])("with settings %o a request is answered %s", async (settings, expected) => {
  expect(await told((await TestEdge.start(settings)).call("/items"))).toBe(expected);
});

test("a flood of made-up keys neither fills memory nor reaches the gateway more often than stated", async () => {
  const edge = await TestEdge.start();
  edge.world.answering = ({ url }) => (isDoor(url) ? unknown() : undefined);
  const answers = new Map<string, number>();
  for (let n = 0; n < 3_000; n++) {
    if (n % 1_000 === 0) edge.world.time += 1_000;
    const answer = await told(edge.ask("/items", { headers: { "x-api-key": `made-up-${n}` } }));
    answers.set(answer, (answers.get(answer) ?? 0) + 1);
    edge.world.read.length = 0;
  }
  expect(doors(edge.world)).toBe(60);
  expect([...answers.keys()].sort()).toEqual(["401 key_unknown", "503 lookups_exhausted"]);
  expect(edge.sources.remembered).toBe(60);
  const before = edge.world.sent.length;
  for (let n = 0; n < 100; n++) {
    await edge.ask("/items", { headers: { "x-api-key": `csk_${"x".repeat(22)}${String(n).padStart(6, "0")}` } });
  }
  expect(edge.world.sent.length).toBe(before);
  expect(await told(edge.ask("/items", { headers: { "x-api-key": KEY } }))).toBe("200");
}, 60_000);
