import { expect, test } from "vitest";
import { base64url, utf8 } from "../../src/bytes";
import { judge } from "../../src/edge-token/judge";
import { GATEWAY, NOW } from "../world/world";

const CLAIMS = { iss: "https://login.example/", sub: "edge", aud: GATEWAY, iat: NOW, exp: NOW + 300 };

const part = (value: unknown) => base64url(utf8(JSON.stringify(value)));

function compact(claims: object, header: object = { alg: "ES256", kid: "one" }): string {
  return `${part(header)}.${part({ ...CLAIMS, ...claims })}.${base64url(utf8("signature"))}`;
}

test.each([
  [{}, 240, 295],
  [{ aud: [GATEWAY] }, 240, 295],
  [{ nbf: NOW }, 240, 295],
  [{ iat: NOW + 5, exp: NOW + 300 }, 240, 295],
  [{ iat: NOW - 100, exp: NOW + 200 }, 140, 195],
  // Of a short one the second half is for fetching the next.
  [{ exp: NOW + 65 }, 30, 60],
])("a token with %o serves: another is fetched after %d s, and it ends after %d", (claims, renewal, over) => {
  const token = compact(claims);
  const judged = judge(token, GATEWAY, NOW * 1_000);
  expect(judged).toMatchObject({ ok: true, token: { compact: token, over: (NOW + over) * 1_000 } });
  if (judged.ok) expect(judged.token.renewal / 1_000 - NOW).toBeCloseTo(over === 60 ? renewal : over - 60);
});

test.each<[object, RegExp]>([
  [{ exp: NOW + 301 }, /lasts 301 s, and the authorizer takes 300 s at most/],
  [{ exp: NOW + 3_600 }, /lasts 3600 s/],
  [{ aud: "other.example.com" }, /audience "other.example.com", and must have abc.execute-api/],
  [{ aud: [GATEWAY, "other.example.com"] }, /and no other/],
  [{ aud: `https://${GATEWAY}` }, /audience "https:/],
  [{ aud: undefined }, /audience null/],
  [{ aud: [] }, /audience \[\]/],
  [{ aud: "x".repeat(2_000) }, /audience "x{200,300}, and/],
  [{ iat: undefined }, /iat, exp/],
  [{ exp: "1800000300" }, /iat, exp/],
  [{ sub: undefined }, /no subject/],
  [{ sub: "" }, /no subject/],
  [{ iat: NOW - 300, exp: NOW }, /over already/],
  [{ iat: NOW - 100, exp: NOW + 5 }, /over already/],
  [{ exp: NOW + 29 }, /less than 30 s leaves gaps/],
  [{ iat: NOW + 6 }, /begins later/],
  [{ nbf: NOW + 6 }, /begins later/],
  [{ more: "x".repeat(4_096) }, /characters, and 4096 at most/],
  [{ iss: 1 }, /none that the authorizer reads: token_claims/],
])("a token with %o does not", (claims, cause) => {
  const judged = judge(compact(claims), GATEWAY, NOW * 1_000);
  expect(judged).toMatchObject({ ok: false, cause: expect.stringMatching(cause) });
});

test.each<[string, string]>([
  ["opaque", "2YotnFZFEjr1zCsicMWpAA"],
  ["encrypted", `${part({ alg: "RSA-OAEP", enc: "A256GCM" })}.${part({})}.AAAA.AAAA.AAAA`],
  ["with a header that changes what is verified", compact({}, { alg: "ES256", jku: "https://evil.example" })],
  ["with a claim twice", `${part({ alg: "ES256" })}.${base64url(utf8('{"iss":"a","iss":"b"}'))}.AAAA`],
  ["with a line break", `${compact({})}\r\nedge-key: 1`],
  ["empty", ""],
])("what is no token that the authorizer reads is not sent: %s", (_, token) => {
  expect(judge(token, GATEWAY, NOW * 1_000)).toMatchObject({ ok: false, cause: expect.stringContaining("none that") });
});
