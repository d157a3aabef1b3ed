import { expect, test } from "vitest";
import { Journal } from "../src/journal";
import { HASH, KEY, key, TestEdge, told } from "./world/world";

test("a known caller's request is signed and sent on, without the key", async () => {
  const edge = await TestEdge.start();
  const answer = await edge.call("/items/a%20b?x=1&y", {
    headers: { accept: "application/json", "edge-key": "forged" },
  });
  expect(answer.status).toBe(200);
  const [sent] = edge.world.sent;
  expect(sent?.url).toBe("https://abc.execute-api.eu-west-1.amazonaws.com/prod/items/a%20b?x=1&y");
  expect(sent?.headers.get("edge-key")).toBe(HASH);
  expect(sent?.headers.get("accept")).toBe("application/json");
  expect(sent?.headers.has("x-api-key")).toBe(false);
  expect(sent?.headers.get("edge-client")).toBe(
    'ip="203.0.113.7", ray="8f2c-LHR", country="GB", host="api.example.com"',
  );
  expect(JSON.stringify([...(sent?.headers ?? [])])).not.toContain(KEY);
});

test.each<[string, string, object]>([
  ["401 caller_missing", "/", {}],
  ["401 key_malformed", "/", { "x-api-key": "short" }],
  ["401 key_unknown", "/", { "x-api-key": "nobody-has-this-one" }],
  ["401 credentials_ambiguous", "/", { "x-api-key": `${KEY}, ${KEY}` }],
  ["401 authorization_scheme", "/", { "x-api-key": KEY, authorization: "Basic dXNlcjpwYXNz" }],
  ["401 token_malformed", "/", { "x-api-key": KEY, authorization: "Bearer a.b.c" }],
  ["400 path_hostile", "/users/$count", { "x-api-key": KEY }],
  ["404 inside_path", "/.countersign/keys", { "x-api-key": KEY }],
  ["404 inside_path", "/.countersign/probe", { "x-api-key": KEY }],
  ["431 headers_too_large", "/", { "x-api-key": KEY, "x-long": "x".repeat(9_500) }],
  ["414 url_too_long", `/?${"q".repeat(5_000)}`, { "x-api-key": KEY }],
])("is answered %s: %s", async (expected, target, headers) => {
  const edge = await TestEdge.start();
  edge.world.answering = ({ url }) =>
    url.includes("/.countersign/keys/") ? Response.json({ code: "inside_key_unknown" }, { status: 404 }) : undefined;
  expect(await told(edge.ask(target, { headers: headers as Record<string, string> }))).toBe(expected);
  expect(edge.world.sent.filter(({ url }) => !url.includes("/.countersign/"))).toEqual([]);
});

test.each([
  [{ status: "revoked" }, "401 key_revoked"],
  [{ status: "disabled" }, "401 key_disabled"],
  [{ status: "suspended" }, "401 key_suspended"],
  [{ expires_at: 1 }, "401 key_expired"],
  [{ cidrs: ["10.0.0.0/8"] }, "403 key_address"],
])("a key that may not be used never leaves the edge: %o", async (change, expected) => {
  const edge = await TestEdge.start();
  edge.world.store.set(`key:${HASH}`, key(change));
  expect(await told(edge.call("/items"))).toBe(expected);
  expect(edge.world.sent).toEqual([]);
});

test("a body is signed by its digest, or streamed and said to be", async () => {
  const edge = await TestEdge.start({ DIGEST_LIMIT: "100" });
  await edge.call("/items", { method: "POST", body: "x".repeat(100) });
  await edge.call("/items", { method: "POST", body: "x".repeat(101) });
  const stream = new ReadableStream({
    start(controller) {
      for (let n = 0; n < 30; n++) controller.enqueue(new TextEncoder().encode(`chunk ${n};`));
      controller.close();
    },
  });
  await edge.call("/items", { method: "PUT", body: stream });
  await edge.call("/items", { method: "POST", body: "", headers: { "content-digest": "sha-256=:AAAA:" } });
  const [whole, longer, streamed, empty] = edge.world.sent;
  expect(whole?.headers.get("content-digest")).toMatch(/^sha-256=:.{44}:$/);
  expect([longer, streamed, empty].map((sent) => sent?.headers.has("content-digest"))).toEqual([false, false, false]);
  expect([whole?.body.length, longer?.body.length, empty?.body]).toEqual([100, 101, ""]);
  expect(streamed?.body).toBe(Array.from({ length: 30 }, (_, n) => `chunk ${n};`).join(""));
});

test("beside a kilobyte of the client's own headers a URL may be as long as the README says", async () => {
  const edge = await TestEdge.start();
  const headers = { "x-own": "x".repeat(1_000) };
  expect(await told(edge.call(`/?${"q".repeat(3_900)}`, { headers }))).toBe("200");
  expect(await told(edge.call(`/?${"q".repeat(4_200)}`, { headers }))).toBe("414 url_too_long");
});

