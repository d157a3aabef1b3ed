import { expect, test } from "vitest";
import { Questions } from "../../src/counting/questions";
import type { Taken } from "../../src/counting/window";
import { REMEMBERED } from "../../src/limits";

const NOW = 1_800_000_000_000;

/** An object that answers when it is told to. */
class Slow {
  time = NOW;
  readonly asked: number[] = [];
  readonly kept: Promise<unknown>[] = [];
  readonly #answers: ((taken: Taken | Error) => void)[] = [];

  now = () => this.time;
  keep = (work: Promise<unknown>) => void this.kept.push(work);
  take = (asked: number) => {
    this.asked.push(asked);
    return new Promise<Taken>((resolve, reject) => {
      this.#answers.push((taken) => (taken instanceof Error ? reject(taken) : resolve(taken)));
    });
  };

  async answer(taken: Taken | Error): Promise<void> {
    for (let turns = 0; this.#answers.length === 0 && turns < 100; turns++) await Promise.resolve();
    const answer = this.#answers.shift();
    if (answer === undefined) throw new Error("nothing was asked");
    answer(taken);
  }
}

test("who comes while a question is on its way goes with others in the next", async () => {
  const [questions, object] = [new Questions(), new Slow()];
  const first = questions.ask("a", object).wait;
  await Promise.resolve();
  expect(object.asked).toEqual([1]);
  const rest = Array.from({ length: 500 }, () => questions.ask("a", object).wait);
  await object.answer({ passed: 1, wait: 0 });
  expect(await first).toBe(0);
  await object.answer({ passed: 499, wait: 20_000 });
  expect(await Promise.all(rest)).toEqual([...Array(499).fill(0), 20_000]);
  expect(object.asked).toEqual([1, 500]);
  await Promise.all(object.kept);
});

test("who is refused is not asked about until there is room, nor are those who wait already", async () => {
  const [questions, object] = [new Questions(), new Slow()];
  const first = questions.ask("a", object).wait;
  await Promise.resolve();
  const second = questions.ask("a", object).wait;
  await object.answer({ passed: 0, wait: 30_000 });
  expect([await first, await second]).toEqual([30_000, 30_000]);
  object.time += 29_999;
  expect(await questions.ask("a", object).wait).toBe(1);
  expect(object.asked).toEqual([1]);
  object.time += 1;
  const again = questions.ask("a", object).wait;
  await object.answer({ passed: 1, wait: 0 });
  expect(await again).toBe(0);
});

test("names do not wait for each other", async () => {
  const [questions, slow, object] = [new Questions(), new Slow(), new Slow()];
  const waiting = questions.ask("a", slow).wait;
  const other = questions.ask("b", object).wait;
  await object.answer({ passed: 1, wait: 0 });
  expect(await other).toBe(0);
  await slow.answer({ passed: 1, wait: 0 });
  expect(await waiting).toBe(0);
});

test("a question that fails fails for those who shared it, and not for the next", async () => {
  const [questions, object] = [new Questions(), new Slow()];
  const shared = [questions.ask("a", object).wait, questions.ask("a", object).wait];
  await Promise.resolve();
  const next = questions.ask("a", object).wait;
  await object.answer(new Error("overloaded"));
  expect((await Promise.allSettled(shared)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await object.answer({ passed: 1, wait: 0 });
  expect(await next).toBe(0);
  expect(object.asked).toEqual([2, 1]);
  await Promise.all(object.kept);
});

test("a question that is never answered holds up nobody once it is forgotten", async () => {
  const [questions, hanging, object] = [new Questions(), new Slow(), new Slow()];
  questions.ask("a", hanging);
  await Promise.resolve();
  const behind = questions.ask("a", hanging);
  behind.leave();
  const after = questions.ask("a", object).wait;
  await object.answer({ passed: 1, wait: 0 });
  expect(await after).toBe(0);
});

test("no flood of names fills memory", async () => {
  const questions = new Questions();
  const refused = { now: () => NOW, take: async () => ({ passed: 0, wait: 500 }), keep: () => {} };
  for (let n = 0; n <= REMEMBERED; n++) await questions.ask(`${n}`, refused).wait;
  let asked = 0;
  const counted = { ...refused, take: async () => ({ passed: ++asked, wait: 0 }) };
  expect(await questions.ask(`${REMEMBERED}`, counted).wait).toBe(500);
  expect(await questions.ask("0", counted).wait).toBe(0);
  expect(asked).toBe(1);
});
