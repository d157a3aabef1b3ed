import { expect, test } from "vitest";
import { vectors } from "../../../tests/vectors/callers.json";
import { GATEWAY, TestEdge, told } from "./world/world";

type Vector = (typeof vectors)[number];

/** A route that takes any credential, and of the world what the vector says. */
async function edgeFor({ store, key_sets, now }: Vector): Promise<TestEdge> {
  const edge = await TestEdge.start({ DOORS: "off" });
  edge.world.time = now * 1_000;
  edge.world.store.clear();
  edge.routes({ auth: "any" });
  for (const [name, value] of Object.entries(store)) edge.world.store.set(name, JSON.stringify(value));
  const keySets = new Map(Object.entries(key_sets));
  edge.world.answering = ({ url }) => (keySets.has(url) ? Response.json(keySets.get(url)) : undefined);
  return edge;
}

function request({ headers, client }: Vector): Request {
  const sent = new Headers({ "cf-connecting-ip": client });
  for (const [name = "", value = ""] of headers) sent.append(name, value);
  return new Request("https://api.example.com/items", { headers: sent });
}

/** The whole Worker: what it lets through has arrived at a gateway that checks the signature, and nothing else has. */
test.each(vectors)("$name", async (vector) => {
  const edge = await edgeFor(vector);
  const { code, status } = vector.expected.edge ?? vector.expected;
  expect(await told(edge.receive(request(vector)))).toBe(code === "allow" ? "200" : `${status} ${code}`);
  const sent = edge.world.sent.filter(({ url }) => new URL(url).host === GATEWAY);
  expect(sent.length).toBe(code === "allow" ? 1 : 0);
});