test("routes choose the origin, and change without a deployment", async () => {
  const edge = (await TestEdge.start()).routes({
    id: "site",
    match: { path: ["/docs/*"] },
    origin: "site",
    auth: "anonymous",
  });
  expect(await told(edge.ask("/docs/a"))).toBe("200");
  expect(edge.world.sent.at(-1)?.url).toBe("https://site.example/docs/a");
  expect(edge.world.sent.at(-1)?.headers.has("signature")).toBe(false);
  edge.routes({ id: "site", match: { path: ["/docs/*"] }, origin: "nowhere" });
  expect(await told(edge.ask("/docs/a"))).toBe("200");
  edge.world.time += 10_000;
  expect(await told(edge.ask("/docs/a"))).toBe("500 origin_unlisted");
});

test("a route's rules are judged, and its headers are set", async () => {
  const rules = { set: { "x-team": "blue" }, remove: ["x-secret"], require: ["x-version"] };
  const edge = (await TestEdge.start()).routes({ headers: rules, deny_cidrs: ["198.51.100.0/24"] });
  expect(await told(edge.call("/"))).toBe("400 header_missing");
  const headers = { "x-version": "1", "x-secret": "s", "x-team": "red" };
  expect(await told(edge.call("/", { headers: { ...headers, "cf-connecting-ip": "198.51.100.9" } }))).toBe(
    "403 address_refused",
  );
  expect(await told(edge.call("/", { headers }))).toBe("200");
  expect(edge.world.sent.at(-1)?.headers.get("x-team")).toBe("blue");
  expect(edge.world.sent.at(-1)?.headers.has("x-secret")).toBe(false);
});

test("shadow judges, tells, and lets through; off does not judge", async () => {
  const edge = (await TestEdge.start()).routes(
    { id: "shadow", match: { path: ["/shadow"] }, mode: "shadow", origin: "site" },
    { id: "off", match: { path: ["/off"] }, mode: "off", origin: "site" },
    { id: "signed", match: { path: ["/signed"] }, mode: "shadow", origin: "api" },
  );
  const lines: string[] = [];
  edge.journal.add = (line) => void lines.push(line ?? "");
  const unknown = { headers: { "x-api-key": "nobody-has-this-one" } };
  expect(await told(edge.ask("/shadow", unknown))).toBe("200");
  expect(edge.world.sent.at(-1)?.headers.get("x-api-key")).toBe("nobody-has-this-one");
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    outcome: "allow",
    shadow: "keys_unavailable",
    table_route: "shadow",
  });
  expect(await told(edge.ask("/shadow"))).toBe("200");
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({ shadow: "caller_missing" });
  const reads = edge.world.read.length;
  expect(await told(edge.ask("/off", unknown))).toBe("200");
  expect(edge.world.read.length).toBe(reads);
  expect(await told(edge.call("/signed"))).toBe("200");
  expect(edge.world.sent.at(-1)?.headers.has("x-api-key")).toBe(false);
  expect(await told(edge.ask("/shadow/*", unknown))).toBe("400 path_hostile");
});

test("no line has a credential, a query or a header of the client's in it", async () => {
  const edge = await TestEdge.start({ LOGS: "all" });
  const lines: (string | undefined)[] = [];
  edge.journal.add = (line) => void lines.push(line);
  await edge.call("/items?token=query-secret", {
    headers: { authorization: "Bearer bearer-secret", "x-other": "header-secret" },
  });
  await edge.call("/items?token=query-secret");
  expect(lines.length).toBe(2);
  for (const line of lines)
    expect(line).not.toMatch(/query-secret|bearer-secret|header-secret|reader-key|bd41bf19|items/);
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({
    edge: "worker",
    outcome: "allow",
    ray: "8f2c-LHR",
    request_id: "r1",
    key_id: "kid_1",
    principal: "acme",
    edge_keyid: "test-shared-secret",
  });
});

test("lines leave in batches through the inside door, the first of few after a while", async () => {
  const edge = await TestEdge.start();
  edge.world.answering = ({ url }) => (url.endsWith("/logs") ? Response.json({ written: 1 }) : undefined);
  const batches = () => edge.world.sent.filter(({ url }) => url.endsWith("/prod/.countersign/logs"));
  await edge.call("/a");
  await edge.call("/b");
  expect([batches().length, edge.world.resting.length]).toEqual([0, 1]);
  edge.world.resting[0]?.();
  await Promise.all(edge.world.kept);
  expect(
    batches()[0]
      ?.body.split("\n")
      .map((line) => JSON.parse(line).status),
  ).toEqual([200, 200]);
  expect(batches()[0]?.headers.get("content-type")).toBe("application/x-ndjson");
  edge.world.kept.length = 0;
  edge.world.time += 5_000;
  for (let n = 0; n < 100; n++) await edge.ask("/");
  edge.world.resting.pop()?.();
  await Promise.all(edge.world.kept);
  expect(batches()[1]?.body.split("\n").length).toBe(100);
  expect(batches().length).toBe(2);
});

