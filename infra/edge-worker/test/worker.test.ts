import { env, exports } from "cloudflare:workers";
import { expect, test } from "vitest";

const CLIENT = { "cf-connecting-ip": "203.0.113.7" };

/** Of the Worker itself, with the bindings of wrangler.jsonc and no signing key. */
async function told(path: string, headers: Record<string, string> = {}): Promise<string> {
  const answer = await exports.default.fetch(`https://api.example.com${path}`, { headers: { ...CLIENT, ...headers } });
  const body = await answer.json<{ code: string }>();
  expect(answer.headers.get("cache-control")).toBe("no-store");
  return `${answer.status} ${body.code}`;
}

test("runs with the bindings of wrangler.jsonc", async () => {
  expect(await told("/items")).toBe("503 routes_unavailable");
  await env.COUNTERSIGN.put("routes", JSON.stringify({ version: 1, routes: [] }));
  // A failed read rests a second.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  expect(await told("/items")).toBe("401 unauthorized");
  expect(await told("/items", { "x-api-key": "nobody-has-this-one" })).toBe("401 unauthorized");
  const hash = "bd41bf1943f7b544e84b4645dd16be9b0e5a8356a03f27d8735f970b662575e9";
  const record = { version: 1, key_id: "k", principal: "acme", status: "active", grants: [], rate_limit: "gold" };
  await env.COUNTERSIGN.put(`key:${hash}`, JSON.stringify(record));
  expect(await told("/items", { "x-api-key": "reader-key-0001-imported" })).toBe("503 signing_key_missing");
});

test("the probe is there, and tells strangers nothing", async () => {
  const probe = (init: RequestInit) => exports.default.fetch("https://api.example.com/.countersign/probe", init);
  const answer = await probe({ method: "POST", headers: CLIENT });
  expect([answer.status, await answer.text()]).toEqual([401, ""]);
  expect((await probe({ headers: CLIENT })).status).toBe(404);
});
