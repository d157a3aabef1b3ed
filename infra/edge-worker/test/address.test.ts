import { expect, test } from "vitest";
import { address, block, contains } from "../src/address";

test.each([
  ["203.0.113.7", [203, 0, 113, 7]],
  ["::ffff:203.0.113.7", [203, 0, 113, 7]],
  ["::FFFF:cb00:7107", [203, 0, 113, 7]],
  ["::", Array(16).fill(0)],
  ["2001:db8::1", [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 1]],
  ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
  ["64:ff9b::192.0.2.1", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1]],
])("is an address: %s", (text, bytes) => expect(address(text)).toEqual(bytes));

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "256.0.0.1",
  "01.2.3.4",
  "1.2.3.4 ",
  "1.2.3.a",
  ":",
  ":::",
  "1::2::3",
  "12345::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "1.2.3.4::",
  "::1.2.3",
  "g::",
  "fe80::1%eth0",
])("is none: %s", (text) => expect(address(text)).toBeUndefined());

test.each([
  ["203.0.113.0/24", "203.0.113.200", true],
  ["203.0.113.9/24", "203.0.113.200", true],
  ["203.0.113.0/24", "203.0.114.0", false],
  ["203.0.113.7", "203.0.113.7", true],
  ["203.0.113.7", "203.0.113.6", false],
  ["0.0.0.0/0", "255.255.255.255", true],
  ["0.0.0.0/0", "::1", false],
  ["::/0", "203.0.113.7", false],
  ["::/0", "::ffff:203.0.113.7", false],
  ["10.0.0.0/9", "10.127.0.1", true],
  ["10.0.0.0/9", "10.128.0.1", false],
  ["::ffff:203.0.113.0/120", "203.0.113.9", true],
  ["2001:db8::/33", "2001:db8:7fff::", true],
  ["2001:db8::/33", "2001:db8:8000::", false],
])("%s contains %s: %s", (own, other, expected) => {
  const [ownBlock, client] = [block(own), address(other)];
  if (ownBlock === undefined || client === undefined) throw new Error("both are written well");
  expect(contains(ownBlock, client)).toBe(expected);
});

test.each(["", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/8/8", "10.0.0.0/-1", "10.0.0.0/1e1", "x/8"])(
  "is no block: %s",
  (text) => expect(block(text)).toBeUndefined(),
);
