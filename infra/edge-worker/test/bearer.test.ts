import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import { HASH, KEY, key, NOW, TestEdge, told } from "./world/world";

const ISS = "https://login.example";
const RECORD = {
  version: 1,
  audiences: ["https://api.example.com"],
  algorithms: ["ES256"],
  jwks_uri: "https://login.example/keys",
  grants: [{ any: true, allow: ["GET /items"] }],
  token_types: ["JWT"],
};

let pair: CryptoKeyPair;
let jwks = "";
beforeAll(async () => {
  pair = (await generateKeyPair("ES256", { extractable: true })) as CryptoKeyPair;
  jwks = JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: "one" }] });
});

function token(claims: object = {}, kid = "one"): Promise<string> {
  const own = { iss: ISS, sub: "acme", aud: "https://api.example.com", iat: NOW, exp: NOW + 300, ...claims };
  return new SignJWT(own).setProtectedHeader({ alg: "ES256", kid }).sign(pair.privateKey);
}

async function start(auth: string): Promise<TestEdge> {
  const edge = (await TestEdge.start()).routes({ id: "r", auth });
  edge.world.store.set(`issuer:${ISS}`, JSON.stringify(RECORD));
  edge.world.answering = ({ url }) => (url === RECORD.jwks_uri ? new Response(jwks) : undefined);
  return edge;
}

const bearing = (compact: string, more: Record<string, string> = {}) => ({
  headers: { authorization: `Bearer ${compact}`, ...more },
});

test("a good token is passed on as it came, and signed with the rest", async () => {
  const edge = await start("token");
  const compact = await token();
  expect(await told(edge.ask("/items", bearing(compact)))).toBe("200");
  const sent = edge.world.sent.at(-1);
  expect(sent?.headers.get("authorization")).toBe(`Bearer ${compact}`);
  expect(sent?.headers.get("signature-input")).toContain('"authorization"');
  expect(await told(edge.ask("/items", bearing(compact)))).toBe("200");
  expect(edge.world.sent.filter(({ url }) => url === RECORD.jwks_uri).length).toBe(1);
});

test.each<[string, object, string]>([
  ["401 token_expired", { exp: NOW - 60, iat: NOW - 120 }, "one"],
  ["401 token_audience", { aud: "https://other.example.com" }, "one"],
  ["401 token_issuer_unknown", { iss: "https://nobody.example" }, "one"],
  ["401 token_key_unknown", {}, "two"],
])("is answered %s for %o, and the gateway is not called", async (expected, claims, kid) => {
  const edge = await start("any");
  expect(await told(edge.ask("/items", bearing(await token(claims, kid))))).toBe(expected);
  expect(edge.world.sent.filter(({ url }) => url.includes("execute-api"))).toEqual([]);
});

test("a wrong credential is not rescued by a good one, and each route asks for its own", async () => {
  const [good, bad] = [await token(), await token({ aud: "other" })];
  const withKey = { "x-api-key": KEY };
  const any = await start("any");
  expect(await told(any.ask("/", bearing(good, withKey)))).toBe("200");
  expect(await told(any.ask("/", bearing(bad, withKey)))).toBe("401 token_audience");
  any.world.store.set(`key:${HASH}`, key({ version: 2, status: "revoked" }));
  any.world.time += 31_000;
  expect(await told(any.ask("/", bearing(good, withKey)))).toBe("401 key_revoked");
  const byToken = await start("token");
  expect(await told(byToken.ask("/", { headers: withKey }))).toBe("401 caller_missing");
  const byKey = await start("key");
  expect(await told(byKey.ask("/", bearing(good)))).toBe("401 caller_missing");
  expect(await told(byKey.ask("/", bearing(bad, withKey)))).toBe("200");
  const anonymous = await start("anonymous");
  expect(await told(anonymous.ask("/", { headers: withKey }))).toBe("200");
  expect(anonymous.world.sent.at(-1)?.headers.has("edge-key")).toBe(false);
  expect(anonymous.world.sent.at(-1)?.headers.has("x-api-key")).toBe(false);
});

test("an issuer that fails is our fault, until it has answered once", async () => {
  const edge = await start("token");
  const compact = await token({ exp: NOW + 3_000 });
  const answering = edge.world.answering;
  edge.world.answering = ({ url }) => (url === RECORD.jwks_uri ? new Response(null, { status: 500 }) : undefined);
  expect(await told(edge.ask("/", bearing(compact)))).toBe("503 issuer_unavailable");
  edge.world.answering = answering;
  expect(await told(edge.ask("/", bearing(compact)))).toBe("503 issuer_unavailable");
  edge.world.time += 30_000;
  expect(await told(edge.ask("/", bearing(compact)))).toBe("200");
  edge.world.answering = ({ url }) => (url === RECORD.jwks_uri ? Promise.reject(new Error("down")) : undefined);
  edge.world.time += 700_000;
  expect(await told(edge.ask("/", bearing(compact)))).toBe("200");
});

test("a key set that redirects is none: nobody else is asked for it", async () => {
  const edge = await start("token");
  edge.world.answering = ({ url }) =>
    url === RECORD.jwks_uri
      ? new Response(null, { status: 302, headers: { location: "https://evil.example/" } })
      : undefined;
  expect(await told(edge.ask("/", bearing(await token())))).toBe("503 issuer_unavailable");
  expect(edge.world.sent.map(({ url }) => url)).toEqual([RECORD.jwks_uri]);
});
