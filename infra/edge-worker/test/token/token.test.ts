import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, expect, test } from "vitest";
import { base64url, utf8 } from "../../src/bytes";
import { type IssuerRecord, issuerRecord } from "../../src/records/issuer";
import { KeySets, keySet } from "../../src/token/key-sets";
import { readToken } from "../../src/token/read";
import { verify } from "../../src/token/verify";

const NOW = 1_800_000_000;
const ISS = "https://login.example/";
const ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"] as const;

const pairs = new Map<string, CryptoKeyPair>();
let jwks = "";

beforeAll(async () => {
  const keys = [];
  for (const alg of ALGORITHMS) {
    const pair = (await generateKeyPair(alg, { extractable: true })) as CryptoKeyPair;
    pairs.set(alg, pair);
    keys.push({ ...(await exportJWK(pair.publicKey)), kid: alg, alg });
  }
  jwks = JSON.stringify({ keys });
});

const RECORD = {
  version: 1,
  audiences: ["https://api.example.com"],
  algorithms: ["RS256", "ES256", "EdDSA"],
  grants: [],
  token_types: ["at+jwt", "JWT"],
};
const CLAIMS = { iss: ISS, sub: "acme", aud: "https://api.example.com", exp: NOW + 300, iat: NOW };

function record(changes: object = {}): IssuerRecord {
  const read = issuerRecord(JSON.stringify({ ...RECORD, ...changes }));
  if (read === undefined) throw new Error("a record");
  return read;
}

function token(claims: object, header: object = {}, alg = "ES256"): Promise<string> {
  const key = pairs.get(alg)?.privateKey;
  if (key === undefined) throw new Error(alg);
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg, kid: alg, ...header }).sign(key);
}

async function judged(compact: string, changes: object = {}, now = NOW * 1_000) {
  const read = readToken(compact);
  if (!read.ok) return read.reason;
  const keys = keySet(jwks, 0);
  if (keys === undefined) throw new Error("a key set");
  const verified = await verify(read.value, record(changes), keys, now);
  return verified.ok ? verified.value : verified.reason;
}

test.each(["RS256", "ES256", "EdDSA"])("a good token holds: %s", async (alg) => {
  expect(await judged(await token({}, {}, alg))).toEqual({ issuer: ISS, subject: "acme" });
});

test.each<[string, object, object, object]>([
  ["token_audience", { aud: "https://other.example.com" }, {}, {}],
  ["token_claims", { aud: 1 }, {}, {}],
  ["token_claims", { aud: undefined }, {}, {}],
  ["token_claims", { exp: undefined }, {}, {}],
  ["token_claims", { exp: "1800000300" }, {}, {}],
  ["token_claims", { exp: NOW + 0.5 }, {}, {}],
  ["token_claims", { sub: undefined }, {}, {}],
  ["token_claims", { sub: "a\nb" }, {}, {}],
  ["token_claims", { sub: "" }, {}, {}],
  ["token_claims", { nbf: "now" }, {}, {}],
  ["token_claims", { iss: 1 }, {}, {}],
  ["token_issuer_unknown", { iss: "" }, {}, {}],
  ["token_expired", { exp: NOW - 5, iat: NOW - 60 }, {}, {}],
  ["token_future", { nbf: NOW + 6 }, {}, {}],
  ["token_future", { iat: NOW + 6 }, {}, {}],
  ["token_lifetime", { exp: NOW + 86_401 }, {}, {}],
  ["token_lifetime", { iat: undefined, exp: NOW + 86_401 }, {}, {}],
  ["token_lifetime", { iat: NOW + 4, exp: NOW + 4 }, {}, {}],
  ["token_lifetime", {}, {}, { max_age: 299 }],
  ["token_type", {}, { typ: "id+jwt" }, {}],
  ["token_type", {}, {}, { token_types: ["at+jwt"] }],
  ["token_algorithm", {}, {}, { algorithms: ["RS256"] }],
  ["token_key_unknown", {}, { kid: "another" }, {}],
  ["token_key_unknown", {}, { kid: "x".repeat(257) }, {}],
  ["token_required_claim", {}, {}, { required_claims: { tenant: "acme" } }],
  ["token_required_claim", { tenant: "1" }, {}, { required_claims: { tenant: 1 } }],
  ["edge_token_issuer", {}, {}, { edge: true }],
])("is refused with %s: %o %o %o", async (reason, claims, header, changes) => {
  expect(await judged(await token(claims, header), changes)).toBe(reason);
});

test.each<[object, object, object]>([
  [{ exp: NOW - 4, iat: NOW - 60 }, {}, {}],
  [{ nbf: NOW + 5, iat: NOW + 5 }, {}, {}],
  [{ aud: ["https://other.example.com", "https://api.example.com"] }, {}, {}],
  [{}, { typ: "application/AT+JWT" }, { token_types: ["at+jwt"] }],
  [{}, {}, { max_age: 300 }],
  [{ tenant: ["other", "acme"] }, {}, { required_claims: { tenant: "acme" } }],
  [{ admin: true, level: 3 }, {}, { required_claims: { admin: true, level: 3 } }],
])("holds: %o %o %o", async (claims, header, changes) => {
  expect(await judged(await token(claims, header), changes)).toEqual({ issuer: ISS, subject: "acme" });
});

test("no bit of a token is idle", async () => {
  const good = await token({});
  for (let at = 0; at < good.length; at += 7) {
    const other = good[at] === "A" ? "B" : "A";
    expect(await judged(good.slice(0, at) + other + good.slice(at + 1)), `${at}`).toBeTypeOf("string");
  }
});

const part = (value: unknown) => base64url(utf8(typeof value === "string" ? value : JSON.stringify(value)));

