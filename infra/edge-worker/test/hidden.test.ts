import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../src/bytes";
import { bodyFields, bodyWithout } from "../src/credentials";
import { HASH, KEY, TestEdge, told } from "./world/world";

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };
const EVERYWHERE = { API_KEY_NAMES: "apikey,x-api-key", API_KEY_PLACES: "header,query,body" };

test.each([
  ["header", `/items?a=%7e&apikey=${KEY}&b&x%2Dapi%2Dkey=other-key-0002`],
  ["query", `/items?a=%7e&x-api-key=other-key-0002&b`],
])("no key reaches a gateway, though keys are looked for in the %s alone", async (API_KEY_PLACES, target) => {
  const edge = await TestEdge.start({ ...EVERYWHERE, API_KEY_PLACES });
  const headers = { APIKEY: "other-key-0003", X_Api_Key: "other-key-0004" };
  await edge.ask(target, { headers: API_KEY_PLACES === "header" ? { apikey: KEY } : headers });
  const own = edge.world.sent.filter(({ url }) => !url.includes("/.countersign/"));
  for (const sent of own) {
    expect(sent.headers.get("edge-target")).toBe("/prod/items?a=%7e&b");
    expect(JSON.stringify([...sent.headers])).not.toMatch(/other-key|reader-key/);
  }
});

test.each([
  [
    JSON_TYPE,
    `{"a": 12345678901234567890, "apikey":"${KEY}" ,"b":{"apikey":1}}`,
    '{"a": 12345678901234567890,"b":{"apikey":1}}',
  ],
  [JSON_TYPE, `{"apikey":"${KEY}"}`, "{}"],
  [JSON_TYPE, ` { "x-api-key" : "z", "api\\u006bey" : "${KEY}"} `, " {} "],
  [FORM_TYPE, `a=1&apikey=${KEY}&b=%zz`, "a=1&b=%zz"],
])("a key in a body is found, and leaves before the body is signed: %o %s", async (headers, body, expected) => {
  const edge = await TestEdge.start(EVERYWHERE);
  expect(await told(edge.ask("/items", { method: "POST", body, headers }))).toBe("200");
  const [sent] = edge.world.sent;
  expect(sent?.headers.get("edge-key")).toBe(HASH);
  expect(sent?.body).toBe(expected);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(expected)));
  expect(sent?.headers.get("content-digest")).toBe(`sha-256=:${btoa(String.fromCharCode(...digest))}:`);
});

test("what is taken out of a JSON body is its own members of that name, and nothing else", () => {
  const names = fc.constantFrom("apikey", "a", "b", 'q"uote', "br{ace", "");
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom("}", '\\"', "[", ","));
  const written = fc.array(fc.tuple(names, value), { maxLength: 8 });
  fc.assert(
    fc.property(written, fc.constantFrom("", " ", "\n\t"), (members, space) => {
      const piece = ([name, own]: [string, unknown]) =>
        `${space}${JSON.stringify(name)}${space}:${JSON.stringify(own)}`;
      const text = (kept: [string, unknown][]) => `${space}{${kept.map(piece).join(",")}}${space}`;
      const left = bodyWithout(["apikey"], "application/json; charset=utf-8", utf8(text(members)).buffer);
      const kept = members.filter(([name]) => name !== "apikey");
      expect(new TextDecoder().decode(left)).toBe(text(kept));
    }),
  );
});

test("bytes that are no text are neither read nor touched", () => {
  const bytes = Uint8Array.from([0x61, 0x70, 0x69, 0x6b, 0x65, 0x79, 0x3d, 0xff]).buffer;
  expect(bodyFields(FORM_TYPE["content-type"], bytes)).toBeUndefined();
  expect(bodyWithout(["apikey"], FORM_TYPE["content-type"], bytes)).toBe(bytes);
});

test.each(["shadow", "off", "enforce"])(
  "mode %s: a key that a gateway cannot be told of is not answered for by the token beside it",
  async (mode) => {
    const edge = (await TestEdge.start()).routes({ mode });
    for (const own of ["short", `${KEY}, ${KEY}`, "", "csk_0123456789012345678901000000"]) {
      const headers = { "x-api-key": own, authorization: "Bearer e30.e30.e30" };
      expect((await edge.ask("/items", { headers })).status).toBe(401);
    }
    expect(edge.world.sent).toEqual([]);
  },
);
