import { expect, test } from "vitest";
import { utf8 } from "../../src/bytes";
import { keyNamed, signingKeys } from "../../src/signature/key";
import { bindings, cryptoKey, SETS, vectorKey } from "./vectors";

const NAME = { keyid: "one", alg: "hmac-sha256" };
const secret = SETS["hmac-sha256"].keys[0]?.secret ?? "";

function names(rest: object): string {
  return JSON.stringify({ active: "a", ...rest });
}

test("a slot has a key, is empty, or cannot be used", async () => {
  const key = await cryptoKey("hmac-sha256", secret);
  const only = signingKeys({ EDGE_KEYS: names({ a: NAME }), EDGE_KEY_A: key });
  expect([only.active.kind, only.standby.kind]).toEqual(["key", "empty"]);
  const flipped = signingKeys({ EDGE_KEYS: JSON.stringify({ active: "b", a: NAME }), EDGE_KEY_A: key });
  expect([flipped.active.kind, flipped.standby.kind]).toEqual(["empty", "key"]);
  expect(keyNamed(flipped, "one")?.keyid).toBe("one");
  expect(keyNamed(flipped, "two")).toBeUndefined();
});

test("what is not one of ours is not used, and says why", async () => {
  const key = await cryptoKey("hmac-sha256", secret);
  const readable = await cryptoKey("hmac-sha256", secret, true);
  const other = await cryptoKey("ed25519", SETS.ed25519.keys[0]?.secret ?? "");
  const [verifyOnly] = [await crypto.subtle.importKey("raw", utf8("x".repeat(32)), HMAC, false, ["verify"])];
  for (const [given, why] of [
    [{}, "EDGE_KEYS is not there"],
    [{ EDGE_KEYS: "" }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: "[]" }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: '{"active":"c"}' }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: names({ a: { ...NAME, alg: "none" } }), EDGE_KEY_A: key }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: names({ a: { ...NAME, alg: "toString" } }), EDGE_KEY_A: key }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: names({ a: { ...NAME, keyid: 'a"b' } }), EDGE_KEY_A: key }, "EDGE_KEYS is not readable"],
    [{ EDGE_KEYS: names({ a: NAME }) }, "EDGE_KEY_A is not there"],
    [{ EDGE_KEYS: names({}), EDGE_KEY_A: key }, "EDGE_KEY_A has no name in EDGE_KEYS"],
    [{ EDGE_KEYS: names({ a: NAME }), EDGE_KEY_A: readable }, "EDGE_KEY_A could be read"],
    [{ EDGE_KEYS: names({ a: NAME }), EDGE_KEY_A: other }, "EDGE_KEY_A is not for hmac-sha256"],
    [{ EDGE_KEYS: names({ a: NAME }), EDGE_KEY_A: verifyOnly }, "EDGE_KEY_A may not sign"],
    [{ EDGE_KEYS: names({ a: NAME }), EDGE_KEY_A: "text" as unknown as CryptoKey }, "EDGE_KEY_A is not a secret_key"],
  ] as const) {
    expect(signingKeys(given).active).toEqual({ kind: "unusable", why });
  }
});

const HMAC = { name: "HMAC", hash: "SHA-256" };

test.each(["hmac-sha256", "ed25519", "ecdsa-p256-sha256"] as const)(
  "%s: verifies its own, and no other's",
  async (alg) => {
    const key = await vectorKey(alg);
    const message = utf8("a message");
    const signature = new Uint8Array(await key.sign(message));
    expect(await key.verify(message, signature)).toBe(true);
    expect(await key.verify(utf8("another"), signature)).toBe(false);
    expect(await key.verify(message, new Uint8Array(signature.length))).toBe(false);
    expect(await key.verify(message, new Uint8Array())).toBe(false);
  },
);

test("a key without its public half signs, and verifies nothing", async () => {
  const { EDGE_KEY_A } = await bindings("ed25519");
  for (const public_key of [undefined, "", "AAAA", "not base64url!"]) {
    const { active } = signingKeys({ EDGE_KEYS: names({ a: { keyid: "k", alg: "ed25519", public_key } }), EDGE_KEY_A });
    if (active.kind !== "key") throw new Error("a key");
    const signature = new Uint8Array(await active.key.sign(utf8("m")));
    expect(await active.key.verify(utf8("m"), signature)).toBe(false);
  }
});
