import fc from "fast-check";
import { expect, test } from "vitest";
import { base64url, fromBase64, fromBase64url } from "../../src/bytes";
import { quoted, signatureBase, signatureParams } from "../../src/signature/base";
import { doorPath, forCaller } from "../../src/signature/proof";
import { vectorKey } from "./vectors";

test("an empty signature covers nothing but its parameters", () => {
  expect(signatureBase([], signatureParams([], [["created", 1]]))).toBe('"@signature-params": ();created=1');
});

test("what cannot be one line of the base is a defect", () => {
  for (const value of ["a\nb", "a\rb", "é", "\u0000", "\u007f"]) {
    expect(() => signatureBase([["edge-target", value]], "()")).toThrow(RangeError);
  }
  expect(() =>
    signatureBase(
      [
        ["@method", "GET"],
        ["@method", "GET"],
      ],
      "()",
    ),
  ).toThrow(RangeError);
});

test("strings are quoted as structured fields are, or not at all", () => {
  expect(quoted('a "b" \\c')).toBe('"a \\"b\\" \\\\c"');
  for (const text of ["\t", "\n", "é", "\u007f"]) expect(() => quoted(text)).toThrow(RangeError);
});

test("base64 is read in its one spelling", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const url = base64url(new Uint8Array(bytes));
      expect([...(fromBase64url(url) ?? [])]).toEqual([...bytes]);
    }),
  );
  for (const text of ["A", "AB=", "AB==x", "AR==", "AA =", "é", "-_=="]) {
    expect(fromBase64(text), text).toBeUndefined();
  }
  for (const text of ["A", "AB==", "AR", "+/", " AA"]) expect(fromBase64url(text), text).toBeUndefined();
});

test("a door has a path of its own, whatever the hash says", () => {
  expect(doorPath({ door: "key", hash: "ab".repeat(32) }).target).toBe(`/.countersign/keys/${"ab".repeat(32)}`);
  for (const hash of ["", "../logs", "AB".repeat(32), `${"ab".repeat(32)}/`]) {
    expect(() => doorPath({ door: "key", hash })).toThrow(RangeError);
  }
});

test("no text of a caller ends its place in what is signed", async () => {
  const key = await vectorKey("hmac-sha256");
  const target = { method: "GET", authority: "abc.example", target: "/" };
  const send = (client: string, authorization: string) =>
    forCaller(key, target, { client: { ip: client }, authorization }, { created: 1 });
  const headers = new Map(await send('1", ray="forged', "Bearer a"));
  expect(headers.get("edge-client")).toBe('ip="1\\", ray=\\"forged"');
  await expect(send("1", 'Bearer a\n"@method": DELETE')).rejects.toThrow(RangeError);
  await expect(send("1\n", "Bearer a")).rejects.toThrow(RangeError);
});
