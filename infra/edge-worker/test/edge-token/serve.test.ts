import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { base64, utf8 } from "../../src/bytes";
import { configOf } from "../../src/config";
import { signatureBase } from "../../src/signature/base";
import worker from "../../src/worker";
import { bindings, vectorKey } from "../signature/vectors";
import { HASH, KEY, key, told } from "../world/world";
import { issuing, SECRET, SETTINGS } from "./world";

test("a caller's key goes along as it is, in the header that the authorizer looks into", async () => {
  const places = { API_KEY_PLACES: "header,query,body", API_KEY_NAMES: "x-api-key,apikey" };
  const issuer = await issuing(places);
  const form = { "content-type": "application/x-www-form-urlencoded" };
  const requests: [string, RequestInit & { headers?: Record<string, string> }][] = [
    ["/items", { headers: { "x-api-key": KEY } }],
    ["/items", { headers: { "X-Api-Key": KEY, "edge-key": "forged", "edge-token": "forged", signature: "forged" } }],
    ["/items", { headers: { apikey: KEY } }],
    [`/items?a=1&apikey=${KEY}`, {}],
    ["/items", { method: "POST", body: `a=1&apikey=${KEY}`, headers: form }],
  ];
  for (const [target, init] of requests) expect(await told(issuer.edge.ask(target, init)), target).toBe("200");
  for (const { url, headers, body } of issuer.forwarded()) {
    expect(headers.get("x-api-key")).toBe(KEY);
    expect([...headers.keys()].filter((name) => /^(edge-|signature|apikey|content-digest)/.test(name))).toEqual([
      "edge-token",
    ]);
    expect(url + body).not.toContain(KEY);
  }
  expect(issuer.forwarded().length).toBe(requests.length);
});

test("a bearer token goes along, alone or beside a key", async () => {
  const issuer = await issuing();
  issuer.edge.routes({ auth: "key" });
  const authorization = "Bearer of.the.caller";
  expect(await told(issuer.edge.call("/items", { headers: { authorization } }))).toBe("200");
  const [sent] = issuer.forwarded();
  expect([sent?.headers.get("authorization"), sent?.headers.get("x-api-key")]).toEqual([authorization, KEY]);
});

test("what the edge refuses it refuses as ever, and no token is fetched for it", async () => {
  const issuer = await issuing();
  issuer.edge.world.store.set(`key:${HASH}`, key({ status: "revoked" }));
  expect(await told(issuer.edge.call("/items"))).toBe("401 key_revoked");
  expect(await told(issuer.edge.ask("/items"))).toBe("401 caller_missing");
  expect(await told(issuer.edge.ask("/items", { headers: { "x-api-key": "nobody-has-this-one" } }))).toBe(
    "401 key_unknown",
  );
  expect(issuer.edge.world.sent).toEqual([]);
});

test("a key that is none is not sent on, whatever the mode, and nobody but a gateway gets the token", async () => {
  const issuer = await issuing({ API_KEY_PLACES: "query" });
  issuer.edge.routes(
    { id: "site", match: { path: ["/docs"] }, origin: "site", auth: "anonymous" },
    { id: "shadow", mode: "shadow" },
  );
  expect(await told(issuer.edge.ask("/items?x-api-key=a%0D%0Aedge-key:1"))).toBe("401 key_malformed");
  expect(await told(issuer.edge.ask("/docs"))).toBe("200");
  expect(issuer.edge.world.sent.map(({ url, headers }) => [url, headers.has("edge-token")])).toEqual([
    ["https://site.example/docs", false],
  ]);
});

test("bodies are streamed: there is no digest to wait for", async () => {
  const issuer = await issuing();
  let sent = 0;
  const body = new ReadableStream({
    pull(controller) {
      if (sent++ === 64) controller.close();
      else controller.enqueue(new Uint8Array(1_024));
    },
  });
  expect(await told(issuer.edge.call("/items", { method: "POST", body }))).toBe("200");
  expect(issuer.forwarded()[0]?.body.length).toBe(65_536);
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  // Only the origin's connection sees that it ends early.
  expect(await told(issuer.edge.call("/items", { method: "POST", body: broken }))).toBe("502 origin_unreachable");
});

test("the token's room is the request's", async () => {
  const issuer = await issuing();
  expect(await told(issuer.edge.call(`/?${"q".repeat(8_000)}`))).toBe("200");
  expect(await told(issuer.edge.call(`/?${"q".repeat(9_300)}`))).toBe("414 url_too_long");
});

