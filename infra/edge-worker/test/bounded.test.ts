import fc from "fast-check";
import { expect, test } from "vitest";
import { boundedText, gather, Room } from "../src/bounded";

function stream(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const next = left.shift();
      if (next === undefined) controller.close();
      else controller.enqueue(next);
    },
  });
}

async function all(stream: ReadableStream<Uint8Array>): Promise<number[]> {
  return [...new Uint8Array(await new Response(stream).arrayBuffer())];
}

test("nothing is lost of a body, whatever its pieces, and no more is held than may be", async () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(300), fc.nat(2_000), async (chunks, most, held) => {
      const expected = chunks.flatMap((chunk) => [...chunk]);
      const room = new Room(held);
      const share = room.share(() => 0);
      const gathered = await gather(stream(chunks).getReader(), most, share);
      if (gathered.kind === "whole") {
        expect([...new Uint8Array(gathered.body)]).toEqual(expected);
        expect(expected.length).toBeLessThanOrEqual(most);
      } else {
        expect(await all(gathered.stream)).toEqual(expected);
      }
      const [free, other] = [held - Math.min(held, expected.length), room.share(() => 0)];
      if (gathered.kind === "whole") expect(other.take(free + 1)).toBe(false);
      share.giveBack();
      expect([other.take(held), other.take(1)]).toEqual([true, false]);
    }),
  );
});

test("where others hold all the room, a body is passed on as it comes", async () => {
  const room = new Room(100);
  expect(room.share(() => 0).take(100)).toBe(true);
  const gathered = await gather(
    stream([new Uint8Array(10)]).getReader(),
    1_000,
    room.share(() => 0),
  );
  expect(gathered.kind).toBe("crowded");
});

test("what a request that is gone has not given back is taken back after its time", () => {
  const [room, time] = [new Room(100), { now: 0 }];
  const now = () => time.now;
  expect(room.share(now, 50).take(100)).toBe(true);
  const next = room.share(now, 100);
  expect(next.take(1)).toBe(false);
  time.now = 50;
  expect([next.take(100), next.take(1)]).toEqual([true, false]);
  next.giveBack();
  next.giveBack();
  expect([next.take(100), next.take(1)]).toEqual([true, false]);
});

test("a text that is too long is not read to its end", async () => {
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 1;
      controller.enqueue(new Uint8Array(10));
    },
  });
  expect(await boundedText(endless, 95)).toBeUndefined();
  expect(pulled).toBeLessThan(20);
  expect(await boundedText(null, 95)).toBe("");
});
