import { expect, test } from "vitest";
import { HASH, KEY, TestEdge, told } from "./world/world";

const CORS = {
  origins: ["https://app.example.com"],
  methods: ["GET", "PUT"],
  headers: ["x-api-key"],
  expose: ["etag"],
  credentials: true,
  max_age: 600,
};
const FROM_APP = { origin: "https://app.example.com" };

test("a preflight is answered here, for the route of the request that it asks about", async () => {
  const edge = (await TestEdge.start()).routes(
    { id: "put", match: { method: ["PUT"] }, cors: CORS },
    { id: "rest", match: { method: ["GET"] } },
  );
  const preflight = (method: string, headers: Record<string, string>) =>
    edge.ask("/items", { method: "OPTIONS", headers: { "access-control-request-method": method, ...headers } });
  const answer = await preflight("PUT", FROM_APP);
  expect(answer.status).toBe(204);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    "access-control-allow-origin": "https://app.example.com",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "x-api-key",
    "access-control-max-age": "600",
  });
  const stranger = await preflight("PUT", { origin: "https://evil.example" });
  expect([stranger.status, stranger.headers.get("access-control-allow-origin")]).toEqual([204, null]);
  expect(edge.world.sent).toEqual([]);
  expect(await told(preflight("GET", FROM_APP))).toBe("401 caller_missing");
  expect(await told(edge.ask("/items", { method: "OPTIONS", headers: FROM_APP }))).toBe("401 caller_missing");
});

test("every reply says the same to browsers: refusals, the gateway's errors, and what origins say otherwise", async () => {
  const edge = (await TestEdge.start()).routes({ id: "r", cors: CORS });
  edge.world.answering = () =>
    Response.json(
      { message: "Forbidden" },
      { status: 403, headers: { "access-control-allow-origin": "*", vary: "accept" } },
    );
  for (const headers of [FROM_APP, { ...FROM_APP, "x-api-key": KEY }]) {
    const answer = await edge.ask("/items", { headers });
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://app.example.com");
    expect(answer.headers.get("access-control-expose-headers")).toBe("etag");
    expect(answer.headers.get("vary")).toContain("origin");
  }
  const stranger = await edge.call("/items", { headers: { origin: "https://evil.example" } });
  expect(stranger.headers.has("access-control-allow-origin")).toBe(false);
  expect(stranger.headers.get("vary")).toContain("origin");
});

const PUBLIC = {
  id: "r",
  auth: "anonymous",
  cache: { ttl: 60, query: ["page"], headers: ["accept-language"], bypass: ["x-fresh"] },
};

async function cached(): Promise<TestEdge> {
  const edge = (await TestEdge.start()).routes(PUBLIC);
  let count = 0;
  edge.world.answering = ({ url }) =>
    url.endsWith("/logs")
      ? new Response()
      : new Response(`${++count}`, { headers: { "apigw-requestid": "r", vary: "Accept-Language" } });
  return edge;
}

async function body(
  edge: TestEdge,
  target: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<string> {
  const answer = await (await edge.ask(target, { method, headers })).text();
  await edge.world.settle();
  return answer;
}

test("an answer to a public GET is kept under all that tells it from others", async () => {
  const edge = await cached();
  expect(await body(edge, "/a?page=1")).toBe("1");
  expect(await body(edge, "/a?page=1")).toBe("1");
  expect(await body(edge, "/a?other=2&page=1")).toBe("1");
  expect(await body(edge, "/a?page=2")).toBe("2");
  expect(await body(edge, "/b?page=1")).toBe("3");
  expect(await body(edge, "/a?page=1", { "accept-language": "fr" })).toBe("4");
  expect(await body(edge, "/a?page=1", { "accept-language": "fr" })).toBe("4");
  expect((await edge.ask("/a?page=1")).headers.has("apigw-requestid")).toBe(false);
});

test("nobody who shows a credential is answered from the cache, or fills it", async () => {
  const edge = await cached();
  expect(await body(edge, "/a")).toBe("1");
  for (const headers of [
    { authorization: "Bearer a.b.c" },
    { cookie: "s=1" },
    { "x-api-key": KEY },
    { "x-fresh": "1" },
    { range: "bytes=0-1" },
  ] as Record<string, string>[]) {
    expect(await body(edge, "/a", headers)).not.toBe("1");
  }
  expect(await body(edge, "/a", {}, "POST")).not.toBe("1");
  expect(await body(edge, "/a", {}, "HEAD")).not.toBe("1");
  expect(await body(edge, "/a")).toBe("1");
});

test("for an answer that is everybody's nothing is sent on that is not in its name", async () => {
  const edge = await cached();
  await body(edge, "/a?other=2&page=1", { "accept-language": "fr", "x-forwarded-host": "evil", "user-agent": "me" });
  const [sent] = edge.world.sent;
  expect(sent?.url).toMatch(/\/prod\/a\?page=1$/);
  const own = [...(sent?.headers.keys() ?? [])].filter((name) => !/^(edge-|signature|x-forwarded-)/.test(name));
  expect(sent?.headers.get("x-forwarded-host")).toBe("api.example.com");
  expect(own).toEqual(["accept-language"]);
});

test("an answer from the cache says to the client what its origin said", async () => {
  const edge = await cached();
  edge.world.answering = () =>
    new Response("x", { headers: { vary: "accept-language", "cache-control": "max-age=5", etag: '"1"' } });
  await body(edge, "/said");
  const hit = await edge.ask("/said");
  expect(edge.world.sent.filter(({ url }) => url.includes("/said")).length).toBe(1);
  expect(["vary", "cache-control", "etag"].map((name) => hit.headers.get(name))).toEqual([
    "accept-language",
    "max-age=5",
    '"1"',
  ]);
  expect([...hit.headers.keys()].filter((name) => name.startsWith("x-kept"))).toEqual([]);
});

test("what an origin itself tells browsers is told from the cache, too, where the route says nothing", async () => {
  const edge = await cached();
  edge.world.answering = () => new Response("x", { headers: { "access-control-allow-origin": "*" } });
  await body(edge, "/told");
  expect((await edge.ask("/told")).headers.get("access-control-allow-origin")).toBe("*");
});

test("so many answers are kept at once as there is room for, and the others pass on", async () => {
  const edge = await cached();
  edge.world.answering = () => new Response(new ReadableStream({ start: (c) => c.enqueue(new Uint8Array(9)) }));
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => edge.ask(`/slow/${n}?page=${n}`)));
  expect(answers.map(({ status }) => status)).toEqual(Array(40).fill(200));
  expect(edge.world.kept.length).toBeLessThan(30);
  edge.world.kept.length = 0;
  edge.world.time += 60_000;
  edge.world.answering = () => new Response("whole");
  expect([await body(edge, "/after"), edge.world.cacheStore.size]).toEqual(["whole", 1]);
});