test("neither token nor secret is in any line, reply or key of the cache", async () => {
  const issuer = await issuing({ LOGS: "all" });
  issuer.edge.routes({ match: { path: ["/public"] }, auth: "anonymous", cache: { ttl: 60 } });
  const replies: string[] = [];
  for (const target of ["/items", "/public", "/public", "/.countersign/keys/1"]) {
    const reply = await issuer.edge.call(target, target === "/public" ? { headers: { "x-api-key": "" } } : {});
    replies.push(JSON.stringify([...reply.headers]) + (await reply.text()));
  }
  issuer.answering = () => Response.json({ error: "invalid_client", error_description: SECRET }, { status: 401 });
  issuer.edge.world.time += 300_000;
  const failed = await issuer.edge.call("/items");
  replies.push(JSON.stringify([...failed.headers]) + (await failed.text()));
  const token = issuer.forwarded()[0]?.headers.get("edge-token") ?? "no token";
  const told = [...replies, ...issuer.edge.world.lines, ...issuer.edge.world.cacheStore.keys()].join("\n");
  expect(told).toContain("edge_token_unavailable");
  for (const part of [...token.split("."), SECRET, encodeURIComponent(SECRET), btoa(SECRET).slice(4, -4)])
    expect(told).not.toContain(part);
  expect(JSON.parse(issuer.edge.world.lines[0] ?? "")).not.toHaveProperty("edge_keyid");
});

test.each<[string, object]>([
  ["EDGE_PROOF is none of signature, token", { EDGE_PROOF: "both" }],
  [
    "EDGE_TOKEN_URL is not the https address of a token endpoint: EDGE_PROOF=token fetches tokens there",
    { EDGE_TOKEN_URL: undefined },
  ],
  [
    "EDGE_TOKEN_URL is not the https address of a token endpoint: EDGE_PROOF=token fetches tokens there",
    { EDGE_TOKEN_URL: "http://login.example/token" },
  ],
  [
    "EDGE_TOKEN_URL is not the https address of a token endpoint: EDGE_PROOF=token fetches tokens there",
    { EDGE_TOKEN_URL: "https://a:b@login.example/token" },
  ],
  [
    "EDGE_TOKEN_URL is not the https address of a token endpoint: EDGE_PROOF=token fetches tokens there",
    { EDGE_TOKEN_URL: "https://login.example/#token" },
  ],
  ["EDGE_TOKEN_CLIENT_ID is missing: EDGE_PROOF=token needs it", { EDGE_TOKEN_CLIENT_ID: "" }],
  [
    "EDGE_TOKEN_CLIENT_SECRET is missing: put it in place by `wrangler secret put`",
    { EDGE_TOKEN_CLIENT_SECRET: undefined },
  ],
  ["DOORS is on, and a token opens none: set it to off, or EDGE_PROOF to signature", { DOORS: "on" }],
  [
    "ORIGINS has a gateway without https: what proves the edge would be there for everybody on the way",
    { ORIGINS: '{"api":{"url":"http://api.example","kind":"gateway"}}' },
  ],
])("%s", (problem, settings) => {
  const ORIGINS = '{"api":{"url":"https://api.example","kind":"gateway"}}';
  const usual = { HOSTS: "api.example.com", ORIGINS, ...SETTINGS };
  expect(configOf({ ...usual, ...settings })).toEqual({ ok: false, problems: [problem] });
  expect(configOf(usual).ok).toBe(true);
  // What is set for tokens may stay where signatures are the proof again.
  expect(configOf({ ...usual, EDGE_PROOF: "signature", DOORS: "on", EDGE_TOKEN_URL: "none" }).ok).toBe(true);
});

test("beside keys that are still there a token is the only proof: the probe knows none of them", async () => {
  const settings = { ...env, ...SETTINGS, ...(await bindings("hmac-sha256")) };
  const ask = async (proof: string) => {
    const request = new Request("https://api.example.com/.countersign/probe", await question());
    return worker.fetch(request as never, { ...settings, EDGE_PROOF: proof } as never, createExecutionContext());
  };
  expect((await ask("token")).status).toBe(401);
  // The slot is empty: what the question itself is worth is known by then.
  expect((await ask("signature")).status).toBe(409);
});

/** As key-sync asks, with a key that the edge has. */
async function question() {
  const active = await vectorKey("hmac-sha256");
  const created = Math.floor(Date.now() / 1_000);
  const slot = 'slot="standby"';
  const times = `created=${created};expires=${created + 30}`;
  const named = `keyid="${active.keyid}";alg="hmac-sha256";nonce="0123456789abcdef";tag="countersign-probe"`;
  const params = `("@method" "@authority" "@path" "edge-probe");${times};${named}`;
  const lines = {
    "@method": "POST",
    "@authority": "api.example.com",
    "@path": "/.countersign/probe",
    "edge-probe": slot,
  };
  const signature = base64(await active.sign(utf8(signatureBase(Object.entries(lines), params))));
  const headers = { "edge-probe": slot, "signature-input": `probe=${params}`, signature: `probe=:${signature}:` };
  return { method: "POST", headers: { ...headers, "cf-connecting-ip": "203.0.113.7" } };
}
