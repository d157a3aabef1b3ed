import fc from "fast-check";
import { expect, test } from "vitest";
import { type Rule, type Slot, Window } from "../../src/counting/window";

const NOW = 1_800_000_000_000;
const minute = (limit: number) => ({ limit, period: 60_000 });

/** Milliseconds that one more would have to wait. */
function take(window: Window, rule: Rule, now: number): number {
  const { passed, wait } = window.take(rule, now, 1);
  expect(passed).toBe(wait === 0 ? 1 : 0);
  return wait;
}

function passed(window: Window, limit: number, now: number, asked = limit + 1): number {
  return Array.from({ length: asked }, () => take(window, minute(limit), now)).filter((wait) => wait === 0).length;
}

test("as many pass as may, at any one time or spread over it", () => {
  const window = new Window([]);
  expect(passed(window, 10, NOW)).toBe(10);
  expect(passed(window, 10, NOW + 59_999)).toBe(0);
  expect(passed(window, 10, NOW + 61_200)).toBe(10);
});

test("an edge of the period lets nothing pass twice", () => {
  const window = new Window([]);
  for (let second = 0; second < 600; second++) passed(window, 100, NOW + second * 1_000, second % 7);
  const before = passed(window, 100, NOW + 599_999);
  expect(before).toBeGreaterThan(0);
  expect(passed(window, 100, NOW + 600_000)).toBe(0);
});

test("who is refused is told when there is room, and not a moment later", () => {
  const window = new Window([]);
  expect(take(window, minute(2), NOW + 3)).toBe(0);
  expect(take(window, minute(2), NOW + 30_000)).toBe(0);
  const wait = take(window, minute(2), NOW + 31_000);
  expect(wait).toBe(30_200);
  expect(take(window, minute(2), NOW + 31_000 + wait - 1)).toBe(1);
  expect(take(window, minute(2), NOW + 31_000 + wait)).toBe(0);
});

test("what was counted under a higher limit counts under a lower one", () => {
  const window = new Window([]);
  for (let second = 0; second < 10; second++) take(window, minute(10), NOW + second * 1_200);
  const wait = take(window, minute(4), NOW + 12_000);
  expect(take(window, minute(4), NOW + 12_000 + wait - 1)).toBeGreaterThan(0);
  expect(take(window, minute(4), NOW + 12_000 + wait)).toBe(0);
});

test("what is over leaves nothing, and a long period no more than its slots", () => {
  const window = new Window([]);
  const day = { limit: 1_000_000, period: 86_400_000 };
  for (let n = 0; n < 20_000; n++) expect(take(window, day, NOW + n * 10_000)).toBe(0);
  expect(window.slots.length).toBeLessThanOrEqual(51);
  expect(take(window, day, window.over)).toBe(0);
  expect(window.slots.length).toBe(1);
});

/** Times that go on, or stand still, by a clock that is up to 50 ms late. */
const times = fc
  .array(fc.tuple(fc.oneof(fc.constant(0), fc.nat(200), fc.nat(40_000)), fc.nat(50)), { minLength: 1, maxLength: 300 })
  .map((steps) => {
    let now = NOW;
    return steps.map(([step, late]) => {
      now += step;
      return now - late;
    });
  });
const rules = fc.record({ limit: fc.integer({ min: 1, max: 20 }), period: fc.constantFrom(1_000, 7_000, 60_000) });

test("in no period, wherever it begins, do more pass than may; and whoever may, passes", () => {
  fc.assert(
    fc.property(
      times,
      rules,
      fc.array(fc.nat(300)),
      fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
      (moments, rule, evictions, sizes) => {
        let window = new Window([]);
        const passes: number[] = [];
        const since = (time: number) => passes.filter((pass) => pass > time).length;
        for (const [at, now] of moments.entries()) {
          // As it is written down, and read by another object.
          if (evictions.includes(at)) window = new Window(JSON.parse(JSON.stringify(window.slots)) as Slot[]);
          const asked = sizes.next().value ?? 1;
          const { passed, wait } = window.take(rule, now, asked);
          expect(wait === 0).toBe(passed === asked);
          for (let n = 0; n < passed; n++) passes.push(now);
          if (passed < asked)
            expect(since(now - rule.period - rule.period / 50 - 50)).toBeGreaterThanOrEqual(rule.limit);
        }
        for (const end of passes) {
          const within = passes.filter((time) => time > end - rule.period && time <= end);
          expect(within.length).toBeLessThanOrEqual(rule.limit);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test("after the wait that was told, one passes", () => {
  fc.assert(
    fc.property(times, rules, (moments, rule) => {
      const window = new Window([]);
      for (const now of moments) {
        const wait = take(window, rule, now);
        if (wait === 0) continue;
        const later = new Window(window.slots);
        expect(take(later, rule, now + wait - 1)).toBe(1);
        expect(take(later, rule, now + wait)).toBe(0);
      }
    }),
  );
});

test("many who are asked for at once pass as each by itself", () => {
  const window = new Window([]);
  expect(window.take(minute(10), NOW, 4)).toEqual({ passed: 4, wait: 0 });
  expect(window.take(minute(10), NOW + 30_000, 20)).toEqual({ passed: 6, wait: 31_200 });
  expect(window.take(minute(10), NOW + 61_200, 3)).toEqual({ passed: 3, wait: 0 });
  expect(window.take(minute(10), NOW + 61_200, 3)).toEqual({ passed: 1, wait: 30_000 });
  expect(window.take(minute(2), NOW + 61_200, 1)).toEqual({ passed: 0, wait: 61_200 });
});
