import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { Counter } from "../../src/counting/counter";
import type { Rule, Slot } from "../../src/counting/window";

const minute = (limit: number) => ({ limit, period: 60_000 });

test("of a thousand who come at once exactly as many pass as may", async () => {
  const counter = env.LIMITS.getByName("a thousand");
  const all = await Promise.all(Array.from({ length: 1_000 }, () => counter.take(minute(600), 1)));
  expect(all.filter(({ passed }) => passed === 1).length).toBe(600);
  for (const { wait } of all.filter(({ passed }) => passed === 0)) {
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(61_200);
  }
});

test("each name is counted by itself", async () => {
  const [one, other] = [env.LIMITS.getByName("one"), env.LIMITS.getByName("other")];
  expect([await passes(one, minute(1)), await passes(other, minute(1))]).toEqual([true, true]);
  expect(await passes(one, minute(1))).toBe(false);
});

async function passes(counter: DurableObjectStub<Counter>, rule: Rule): Promise<boolean> {
  return (await counter.take(rule, 1)).passed === 1;
}

test("an object that is begun anew has not forgotten what it counted", async () => {
  const day = { limit: 10, period: 86_400_000 };
  const counter = env.LIMITS.getByName("evicted");
  for (let n = 0; n < 7; n++) expect(await passes(counter, day)).toBe(true);
  await runInDurableObject(counter, async (_, state) => {
    while (sum(await state.storage.get("slots")) < 7) await rest(50);
    await state.storage.sync();
    state.abort();
  }).catch(() => {});
  const again = env.LIMITS.getByName("evicted");
  const after = [];
  for (let n = 0; n < 5; n++) after.push(await passes(again, day));
  expect(after).toEqual([true, true, true, false, false]);
});

test("many requests cost few writes, and refused ones none", async () => {
  const counter = env.LIMITS.getByName("busy");
  const put = await runInDurableObject(counter, (_, { storage }) => vi.spyOn(storage, "put"));
  const began = Date.now();
  for (let n = 0; n < 500; n++) await passes(counter, minute(300));
  await rest(1_500);
  expect(put.mock.calls.length).toBeGreaterThan(0);
  expect(put.mock.calls.length).toBeLessThanOrEqual(2 + (Date.now() - began) / 1_000);
  expect(sum(put.mock.lastCall?.[1])).toBe(300);
  const written = put.mock.calls.length;
  for (let n = 0; n < 100; n++) expect(await passes(counter, minute(300))).toBe(false);
  await rest(1_500);
  expect(put.mock.calls.length).toBe(written);
});

test("a name that nobody calls with any more leaves nothing", async () => {
  const second = { limit: 10, period: 1_000 };
  const counter = env.LIMITS.getByName("quiet");
  const stored = () => runInDurableObject(counter, async (_, { storage }) => [...(await storage.list()).keys()]);
  expect(await passes(counter, second)).toBe(true);
  expect(await stored()).toEqual(["slots"]);
  await rest(1_500);
  expect(await runDurableObjectAlarm(counter)).toBe(true);
  expect(await stored()).toEqual([]);
  expect(await runDurableObjectAlarm(counter)).toBe(false);
  expect(await passes(counter, minute(10))).toBe(true);
  // What still counts stays, and is looked at again.
  expect(await runDurableObjectAlarm(counter)).toBe(true);
  expect(await stored()).toEqual(["slots"]);
  expect(await runDurableObjectAlarm(counter)).toBe(true);
});

function sum(slots: unknown): number {
  return ((slots ?? []) as Slot[]).reduce((all, [, passed]) => all + passed, 0);
}

function rest(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
