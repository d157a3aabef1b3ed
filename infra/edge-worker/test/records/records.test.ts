import { expect, test } from "vitest";
import issuerSchema from "../../../../tests/schemas/issuer.json";
import keySchema from "../../../../tests/schemas/key.json";
import routesSchema from "../../../../tests/schemas/routes.json";
import { address } from "../../src/address";
import { issuerRecord } from "../../src/records/issuer";
import { keyRecord, refusalOf } from "../../src/records/key";
import { routes } from "../../src/records/routes";

const NOW = 1_800_000_000;

/** Every member that the schema has, so that none is forgotten here. */
const KEY = {
  version: 1,
  key_id: "kid_1",
  principal: "acme",
  name: "a name",
  status: "active",
  until: NOW,
  grants: ["GET /items"],
  cidrs: ["203.0.113.0/24"],
  rate_limit: "gold",
  expires_at: NOW + 60,
};
const ISSUER = {
  version: 1,
  audiences: ["a"],
  algorithms: ["ES256"],
  jwks_uri: "https://k.example/",
  grants: [{ any: true, allow: ["GET /"] }],
  required_claims: { tenant: "acme", level: 1, admin: true },
  token_types: ["JWT"],
  edge: true,
  max_age: 300,
};
const ROUTE = {
  id: "r",
  version: 1,
  match: { method: ["GET"], host: ["a.example"], path: ["/a/*"], cidrs: ["10.0.0.0/8"], countries: ["GB"] },
  origin: "api",
  auth: "any",
  mode: "shadow",
  cache: { ttl: 60, query: ["q"], headers: ["accept"], bypass: ["cookie"] },
  headers: { set: { "x-a": "b" }, remove: ["x-c"], require: ["x-d"] },
  allow_cidrs: ["10.0.0.0/8"],
  deny_cidrs: ["10.0.0.1/32"],
  rate_limit: "gold",
  cors: {
    origins: ["https://a.example"],
    methods: ["GET"],
    headers: ["x"],
    expose: ["y"],
    credentials: true,
    max_age: 60,
  },
  priority: -1,
  starts_at: 1,
  ends_at: 2,
};

const read = {
  key: (change: object = {}) => keyRecord(JSON.stringify({ ...KEY, ...change })),
  issuer: (change: object = {}) => issuerRecord(JSON.stringify({ ...ISSUER, ...change })),
  routes: (change: object = {}) => routes(JSON.stringify({ version: 1, routes: [{ ...ROUTE, ...change }] })),
};

test("each member of the schemas is read", () => {
  expect(Object.keys(KEY).sort()).toEqual(Object.keys(keySchema.$defs.usable.properties).sort());
  expect(Object.keys(ISSUER).sort()).toEqual(Object.keys(issuerSchema.properties).sort());
  const { properties } = routesSchema.$defs.route;
  expect(Object.keys(ROUTE).sort()).toEqual(Object.keys(properties).sort());
  for (const part of ["match", "cache", "headers", "cors"] as const) {
    expect(Object.keys(ROUTE[part]).sort()).toEqual(Object.keys(properties[part].properties).sort());
  }
  expect(read.key()).toMatchObject({
    keyId: "kid_1",
    principal: "acme",
    until: NOW,
    expiresAt: NOW + 60,
    rateLimit: "gold",
  });
  expect(read.issuer()).toMatchObject({
    edge: true,
    maxAge: 300,
    requiredClaims: [
      ["tenant", "acme"],
      ["level", 1],
      ["admin", true],
    ],
  });
  expect(read.routes()?.routes[0]).toMatchObject({
    match: { host: ["a.example"] },
    cache: { ttl: 60, query: ["q"] },
    headers: { set: [["x-a", "b"]], remove: ["x-c"], require: ["x-d"] },
    cors: { credentials: true, maxAge: 60 },
    startsAt: 1,
    endsAt: 2,
  });
});

