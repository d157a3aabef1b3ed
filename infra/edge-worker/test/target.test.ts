import fc from "fast-check";
import { expect, test } from "vitest";
import { asBytes, isWild, percentDecoded } from "../src/path";
import type { Result } from "../src/reasons";
import { split, type Target, target } from "../src/target";
import { refusals, SETS } from "./signature/vectors";

/** What becomes of a URL's path and query. */
function of(pathAndQuery: string): Result<Target> {
  const asked = split(`https://api.example.com${pathAndQuery}`);
  if (asked === undefined) throw new Error(pathAndQuery);
  return target(asked);
}

test.each([
  ["/", "/", "/"],
  ["", "/", "/"],
  ["?x", "/?x", "/"],
  ["/?", "/", "/"],
  ["/items/a%20b/caf%C3%A9+c%2Bd/?x=1&x=2&y=a+b%2Bc&z=&z2&q=%E2%82%AC%26", undefined, "/items/a b/café+c+d/"],
  ["//a//b", undefined, "//a//b"],
  ["/a;b=c/d|e", undefined, "/a;b=c/d|e"],
  ["/x?a=&b&&c=+&=", undefined, "/x"],
  ["/%41%7e", undefined, "/A~"],
  ["/a^b", "/a%5Eb", "/a^b"],
  ["/a b", "/a%20b", "/a b"],
  ['/a{b}"c"', "/a%7Bb%7D%22c%22", '/a{b}"c"'],
  ["/é?ü", "/%C3%A9?%C3%BC", "/é"],
  ["/a'b?q='x'<y>", "/a'b?q=%27x%27%3Cy%3E", "/a'b"],
  ["/a?b=/../c//", undefined, "/a"],
  ["/a?x=|^`{}\\", undefined, "/a"],
])("is sent on: %s", (asked, sent, path) => {
  expect(of(asked)).toEqual({ ok: true, value: { target: sent ?? asked, path } });
});

test.each([
  ["/a/../b", "path_hostile"],
  ["/a/%2e%2E/b", "path_hostile"],
  ["/a/%252e%252e/b", "path_hostile"],
  ["/a%0Ab", "path_hostile"],
  ["/a%00", "path_hostile"],
  ["/.countersign/probe", "inside_path"],
  ["/a/..%2f%2Ecountersign/keys", "inside_path"],
  ["/a%2Fb", "target_malformed"],
  ["/a%5cb", "target_malformed"],
  ["/a\\b", "target_malformed"],
  ["/a%3Fb", "target_malformed"],
  ["/a%23b", "target_malformed"],
  ["/a#b", "target_malformed"],
  ["/a?b#c", "target_malformed"],
  ["/%zz", "target_malformed"],
  ["/a%", "target_malformed"],
  ["/a?x=%", "target_malformed"],
  ["/a?x=%f", "target_malformed"],
  ["/a?x=%ff", "target_malformed"],
  ["/%ff", "target_malformed"],
  ["/a\ufffd", "target_malformed"],
  ["/a?\ufffd", "target_malformed"],
  ["/a?b\tc", "target_malformed"],
  ["/a?\nb", "target_malformed"],
])("is refused: %s", (asked, reason) => {
  expect(of(asked)).toEqual({ ok: false, reason });
});

test("what the authorizer refuses for its path does not leave the edge", () => {
  const paths = ["path_hostile", "target_malformed", "inside_path"];
  const refused = refusals.vectors.filter(({ expected }) => paths.includes(expected.code));
  expect(refused.length).toBeGreaterThanOrEqual(6);
  for (const { worker_url, name } of refused) {
    const path = worker_url.slice(8).replace(/^[^/]*/, "");
    expect(of(path).ok && !isWild(path), name).toBe(false);
  }
});

test("what the authorizer lets through does", () => {
  for (const { worker_url, name, expected } of SETS["hmac-sha256"].vectors) {
    if (name === "the edge's own probe") continue;
    const sent = of(worker_url.slice(8).replace(/^[^/]*/, ""));
    expect(expected.code).toBe("allow");
    expect(sent.ok && worker_url.endsWith(sent.value.target), name).toBe(true);
  }
});

/** Characters, escapes and separators that readers of URLs disagree about. */
const piece = fc.oneof(
  fc.constantFrom(..."/?#%.;|^\\ +&='\"<>{}`~!*$@:,[]()_-aé€\u0000\t\n\u007f\ufffd"),
  fc.constantFrom("%2e", "%2F", "%5C", "%00", "%25", "%20", "%c3%a9", "%ff", "%3f", "%23", "..", "//", ".countersign"),
);

test("whatever is asked for is refused, or sent so that it means the same and is fetched as it is signed", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const asked = `/${pieces.join("")}`;
      const sent = of(asked);
      if (!sent.ok) return;
      const { target, path } = sent.value;
      expect(new URL(`https://abc.example/prod${target}`).href).toBe(`https://abc.example/prod${target}`);
      expect(target).toMatch(/^\/[!-~]*$/);
      const [plainPath, ...plainQuery] = asked.split("?");
      const [sentPath, ...sentQuery] = target.split("?");
      expect(percentDecoded(sentPath ?? "")).toBe(percentDecoded(asBytes(plainPath ?? "")));
      expect(asBytes(path)).toBe(percentDecoded(sentPath ?? ""));
      expect(percentDecoded(sentQuery.join("?"))).toBe(percentDecoded(asBytes(plainQuery.join("?"))));
    }),
    { numRuns: 2_000 },
  );
});
