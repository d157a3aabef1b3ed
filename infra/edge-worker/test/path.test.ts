import { expect, test } from "vitest";
import table from "../../../tests/vectors/paths.json";
import { isHostile, isInside, isWild } from "../src/path";

test("there is something in the table", () => {
  for (const judgement of ["hostile", "inside"] as const) {
    const yes = table.paths.filter((row) => row[judgement]).length;
    expect(Math.min(yes, table.paths.length - yes)).toBeGreaterThanOrEqual(15);
  }
});

/** The authorizer is held to the same. */
test.each(table.paths)("$path", ({ path, hostile, inside }) => {
  expect({ hostile: isHostile(path) || isWild(path), inside: isInside(path) }).toEqual({ hostile, inside });
});

test("control characters are hostile, plain and encoded", () => {
  for (const code of [...Array(0x20).keys(), 0x7f]) {
    const digits = code.toString(16).padStart(2, "0");
    for (const path of [`/a${String.fromCharCode(code)}b`, `/a%${digits}b`, `/a%25${digits.toUpperCase()}b`]) {
      expect(isHostile(path), JSON.stringify(path)).toBe(true);
    }
  }
});
