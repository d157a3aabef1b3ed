import { expect, test } from "vitest";
import { counted } from "../src/limiting";
import { HASH, KEY, key, TestEdge, told } from "./world/world";

test("who calls too often is told when to come back", async () => {
  const TIERS =
    '{"gold":{"binding":"TIER_GOLD","limit":600,"period":60},"route":{"binding":"TIER_ROUTE","limit":1,"period":10}}';
  const edge = (await TestEdge.start({ TIERS })).routes({ id: "r", rate_limit: "route" });
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "gold" }));
  expect(await told(edge.call("/"))).toBe("200");
  expect(edge.world.counted).toEqual(['TIER_GOLD ["key","kid_1"]', 'TIER_ROUTE ["route","r","key","kid_1"]']);
  edge.world.limited.set("TIER_GOLD", true).set("TIER_ROUTE", false);
  const answer = await edge.call("/");
  expect(answer.status).toBe(429);
  expect(answer.headers.get("retry-after")).toBe("10");
  expect(answer.headers.get("ratelimit-policy")).toBe('"route";q=1;w=10');
});

test("no two callers are counted as one", () => {
  const route = { id: "r", rateLimit: "t" } as never;
  const byKey = (keyId: string) => ({ key: { keyId, rateLimit: "t" }, token: undefined, kept: false }) as never;
  const byToken = (issuer: string, subject: string) =>
    ({ key: undefined, token: { issuer, subject }, kept: false }) as never;
  const nobody = { key: undefined, token: undefined, kept: false };
  const names = [
    ...counted(route, byKey("a"), "203.0.113.7"),
    ...counted(route, byKey("r a"), "203.0.113.7"),
    ...counted(route, byToken("a", "b c"), "203.0.113.7"),
    ...counted(route, byToken("a b", "c"), "203.0.113.7"),
    ...counted(route, byToken("key", "a"), "203.0.113.7"),
    ...counted(route, nobody, "203.0.113.7"),
    ...counted(route, nobody, "2001:db8:0:1::7"),
    ...counted(route, nobody, "2001:db8:0:2::7"),
  ].map(({ name }) => name);
  expect(names.length).toBe(10);
  expect(new Set(names).size).toBe(names.length);
  const [one, other] = ["2001:db8:0:1::7", "2001:db8:0:1:ffff::"].map((ip) => counted(route, nobody, ip));
  expect(one).toEqual(other);
});

const STRANGERS = {
  TIERS: '{"strangers":{"binding":"TIER_STRANGERS","limit":20,"period":60}}',
  STRANGERS: "strangers",
};
const GUESS = { headers: { "x-api-key": "nobody-has-this-one" } };
const unknown = () => Response.json({ code: "inside_key_unknown" }, { status: 404 });

test("who is refused too often is turned away for a while, and nothing is looked up for him", async () => {
  const edge = await TestEdge.start(STRANGERS);
  edge.world.answering = unknown;
  edge.world.limited.set("TIER_STRANGERS", true);
  expect(await told(edge.ask("/items", GUESS))).toBe("401 key_unknown");
  expect(await told(edge.ask("/items"))).toBe("401 caller_missing");
  expect(edge.world.counted).toEqual(Array(2).fill('TIER_STRANGERS ["stranger","203.0.113.7"]'));
  edge.world.limited.set("TIER_STRANGERS", false);
  expect(await told(edge.ask("/items", GUESS))).toBe("401 key_unknown");
  edge.world.time += 6_000;
  const [reads, sent] = [edge.world.read.length, edge.world.sent.length];
  const answer = await edge.ask("/items", { headers: { "x-api-key": KEY } });
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "60"]);
  expect([edge.world.read.length, edge.world.sent.length]).toEqual([reads, sent]);
  const other = { headers: { "x-api-key": KEY, "cf-connecting-ip": "203.0.113.8" } };
  edge.world.answering = () => undefined;
  expect(await told(edge.ask("/items", other))).toBe("200");
  edge.world.time += 60_000;
  expect(await told(edge.call("/items"))).toBe("200");
});

test("who is known already is not turned away for what others do at his address", async () => {
  const edge = await TestEdge.start(STRANGERS);
  expect(await told(edge.call("/items"))).toBe("200");
  edge.world.answering = unknown;
  edge.world.limited.set("TIER_STRANGERS", false);
  expect(await told(edge.ask("/items", GUESS))).toBe("401 key_unknown");
  expect(await told(edge.ask("/items", GUESS))).toBe("429 rate_limited");
  edge.world.answering = () => undefined;
  for (let waited = 0; waited < 60_000; waited += 20_000) {
    expect(await told(edge.call("/items"))).toBe("200");
    edge.world.time += 20_000;
  }
});

test("what one tier refuses is not counted by another", async () => {
  const TIERS =
    '{"day":{"object":"LIMITS","limit":9,"period":86400},"gold":{"binding":"TIER_GOLD","limit":9,"period":60}}';
  const edge = (await TestEdge.start({ TIERS, LIMITS: { idFromName: {} } } as never)).routes({
    id: "r",
    rate_limit: "gold",
  });
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "day" }));
  edge.world.limited.set("TIER_GOLD", false);
  expect(await told(edge.call("/"))).toBe("429 rate_limited");
  expect(edge.world.counted.filter((name) => name.startsWith("LIMITS"))).toEqual([]);
});

test("a route that only watches makes nobody a stranger", async () => {
  const edge = (await TestEdge.start(STRANGERS)).routes({ id: "w", match: { path: ["/watched"] }, mode: "shadow" });
  edge.world.limited.set("TIER_STRANGERS", false);
  for (let n = 0; n < 3; n++) expect(await told(edge.ask("/watched"))).toBe("200");
  expect(edge.world.counted).toEqual([]);
});

test("a tier that is not on the list limits nobody, and the line says so", async () => {
  const edge = await TestEdge.start({ DOORS: "off" });
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "platinum" }));
  expect(await told(edge.call("/"))).toBe("200");
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).toMatchObject({ outcome: "allow", uncounted: true });
});

test("our own outage makes nobody a stranger", async () => {
  const edge = await TestEdge.start(STRANGERS);
  edge.world.answering = () => new Response(null, { status: 500 });
  edge.world.limited.set("TIER_STRANGERS", false);
  for (let n = 0; n < 3; n++) expect(await told(edge.ask("/items", GUESS))).toBe("503 keys_unavailable");
  expect(edge.world.counted).toEqual([]);
});

test("a tier for strangers must be one of the tiers", async () => {
  expect(await told((await TestEdge.start({ STRANGERS: "nowhere" })).call("/"))).toBe("500 configuration_invalid");
});

test("a key's tier is that of its own record", async () => {
  const edge = await TestEdge.start({ TIERS: '{"gold":{"binding":"TIER_GOLD","limit":1,"period":60}}' });
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "gold" }));
  edge.world.limited.set("TIER_GOLD", false);
  expect(await told(edge.call("/"))).toBe("429 rate_limited");
});
