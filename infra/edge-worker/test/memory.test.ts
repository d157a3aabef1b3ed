import fc from "fast-check";
import { expect, test } from "vitest";
import { Lookup, type Read } from "../src/lookup";
import { Budget, Memory, type Spans } from "../src/memory";

const SPANS: Spans = { fresh: 30, kept: 1_000, lag: 100, unknown: 5, rest: 10, cooling: 2 };
type Record = { readonly version: number };
const record = (version: number) => ({ kind: "record", record: { version } }) as const;

test("a record is fresh, then worth a read, then kept only while reads fail, then forgotten", () => {
  const memory = new Memory<Record>(SPANS, 10);
  expect(memory.recall("a", 0)).toEqual({ use: "read", fallback: undefined, isRecent: false });
  memory.learn("a", record(1), 0);
  expect(memory.recall("a", 29)).toEqual({ use: "record", record: { version: 1 }, kept: false });
  expect(memory.recall("a", 30)).toEqual({ use: "read", fallback: { version: 1 }, isRecent: true });
  expect(memory.recall("a", 20, 20)).toEqual({ use: "read", fallback: { version: 1 }, isRecent: true });
  expect(memory.recall("a", 60)).toEqual({ use: "read", fallback: { version: 1 }, isRecent: false });
  memory.learn("a", { kind: "failed" }, 30);
  expect(memory.recall("a", 39)).toEqual({ use: "record", record: { version: 1 }, kept: true });
  expect(memory.recall("a", 40)).toEqual({ use: "read", fallback: { version: 1 }, isRecent: true });
  expect(memory.recall("a", 1_000)).toEqual({ use: "read", fallback: undefined, isRecent: false });
  memory.learn("a", { kind: "failed" }, 1_000);
  expect(memory.recall("a", 1_001)).toEqual({ use: "failed" });
  expect(memory.recall("a", 1_002)).toEqual({ use: "read", fallback: undefined, isRecent: false });
});

test("what was not there is not asked for again for a while, and what is gone is gone", () => {
  const memory = new Memory<Record>(SPANS, 10);
  memory.learn("a", record(1), 0);
  memory.learn("a", { kind: "none" }, 31);
  expect(memory.recall("a", 35)).toEqual({ use: "none" });
  expect(memory.recall("a", 36)).toEqual({ use: "read", fallback: undefined, isRecent: false });
  memory.learn("a", record(2), 36);
  expect(memory.recall("a", 37)).toMatchObject({ use: "record" });
});

test("strangers push out neither records nor more than each other", () => {
  const memory = new Memory<Record>(SPANS, 100);
  memory.learn("known", record(1), 0);
  for (let n = 0; n < 10_000; n++) memory.learn(`stranger ${n}`, { kind: n % 2 ? "none" : "failed" }, 1);
  expect(memory.size).toBeLessThanOrEqual(101);
  expect(memory.recall("known", 2)).toMatchObject({ use: "record" });
  for (let n = 0; n < 40; n++) {
    memory.learn(`record ${n}`, record(1), 1);
    expect(memory.recall(`record ${n}`, 1)).toMatchObject({ use: "record" });
  }
  expect(memory.recall("known", 2)).toMatchObject({ use: "record" });
  for (let n = 0; n < 200; n++) memory.learn(`record ${n}`, record(1), 1);
  expect(memory.size).toBeLessThanOrEqual(200);
  expect(memory.recall("known", 2)).toMatchObject({ use: "read" });
});

test("a million strangers take the room of a few thousand", () => {
  const memory = new Memory<Record>(SPANS, 10_000);
  for (let n = 0; n < 1_000_000; n++) {
    if (memory.recall(`stranger ${n}`, n).use === "read") memory.learn(`stranger ${n}`, { kind: "none" }, n);
  }
  expect(memory.size).toBeLessThanOrEqual(10_000);
  expect(memory.size).toBeGreaterThan(4_000);
});