test("what is too large, or is to become a WebSocket, passes the cache by", async () => {
  const edge = await cached();
  edge.world.answering = () => new Response("x".repeat(1_048_577));
  await body(edge, "/large");
  expect(edge.world.cacheStore.size).toBe(0);
  await edge.ask("/socket", { headers: { upgrade: "websocket" } });
  expect(edge.world.sent.at(-1)?.headers.get("upgrade")).toBe("websocket");
});

test("a route that is changed begins with an empty cache", async () => {
  const edge = await cached();
  expect([await body(edge, "/a"), await body(edge, "/a")]).toEqual(["1", "1"]);
  edge.routes({ ...PUBLIC, version: 2 });
  edge.world.time += 10_000;
  expect(await body(edge, "/a")).toBe("2");
});

test.each([
  { "cache-control": "private" },
  { "cache-control": "max-age=60, no-store" },
  { "set-cookie": "s=1" },
  { "cache-control": "public, max-age=0" },
  { "cache-control": "max-age=60, s-maxage=0" },
  { vary: "*" },
  { vary: "cookie" },
])("an answer that is not everybody's is not kept: %o", async (headers) => {
  const edge = (await TestEdge.start()).routes(PUBLIC);
  let count = 0;
  edge.world.answering = ({ url }) =>
    url.endsWith("/logs") ? new Response() : new Response(`${++count}`, { headers });
  expect([await body(edge, "/a"), await body(edge, "/a")]).toEqual(["1", "2"]);
});

test("what a key's caller gets is never kept, whatever the route says", async () => {
  const edge = (await TestEdge.start()).routes({ ...PUBLIC, auth: "key" });
  edge.world.answering = () => new Response("private");
  await edge.call("/a");
  await edge.world.settle();
  expect(edge.world.cacheStore.size).toBe(0);
  expect(edge.world.store.has(`key:${HASH}`)).toBe(true);
});

test("a key in the query is found, and hidden from what is signed", async () => {
  const edge = await TestEdge.start({ API_KEY_NAMES: "apikey,x-api-key", API_KEY_PLACES: "header,query,body" });
  expect(await told(edge.ask(`/items?a=%7e&apikey=${KEY}&b`))).toBe("200");
  expect(edge.world.sent.at(-1)?.headers.get("edge-target")).toBe("/prod/items?a=%7e&b");
  const post = {
    method: "POST",
    body: JSON.stringify({ apikey: KEY }),
    headers: { "content-type": "application/json" },
  };
  expect(await told(edge.ask("/items", post))).toBe("200");
  expect(edge.world.sent.at(-1)?.headers.get("edge-key")).toBe(HASH);
  const wrong = { headers: { apikey: "wrong-key-in-the-header" } };
  edge.world.answering = () => Response.json({ code: "inside_key_unknown" }, { status: 404 });
  expect(await told(edge.ask(`/items?apikey=${KEY}`, wrong))).toBe("401 key_unknown");
});
