import { expect, test } from "vitest";
import { keyHash } from "../src/api-key";
import { utf8 } from "../src/bytes";
import { apiKey, bearer, bodyFields, keepParameters, type Places } from "../src/credentials";

const ALL: Places = { names: ["apikey"], header: true, query: true, body: true };
const JSON_TYPE = "application/json";
const FORM = "application/x-www-form-urlencoded";

function look(places: Partial<Places>, headers: Record<string, string>, query: string, type?: string, body = "") {
  const fields = bodyFields(type ?? null, utf8(body).buffer);
  const found = apiKey({ ...ALL, ...places }, new Headers(headers), query, fields);
  return found.kind === "found" ? found.raw : found.kind;
}

test.each<[string, ReturnType<typeof look>, Parameters<typeof look>]>([
  ["nothing", "none", [{}, {}, ""]],
  ["a header", "h", [{}, { apikey: "h" }, ""]],
  ["any case", "h", [{}, { ApiKey: "h" }, ""]],
  ["a query", "q", [{}, {}, "a=b&apikey=q"]],
  ["a form", "b", [{}, {}, "", FORM, "x=1&apikey=b"]],
  ["a form with a charset", "b", [{}, {}, "", `${FORM}; charset=utf-8`, "apikey=b"]],
  ["JSON", "b", [{}, {}, "", JSON_TYPE, '{"apikey":"b"}']],
  ["header before query", "h", [{}, { apikey: "h" }, "apikey=q"]],
  ["query before body", "q", [{}, {}, "apikey=q", JSON_TYPE, '{"apikey":"b"}']],
  ["an empty header hides the query", "empty", [{}, { apikey: "" }, "apikey=q"]],
  ["an empty parameter hides the body", "empty", [{}, {}, "apikey=", FORM, "apikey=b"]],
  ["a parameter without = is none, and hides the body", "none", [{}, {}, "apikey", FORM, "apikey=b"]],
  ["but not the next name", "z", [{ names: ["apikey", "other"] }, {}, "apikey&other=z"]],
  ["names in their order, not the client's", "1", [{ names: ["a", "b"] }, { b: "2" }, "a=1"]],
  ["twice in the query", "duplicate", [{}, {}, "apikey=1&apikey=1"]],
  ["twice in the form", "duplicate", [{}, {}, "", FORM, "apikey=1&apikey=2"]],
  ["twice in the header", "duplicate", [{}, { apikey: "a, b" }, ""]],
  ["under both spellings", "duplicate", [{ names: ["api-key"] }, { "api-key": "a", api_key: "b" }, ""]],
  ["a JSON array", "duplicate", [{}, {}, "", JSON_TYPE, '{"apikey":["b"]}']],
  ["a JSON object", "duplicate", [{}, {}, "", JSON_TYPE, '{"apikey":{}}']],
  ["a JSON number", "none", [{}, {}, "", JSON_TYPE, '{"apikey":12345678}']],
  ["a JSON null", "none", [{}, {}, "", JSON_TYPE, '{"apikey":null}']],
  ["a JSON boolean", "none", [{}, {}, "", JSON_TYPE, '{"apikey":true}']],
  ["JSON that is none", "none", [{}, {}, "", JSON_TYPE, '{"apikey":"b"']],
  ["a JSON array at the top", "none", [{}, {}, "", JSON_TYPE, '["apikey"]']],
  ["another type", "none", [{}, {}, "", "text/plain", "apikey=b"]],
  ["no type", "none", [{}, {}, "", undefined, "apikey=b"]],
  ["an underscore", "h", [{ names: ["api-key"] }, { api_key: "h" }, ""]],
  ["an underscore, the other way", "h", [{ names: ["api_key"] }, { "api-key": "h" }, ""]],
  ["case in a query matters", "none", [{}, {}, "APIKEY=q"]],
  ["an escaped name", "q", [{}, {}, "api%6B%65%79=q"]],
  ["an escaped value", "a b+c", [{}, {}, "apikey=a+b%2Bc"]],
  ["an = in the value", "a=b==", [{}, {}, "apikey=a=b=="]],
  ["brackets are part of a name", "none", [{}, {}, "apikey[]=q&apikey[1]=q"]],
  ["no prefix is taken off", "Bearer k", [{ names: ["authorization"] }, { authorization: "Bearer k" }, ""]],
  ["headers are off", "q", [{ header: false }, { apikey: "h" }, "apikey=q"]],
  ["the query is off", "b", [{ query: false }, {}, "apikey=q", FORM, "apikey=b"]],
  ["the body is off", "none", [{ body: false }, {}, "", FORM, "apikey=b"]],
  ["a prototype's member", "none", [{ names: ["constructor"] }, {}, "", JSON_TYPE, "{}"]],
  ["a name that is twice in an object", "duplicate", [{}, {}, "", JSON_TYPE, '{"apikey":"a","apikey":"b"}']],
  ["beyond a hundred parameters", "q", [{}, {}, `${"a=1&".repeat(100)}apikey=q`]],
])("%s", (_, expected, args) => {
  expect(look(...args)).toBe(expected);
});

test.each([
  ["apikey=1", ""],
  ["a=1&apikey=2&b=%7e+&&c", "a=1&b=%7e+&&c"],
  ["a=1&api%6bey=2&apikey&apikey=", "a=1"],
  ["APIKEY=1&apikeys=2", "APIKEY=1&apikeys=2"],
  ["", ""],
])("hides the key of: %s", (query, left) => {
  expect(keepParameters(query, (name) => name !== "apikey")).toBe(left);
});

test.each([
  [null, { ok: true, value: undefined }],
  ["Bearer abc.def.ghi", { ok: true, value: "abc.def.ghi" }],
  ["bearer  abc", { ok: true, value: "abc" }],
  ["Basic dXNlcjpwYXNz", { ok: false, reason: "authorization_scheme" }],
  ["Bearer", { ok: false, reason: "authorization_scheme" }],
  ["Bearer a, Bearer b", { ok: false, reason: "authorization_scheme" }],
  ["Bearer é", { ok: false, reason: "authorization_scheme" }],
  [`Bearer ${"a".repeat(8193)}`, { ok: false, reason: "token_too_large" }],
])("bearer of %s", (authorization, expected) => {
  expect(bearer(authorization)).toEqual(expected);
});

test("a key's form is checked before anybody is asked", async () => {
  const hash = "bd41bf1943f7b544e84b4645dd16be9b0e5a8356a03f27d8735f970b662575e9";
  expect(await keyHash("reader-key-0001-imported")).toEqual({ ok: true, value: hash });
  expect(await keyHash("csk_3mVq0Xn1sT7bYd9GhJ2kLp2sHGAz")).toMatchObject({ ok: true });
  expect(await keyHash("csk_3mVq0Xn1sT7bYd9GhJ2kLq2sHGAz")).toEqual({ ok: false, reason: "key_malformed" });
  for (const raw of ["", "short", "x".repeat(257), "with a space", "with-é-in-it", "csk_", "csk_tooshort"]) {
    expect(await keyHash(raw), raw).toEqual({ ok: false, reason: "key_malformed" });
  }
});