test("however many lines there are, one batch leaves in a second, and what it has no room for is counted", async () => {
  const edge = await TestEdge.start();
  const batches = () => edge.world.sent.filter(({ url }) => url.endsWith("/prod/.countersign/logs"));
  for (let n = 0; n < 3_000; n++) {
    await edge.ask("/");
    edge.world.time += 1;
  }
  // Signing takes a turn of its own.
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(batches().length).toBe(3);
  expect(batches()[1]?.body).toContain('{"edge":"worker","dropped":');
});

test("a client that is refused is told the name of the line that says why", async () => {
  const edge = await TestEdge.start({ DOORS: "off", REPLIES: "kong-3.7" });
  const answer = await edge.ask("/items");
  const id = answer.headers.get("x-kong-request-id");
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).toMatchObject({ code: "caller_missing", request_id: id });
  await edge.ask("/.countersign/probe", { method: "POST" });
  expect(JSON.parse(edge.world.lines.at(-1) ?? "")).toMatchObject({ code: "probe", outcome: "refuse", status: 401 });
});

test("why a credential does not hold is the operator's to know, and not the client's", async () => {
  const edge = await TestEdge.start();
  edge.world.answering = () => Response.json({ code: "inside_key_unknown" }, { status: 404 });
  const bodies = new Set<string>();
  for (const change of [{ status: "revoked" }, { status: "suspended" }, { expires_at: 1 }, undefined]) {
    edge.world.store.set(`key:${HASH}`, key(change));
    if (change === undefined) edge.world.store.delete(`key:${HASH}`);
    edge.world.time += 3 * 3_600_000;
    const answer = await edge.call("/items");
    bodies.add((await answer.text()).replace(/"request_id":"\w+"/, ""));
    expect(answer.headers.get("www-authenticate")).toBe("Key, Bearer");
  }
  expect([...bodies]).toEqual(['{"message":"Unauthorized","code":"unauthorized",}']);
});

test("what only a gateway minds does not keep a request from a public origin", async () => {
  const edge = (await TestEdge.start()).routes({ origin: "site", mode: "off" });
  for (const [target, init] of [
    ["/odata/$metadata", {}],
    [`/?${"q".repeat(6_000)}`, {}],
    [`/?${"a&".repeat(300)}`, {}],
    ["/", { method: "PROPFIND" }],
    ["/", { headers: { cookie: "c".repeat(12_000) } }],
  ] as [string, RequestInit & { headers?: Record<string, string> }][]) {
    expect(await told(edge.call(target, init)), target.slice(0, 20)).toBe("200");
  }
  expect(await told(edge.call("/a/%252e%252e/b"))).toBe("400 path_hostile");
});

test("an origin's last word has a status that is one", async () => {
  const edge = await TestEdge.start();
  for (const status of [100, 103, 600, 999]) {
    edge.world.answering = () => Object.defineProperty(new Response("x"), "status", { value: status });
    expect(await told(edge.call("/items"))).toBe("502 origin_unreachable");
  }
  await edge.call("/items", { headers: { expect: "100-continue" } });
  expect(edge.world.sent.at(-1)?.headers.has("expect")).toBe(false);
});

test("a preflight that no route answers is an OPTIONS like any other", async () => {
  const edge = (await TestEdge.start()).routes(
    { id: "options", match: { method: ["OPTIONS"] }, deny_cidrs: ["203.0.113.0/24"] },
    { id: "get", match: { method: ["GET"] } },
  );
  const headers = { origin: "https://app.example.com", "access-control-request-method": "GET" };
  expect(await told(edge.call("/", { method: "OPTIONS", headers }))).toBe("403 address_refused");
});

test("what is not sent in time is forgotten, and counted", async () => {
  const journal = new Journal();
  for (let n = 0; n < 600; n++) journal.add("{}", 0);
  journal.add(undefined, 0);
  expect(journal.dropped).toBe(102);
  const sent: (readonly string[])[] = [];
  await journal.flush(0, async (lines) => sent.push(lines) > 1);
  expect(sent[0]?.length).toBe(500);
  expect(sent[0]?.at(-1)).toBe('{"edge":"worker","dropped":102}');
  expect(journal.dropped).toBe(601);
  for (let n = 0; n < 40; n++) journal.add("x".repeat(8_000), 0);
  await journal.flush(0, async (lines) => sent.push(lines) > 1);
  expect(sent[1]?.join("\n").length).toBeLessThan(256 * 1024);
});

test("without doors, lines go to the Worker's own log", async () => {
  const edge = await TestEdge.start({ DOORS: "off" });
  await edge.call("/items");
  expect(JSON.parse(edge.world.lines[0] ?? "")).toMatchObject({ outcome: "allow", key_id: "kid_1" });
});

test("a stranger's long body is not read before he is refused, and one that ends early is none", async () => {
  const edge = await TestEdge.start();
  let pulled = 0;
  const endless = () =>
    new ReadableStream({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(65_536));
      },
    });
  expect(await told(edge.ask("/items", { method: "POST", body: endless() }))).toBe("401 caller_missing");
  expect(pulled).toBeLessThan(3);
  const broken = new ReadableStream({ pull: (controller) => controller.error(new Error("gone")) });
  expect(await told(edge.call("/items", { method: "POST", body: broken }))).toBe("400 body_incomplete");
});
