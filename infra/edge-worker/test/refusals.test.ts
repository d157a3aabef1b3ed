import { expect, test } from "vitest";
import callers from "../../../tests/vectors/callers.json";
import file from "../../../tests/vectors/edge-refusals.json";
import { ALL_REASONS, outcomeOf } from "../src/reasons";
import { TestEdge, told } from "./world/world";

/** A text, or the parts of a long one. */
type Text = string | (string | { repeat: string; times: number })[];

interface Vector {
  readonly name: string;
  readonly method: string;
  readonly url: Text;
  /** Names and values. */
  readonly headers: Text[][];
  readonly body?: string;
  readonly settings?: Record<string, string>;
  readonly store?: object;
  readonly used_up?: string[];
  readonly expected: { readonly code: string; readonly status: number };
}

const VECTORS: readonly Vector[] = file.vectors;

function written(text: Text): string {
  if (typeof text === "string") return text;
  return text.map((part) => (typeof part === "string" ? part : part.repeat.repeat(part.times))).join("");
}

async function edgeFor({ settings, store, used_up }: Vector): Promise<TestEdge> {
  const edge = await TestEdge.start({ ...file.settings, ...settings });
  edge.world.time = file.now * 1_000;
  edge.world.store.clear();
  for (const [name, value] of Object.entries({ ...file.store, ...store })) {
    edge.world.store.set(name, JSON.stringify(value));
  }
  for (const binding of used_up ?? []) edge.world.limited.set(binding, false);
  return edge;
}

function request({ method, url, headers, body }: Vector): Request {
  const sent = new Headers({ "cf-connecting-ip": file.client });
  for (const [name = "", value = ""] of headers) sent.append(written(name), written(value));
  // What a connection can carry, the constructor refuses: a GET with a body.
  const isOdd = body !== undefined && method === "GET";
  const made = new Request(written(url), { method: isOdd ? "POST" : method, headers: sent, body: body ?? null });
  return isOdd ? Object.defineProperty(made, "method", { value: method }) : made;
}

test.each(VECTORS)("$name", async (vector) => {
  const edge = await edgeFor(vector);
  const { status, code } = vector.expected;
  expect(await told(edge.receive(request(vector)))).toBe(`${status} ${code}`);
  expect(edge.world.sent).toEqual([]);
});

/** What no vector brings about the other language may judge otherwise. */
test("every refusal has a vector, or it is said why not", () => {
  const atTheEdge = callers.vectors.map(({ expected }) => (expected.edge ?? expected).code);
  const brought = new Set([...VECTORS.map(({ expected }) => expected.code), ...atTheEdge]);
  const refusals = ALL_REASONS.filter((reason) => outcomeOf(reason) === "refuse");
  expect(refusals.filter((reason) => !brought.has(reason))).toEqual(Object.keys(file.not_written));
});