test("a tombstone needs no more than its name", () => {
  expect(keyRecord('{"version":1,"key_id":"k","status":"revoked"}')).toMatchObject({ status: "revoked" });
});

test("what is not what the schema says is nothing", () => {
  for (const text of ["", "null", "[]", "1", '"x"', "{", "{}", "\u0000", `${"[".repeat(10_000)}`]) {
    expect([keyRecord(text), issuerRecord(text), routes(text)], text).toEqual([undefined, undefined, undefined]);
  }
  for (const change of [
    { version: "1" },
    { version: -1 },
    { version: 1.5 },
    { status: "paused" },
    { status: null },
    { key_id: "" },
    { key_id: 1 },
    { principal: null },
    { cidrs: [] },
    { cidrs: ["10.0.0.0/33"] },
    { cidrs: "10.0.0.0/8" },
    { expires_at: "tomorrow" },
    { until: null },
  ]) {
    expect(read.key(change), JSON.stringify(change)).toBeUndefined();
  }
  for (const change of [
    { audiences: [] },
    { algorithms: ["HS256"] },
    { algorithms: ["none"] },
    { algorithms: [] },
    { token_types: [] },
    { jwks_uri: "http://k.example/" },
    { jwks_uri: "javascript:1" },
    { required_claims: { a: null } },
    { required_claims: { a: [] } },
    { edge: "true" },
  ]) {
    expect(read.issuer(change), JSON.stringify(change)).toBeUndefined();
  }
  for (const change of [
    { match: undefined },
    { match: { hosts: ["a"] } },
    { match: { method: [] } },
    { mode: "maybe" },
    { auth: "none" },
    { headers: { set: { "edge-key": "x" } } },
    { headers: { set: { edge_key: "x" } } },
    { headers: { remove: ["signature-input"] } },
    { headers: { set: { authorization: "x" } } },
    { headers: { set: { host: "x" } } },
    { headers: { set: { "x-a": "b\n" } } },
    { headers: { set: { "X-A": "b" } } },
    { cors: { origins: ["*"], credentials: true } },
    { cache: { ttl: 0 } },
    { cache: { ttl: 1, bypass: ["a b"] } },
    { cache: { ttl: 1, headers: ["\u00e9"] } },
    { cors: { origins: ["*"], credentials: false, expose: ["x\ny"] } },
    { cors: { origins: ["a b"], credentials: false } },
    { priority: 1.5 },
    { allow_cidrs: [] },
    { deny_cidrs: ["nowhere"] },
    { newer: 1 },
  ]) {
    expect(read.routes(change), JSON.stringify(change)).toBeUndefined();
  }
});

test("a key may be used now and from here, or there is a reason why not", () => {
  const from = (text: string) => address(text);
  const judged = (change: object, client = "203.0.113.9", now = NOW * 1_000) => {
    const key = read.key(change);
    if (key === undefined) throw new Error("a key");
    return refusalOf(key, from(client), now);
  };
  expect(judged({})).toBeUndefined();
  expect(judged({ status: "disabled" })).toBe("key_disabled");
  expect(judged({ status: "revoked" })).toBe("key_revoked");
  expect(judged({ status: "suspended" }, undefined, NOW * 1_000 - 1)).toBe("key_suspended");
  expect(judged({ status: "suspended" })).toBeUndefined();
  expect(judged({ status: "suspended", until: undefined })).toBe("key_suspended");
  expect(judged({}, undefined, (NOW + 60) * 1_000)).toBe("key_expired");
  expect(judged({}, undefined, (NOW + 60) * 1_000 - 1)).toBeUndefined();
  expect(judged({}, "203.0.114.9")).toBe("key_address");
  expect(judged({}, "nowhere")).toBe("key_address");
  expect(judged({}, "::ffff:203.0.113.9")).toBeUndefined();
  expect(judged({ cidrs: undefined }, "nowhere")).toBeUndefined();
});