test.each([
  ["token_malformed", "a.b"],
  ["token_malformed", "a.b.c.d"],
  ["token_malformed", `${part({ alg: "none" })}.${part("[]")}.`],
  ["token_malformed", `${part([])}.${part(CLAIMS)}.AAAA`],
  ["token_malformed", `${part('{"alg":"ES256","alg":"RS256"}')}.${part(CLAIMS)}.AAAA`],
  ["token_malformed", `${part({ alg: "ES256" })}.${part('{"iss":"a","iss":"b"}')}.AAAA`],
  ["token_malformed", `${part({ alg: "ES256" })}=.${part(CLAIMS)}.AAAA`],
  ["token_algorithm", `${part({ alg: "none" })}.${part(CLAIMS)}.`],
  ["token_algorithm", `${part({ alg: "HS256" })}.${part(CLAIMS)}.AAAA`],
  ["token_header", `${part({ alg: "ES256", crit: ["x"] })}.${part(CLAIMS)}.AAAA`],
  ["token_header", `${part({ alg: "ES256", jwk: {} })}.${part(CLAIMS)}.AAAA`],
  ["token_header", `${part({ alg: "ES256", b64: false })}.${part(CLAIMS)}.AAAA`],
  ["token_key_unknown", `${part({ alg: "ES256", kid: "ES256x" })}.${part(CLAIMS)}.AAAA`],
  ["token_signature", `${part({ alg: "ES256", kid: "ES256" })}.${part(CLAIMS)}.${part("x".repeat(64))}`],
])("is refused with %s: %s", async (reason, compact) => {
  expect(await judged(compact)).toBe(reason);
});

test("a key set is judged before it replaces another", async () => {
  const { keys } = JSON.parse(jwks);
  const oct = { kty: "oct", k: "AAAA", kid: "secret" };
  const secret = { ...(await exportJWK(pairs.get("ES256")?.privateKey as CryptoKey)), kid: "private" };
  expect(keySet(JSON.stringify({ keys: [oct, secret, { ...keys[0], use: "enc" }, null, 1] }), 0)).toBeUndefined();
  for (const body of [
    "",
    "{}",
    "[]",
    '{"keys":{}}',
    '{"keys":[]}',
    JSON.stringify({ keys: Array(101).fill(keys[0]) }),
  ]) {
    expect(keySet(body, 0), body.slice(0, 20)).toBeUndefined();
  }
  expect(keySet(JSON.stringify({ keys: [keys[0], keys[1], keys[1]] }), 0)?.kids).toEqual(new Set(["RS256"]));
});

test("of an issuer that cannot be asked nobody knows whether it has a key of this name", async () => {
  const sets = new KeySets();
  let answer: string | undefined = jwks;
  const sources = { fetch: async () => answer, keep: () => {}, wait: <T>(shared: Promise<T>) => shared };
  const own = record({ jwks_uri: "https://k.example/" });
  const find = (now: number, kid: string) => sets.find(ISS, own, kid, now, sources);
  expect(await find(0, "RS256")).toMatchObject({ kind: "record", kept: false });
  expect(await find(1_000, "new")).toMatchObject({ kind: "record" });
  answer = undefined;
  expect(await find(60_000, "new")).toEqual({ kind: "failed" });
  answer = jwks;
  expect(await find(61_000, "new")).toEqual({ kind: "failed" });
  expect(await find(90_001, "new")).toMatchObject({ kind: "record", kept: false });
});

test("a key that vanishes is used until a second fetch says so too", async () => {
  const sets = new KeySets();
  let answer = jwks;
  const sources = { fetch: async () => answer, keep: () => {}, wait: <T>(shared: Promise<T>) => shared };
  const own = record({ jwks_uri: "https://k.example/" });
  const kids = async (now: number) => {
    const found = await sets.find(ISS, own, undefined, now, sources);
    return found.kind === "record" && found.record.kids.has("RS256");
  };
  expect(await kids(0)).toBe(true);
  const without = JSON.parse(jwks) as { keys: { kid: string }[] };
  answer = JSON.stringify({ keys: without.keys.filter(({ kid }) => kid !== "RS256") });
  expect(await kids(600_000)).toBe(true);
  expect(await kids(1_200_000)).toBe(false);
});

test("a set is fetched once, again for a name that it lacks but not often, and kept while its issuer fails", async () => {
  const sets = new KeySets();
  const fetched: string[] = [];
  let answer: string | undefined = jwks;
  const sources = {
    fetch: async (address: string) => {
      fetched.push(address);
      return address.endsWith("openid-configuration")
        ? JSON.stringify({ issuer: ISS, jwks_uri: "https://k.example/" })
        : answer;
    },
    keep: () => {},
    wait: <T>(shared: Promise<T>) => shared,
  };
  const find = (now: number, kid?: string) => sets.find(ISS, record(), kid, now, sources);
  expect(await find(0, "RS256")).toMatchObject({ kind: "record" });
  expect(fetched).toEqual(["https://login.example/.well-known/openid-configuration", "https://k.example/"]);
  await find(29_999, "unknown");
  expect(fetched.length).toBe(2);
  await find(30_000, "unknown");
  await find(30_001, "unknown");
  expect(fetched.length).toBe(4);
  for (const failure of [undefined, '{"keys":[]}', "<html>"]) {
    answer = failure;
    expect(await find(700_000, "RS256")).toMatchObject({ kind: "record", kept: true });
  }
  expect(fetched.length).toBe(6);
  expect(await find(25 * 3_600_000, "RS256")).toEqual({ kind: "failed" });
  const other = record({ version: 2, jwks_uri: "https://other.example/keys" });
  answer = jwks;
  expect(await sets.find(ISS, other, undefined, 0, sources)).toMatchObject({ kind: "record" });
  expect(fetched.at(-1)).toBe("https://other.example/keys");
});
