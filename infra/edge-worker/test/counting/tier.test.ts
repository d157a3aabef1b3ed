import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { configOf } from "../../src/config";
import type { Taken } from "../../src/counting/window";
import { outside } from "../../src/outside";
import { HASH, key, TestEdge, told } from "../world/world";

const TIERS = JSON.stringify({
  exact: { object: "LIMITS", limit: 600, period: 60 },
  day: { object: "LIMITS", limit: 5, period: 86_400 },
  rough: { binding: "TIER_ROUGH", limit: 10, period: 10 },
});
const BOUND = { TIERS, LIMITS: env.LIMITS, TIER_ROUGH: { limit: {} } };

/** The world of tests, but for what counts. */
async function counting(settings: object = {}): Promise<TestEdge> {
  const edge = await TestEdge.start({ DOORS: "off", ...BOUND, ...settings });
  edge.world.count = outside(env, createExecutionContext()).count;
  return edge;
}

test("of a thousand requests at once exactly as many pass as the tier says, and the rest are told how long to wait", async () => {
  const edge = await counting();
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "exact" }));
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => edge.call("/items")));
  expect(answers.filter(({ status }) => status === 200).length).toBe(600);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBe(400);
  for (const { headers } of refused) {
    const wait = Number(headers.get("retry-after"));
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(62);
    expect(headers.get("ratelimit")).toBe(`"exact";r=0;t=${wait}`);
    expect(headers.get("ratelimit-policy")).toBe('"exact";q=600;w=60');
  }
});

test("the wait that is told is the object's, in whole seconds", async () => {
  const edge = await TestEdge.start({ DOORS: "off", ...BOUND });
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "day" }));
  edge.world.waits.set("LIMITS", 12_001);
  const answer = await edge.call("/items");
  expect([answer.status, answer.headers.get("retry-after")]).toEqual([429, "13"]);
  expect(answer.headers.get("ratelimit")).toBe('"day";r=0;t=13');
  expect(edge.world.counted.length).toBe(1);
  edge.world.waits.set("LIMITS", 0);
  expect(await told(edge.call("/items"))).toBe("200");
});

test("names and tiers are counted apart", async () => {
  const edge = (await counting()).routes(
    { id: "a", match: { path: ["/a"] }, rate_limit: "day" },
    { id: "b", rate_limit: "day" },
  );
  edge.world.store.set(`key:${HASH}`, key({ key_id: "apart" }));
  const statuses = async (target: string) => {
    const answers = [];
    for (let n = 0; n < 6; n++) answers.push(await told(edge.call(target)));
    return answers.join(" ");
  };
  expect(await statuses("/a")).toBe("200 200 200 200 200 429 rate_limited");
  expect(await statuses("/b")).toBe("200 200 200 200 200 429 rate_limited");
  const answer = await edge.call("/a");
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(86_000);
});

test.each<[string, () => Promise<Taken>]>([
  ["fails", () => Promise.reject(new Error("overloaded"))],
  ["hangs", () => new Promise(() => {})],
])("an object that %s lets through, and the line says so", async (_, take) => {
  const edge = await counting({ LOGS: "all" });
  const fake = { ...env, LIMITS: { getByName: () => ({ take }) } };
  edge.world.count = outside(fake as never, createExecutionContext()).count;
  edge.world.store.set(`key:${HASH}`, key({ rate_limit: "day" }));
  expect(await told(edge.call("/items"))).toBe("200");
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).toMatchObject({ outcome: "allow", uncounted: true });
  edge.world.count = async () => 0;
  expect(await told(edge.call("/items"))).toBe("200");
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).not.toHaveProperty("uncounted");
});

test.each<[string, object]>([
  ["TIERS: exact names LIMITS, which is not among the durable_objects", { LIMITS: undefined }],
  ["TIERS: exact names LIMITS, which is not among the durable_objects", { LIMITS: env.COUNTERSIGN }],
  ["TIERS: rough names TIER_ROUGH, which is not among the ratelimits", { TIER_ROUGH: undefined }],
  ["STRANGERS names a tier with objects, one for every stranger: give it one with a rate limit", { STRANGERS: "day" }],
  [
    'TIERS is not JSON such as {"gold": {"binding": "TIER_GOLD", "limit": 600, "period": 60}}',
    { TIERS: '{"a":{"object":"LIMITS","binding":"TIER_GOLD","limit":1,"period":1}}' },
  ],
])("%s", (problem, settings) => {
  const ORIGINS = '{"api":{"url":"https://api.example","kind":"gateway"}}';
  const usual = { HOSTS: "api.example.com", ORIGINS, ...BOUND };
  expect(configOf({ ...usual, ...settings })).toEqual({ ok: false, problems: [problem] });
  expect(configOf({ ...usual, STRANGERS: "rough" }).ok).toBe(true);
});
