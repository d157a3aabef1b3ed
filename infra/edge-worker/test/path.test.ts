import { expect, test } from "vitest";
import { isHostile, isInside, isWild } from "../src/path";

/** The same examples as crates/decision/src/path/tests.rs has. */
const ORDINARY = [
  "",
  "/",
  "/prod/items/",
  "/a//b",
  "/space%20value",
  "/space value",
  "/a%2Fb",
  "/100%",
  "/%zz",
  "/time/12:30",
  "/v1.2/file.tar.gz",
  "/...",
  "/.well-known/x",
  "/a..b/..c/d..",
  "/caf%C3%A9",
  "/café",
  "/a%2Ab%24c%3Fd",
  "/once%2520more",
  "/a%252520b",
  "/%ff%fe",
];

const DOTS = [
  "/.",
  "/..",
  "/a/../b",
  "/a/./b",
  "/a/..",
  "../a",
  "/%2e%2e/a",
  "/.%2E/a",
  "/a/%2e",
  "/a%2f..%2fb",
  "/a%2F%2e%2e%2Fb",
  "/a\\..\\b",
  "/a%5c..%5Cb",
  "/%252e%252e/a",
  "/a%252f..%252fb",
  "/%25252e%25252e/a",
  "/%%32%65%%32%65/a",
  "/..;/admin",
  "/a/.;v=1/b",
  "/a/..%3bx/b",
  "/a%25252520b",
  "/%ff/%2e%2e",
];

const INSIDE = [
  "/.countersign",
  "/.countersign/",
  "/.countersign/keys/0123",
  "//.countersign/probe",
  "/.COUNTERSIGN/probe",
  "/%2ecountersign",
  "/%2Ec%6Funtersign/x",
  "/%252ecountersign",
  "/%2f%2f.countersign",
  "\\.countersign\\probe",
  "/%5c.countersign",
  "/.countersign%2Fprobe",
  "/.countersign;v=1/probe",
  ".countersign",
  "/a/.countersign",
  "/prod/.countersign/probe",
  "/a%25252520b",
];

test.each(ORDINARY)("is ordinary: %s", (path) => expect(isHostile(path)).toBe(false));
test.each(DOTS)("is hostile: %s", (path) => expect(isHostile(path)).toBe(true));
test.each(["/*", "/a*", "/a?b", "/users/$count", "/a/$"])("is a wildcard: %s", (path) => {
  expect(isWild(path)).toBe(true);
});
test.each(INSIDE)("leads inside: %s", (path) => expect(isInside(path)).toBe(true));
test.each(["", "/", "/countersign", "/.countersigned", "/.countersign.json", "/.counter/sign"])(
  "does not lead inside: %s",
  (path) => expect(isInside(path)).toBe(false),
);

test("control characters are hostile, plain and encoded", () => {
  for (const code of [...Array(0x20).keys(), 0x7f]) {
    const digits = code.toString(16).padStart(2, "0");
    for (const path of [`/a${String.fromCharCode(code)}b`, `/a%${digits}b`, `/a%25${digits.toUpperCase()}b`]) {
      expect(isHostile(path), JSON.stringify(path)).toBe(true);
    }
  }
});
