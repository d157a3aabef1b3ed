import { createHmac } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Rig, SECRET, type Seen } from "./rig";

let rig: Rig;
beforeAll(async () => {
  rig = await Rig.start();
});
afterAll(() => rig.stop());
beforeEach(() => {
  rig.seen.length = 0;
});

/** As the authorizer sees it: the signature over what has arrived. */
function isSigned({ method, headers }: Seen): boolean {
  const [, params = "", covered = ""] = /^edge=(\(([^)]*)\).*)$/.exec(headers["signature-input"] ?? "") ?? [];
  const values: Record<string, string | undefined> = { ...headers, "@method": method, "@authority": headers["host"] };
  const names = covered.split(" ").map((name) => name.slice(1, -1));
  const lines = names.map((name) => `"${name}": ${values[name]}\n`);
  const base = `${lines.join("")}"@signature-params": ${params}`;
  const signature = createHmac("sha256", Buffer.from(SECRET, "base64url")).update(base).digest("base64");
  return (
    headers["signature"] === `edge=:${signature}:` &&
    ["@method", "@authority", "edge-target", "edge-client"].every((name) => names.includes(name))
  );
}

test.each([
  ["/", "/prod/"],
  ["/a%20b?x=1&x=2&y=a+b%2Bc&z=&z2", undefined],
  ["//a//b", undefined],
  ["/a;b|c", undefined],
  ["/caf%C3%A9", undefined],
  ["/a^b", "/prod/a%5Eb"],
  ["/a?q='x'", "/prod/a?q=%27x%27"],
  ["/?", "/prod/"],
  ["/x?a=&b&&c=+", undefined],
  // Plain dot segments are gone before the Worker is asked.
  ["/a/../b", "/prod/b"],
])("%s is fetched as it is signed", async (target, sent) => {
  expect(await rig.call(target)).toEqual({ status: 200, body: "from the gateway" });
  const [seen] = rig.forwarded;
  expect(seen?.target).toBe(sent ?? `/prod${target}`);
  expect(seen?.headers["edge-target"]).toBe(seen?.target);
  expect(seen?.headers["host"]).toBe("abc.execute-api.eu-west-1.amazonaws.com");
  expect(seen && isSigned(seen)).toBe(true);
});

test("no answer comes out of the zone's cache: the runtime says so, where the client said nothing of its own", async () => {
  await rig.call("/items");
  await rig.call("/items", { "Cache-Control": "max-age=5" });
  expect(rig.forwarded.map(({ headers }) => headers["cache-control"])).toEqual(["no-cache", "max-age=5"]);
});

test.each([
  ["/a/%2e%2e/b", "400 path_hostile"],
  ["/a/%252e%252e/b", "400 path_hostile"],
  ["/*", "400 path_hostile"],
  ["/a%2Fb", "400 target_malformed"],
  ["/a\\b", "400 target_malformed"],
  ["/a%5Cb", "400 target_malformed"],
  ["/a%3Fb", "400 target_malformed"],
  ["/a#b", "400 target_malformed"],
  ["/a?b#c", "400 target_malformed"],
  ["/%zz", "400 target_malformed"],
  ["/caf\xe9", "400 target_malformed"],
  ["/a?x=\xff", "400 target_malformed"],
  ["/a\x01b", "400 path_hostile"],
  ["/.countersign/keys/1", "404 inside_path"],
  ["/%2ecountersign", "404 inside_path"],
  ["/x/%2e%2e/.countersign/probe", "404 inside_path"],
  [`/${"x".repeat(1_100)}`, "414 url_too_long"],
])("%s does not leave the edge", async (target, expected) => {
  const { status, body } = await rig.call(target);
  expect(`${status} ${JSON.parse(body).code}`).toBe(expected);
  expect(rig.forwarded).toEqual([]);
});

test("whatever bytes a client sends, what arrives is what was signed", async () => {
  const piece = fc.oneof(
    fc.constantFrom(..."/?%.;|^\\+&='\"<>{}`~!*$@:,[]()_-aB1\xe9\x01\x7f"),
    fc.constantFrom("%2e", "%2F", "%5C", "%00", "%25", "%20", "%c3%a9", "%ff", "%3f", "..", "//", ".countersign", "&&"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 16 }), async (pieces) => {
      rig.seen.length = 0;
      const { status } = await rig.call(`/${pieces.join("")}`);
      expect([200, 400, 404]).toContain(status);
      expect(rig.forwarded.length).toBe(status === 200 ? 1 : 0);
      for (const seen of rig.forwarded) {
        expect(seen.headers["edge-target"]).toBe(seen.target);
        expect(isSigned(seen)).toBe(true);
      }
    }),
    { numRuns: 300 },
  );
});