test("nothing is used beyond its time, whatever has happened", () => {
  const event = fc.record({
    wait: fc.nat(400),
    found: fc.oneof(
      fc.constant({ kind: "none" } as const),
      fc.constant({ kind: "failed" } as const),
      fc.nat(9).map(record),
    ),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const memory = new Memory<Record>(SPANS, 10);
      let [now, readAt] = [0, Number.NEGATIVE_INFINITY];
      for (const { wait, found } of events) {
        now += wait;
        const recalled = memory.recall("a", now);
        const age = now - readAt;
        if (recalled.use === "record") expect(age).toBeLessThan(recalled.kept ? SPANS.kept : SPANS.fresh);
        if (recalled.use === "read" && recalled.fallback !== undefined) expect(age).toBeLessThan(SPANS.kept);
        if (recalled.use !== "read") continue;
        const learned = memory.learn("a", found, now);
        if (learned.use === "record" && !learned.kept) readAt = now;
        if (found.kind === "none") readAt = Number.NEGATIVE_INFINITY;
      }
    }),
  );
});

test("a budget is so many in each second", () => {
  const budget = new Budget(2);
  expect([1_000, 1_500, 1_999, 2_000].map((now) => budget.spend(now))).toEqual([true, true, false, true]);
});

function source() {
  const calls: (Record | undefined)[] = [];
  const answers: ((read: Read<Record>) => void)[] = [];
  const kept: Promise<unknown>[] = [];
  const reader = {
    read: (known: Record | undefined) => {
      calls.push(known);
      return new Promise<Read<Record>>((resolve) => answers.push(resolve));
    },
    keep: (work: Promise<unknown>) => void kept.push(work),
    wait: <T>(shared: Promise<T>) => shared,
  };
  return { calls, answers, kept, reader };
}

test("who ask at the same time share one read, which outlives whoever began it", async () => {
  const { calls, answers, kept, reader } = source();
  const lookup = new Lookup<Record>(SPANS, 10);
  const all = Promise.all([1, 2, 3].map(() => lookup.find("a", 0, reader)));
  const other = lookup.find("b", 0, reader);
  expect([calls.length, kept.length]).toEqual([2, 2]);
  for (const answer of answers) answer(record(1));
  expect(await all).toEqual(Array(3).fill({ kind: "record", record: { version: 1 }, kept: false }));
  expect(await other).toMatchObject({ kind: "record" });
  await lookup.find("a", 1, reader);
  expect(calls.length).toBe(2);
});

test("an older record and a failure leave what is known; an answer that it is gone does not", async () => {
  const { calls, answers, reader } = source();
  const lookup = new Lookup<Record>(SPANS, 10);
  const find = async (now: number, read: Read<Record>) => {
    const found = lookup.find("a", now, reader);
    answers.at(-1)?.(read);
    return found;
  };
  expect(await find(0, record(5))).toEqual({ ...record(5), kept: false });
  expect(await find(30, record(4))).toEqual({ ...record(5), kept: true });
  expect(await find(60, { kind: "failed" })).toEqual({ ...record(5), kept: true });
  expect(await find(65, { kind: "none" })).toEqual({ ...record(5), kept: true });
  expect(await find(70, { kind: "exhausted" })).toEqual({ ...record(5), kept: true });
  expect(await find(75, { kind: "none" })).toEqual({ ...record(5), kept: true });
  expect(await find(81, record(6))).toEqual({ ...record(6), kept: false });
  expect(await find(111, { kind: "none" })).toEqual({ kind: "none" });
  expect(await find(112, record(7))).toEqual({ kind: "none" });
  expect(calls.map((known) => known?.version)).toEqual([undefined, 5, 5, 5, 5, 6]);
});

test("while one reads a record anew, others use it as long as it is recent, and no source has failed", async () => {
  const { calls, answers, reader } = source();
  const lookup = new Lookup<Record>(SPANS, 10);
  const first = lookup.find("a", 0, reader);
  answers[0]?.(record(1));
  await first;
  const reads = lookup.find("a", 59, reader);
  expect(await lookup.find("a", 59, reader)).toEqual({ ...record(1), kept: false });
  const waits = lookup.find("a", 60, reader);
  answers[1]?.(record(2));
  expect([await reads, await waits]).toEqual(Array(2).fill({ ...record(2), kept: false }));
  expect(calls.length).toBe(2);
});

test("without anything known, a failure is a failure and no verdict", async () => {
  const { answers, reader } = source();
  const lookup = new Lookup<Record>(SPANS, 10);
  const found = lookup.find("a", 0, reader);
  answers[0]?.({ kind: "failed" });
  expect(await found).toEqual({ kind: "failed" });
  const exhausted = lookup.find("b", 0, reader);
  answers[1]?.({ kind: "exhausted" });
  expect(await exhausted).toEqual({ kind: "exhausted" });
});
