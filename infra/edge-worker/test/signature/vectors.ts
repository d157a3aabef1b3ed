/** The vectors that both languages are held to, and their keys as the edge holds them. */

import ecdsa from "../../../../tests/vectors/ecdsa-p256-sha256.json";
import ed25519 from "../../../../tests/vectors/ed25519.json";
import hmac from "../../../../tests/vectors/hmac-sha256.json";
import refusals from "../../../../tests/vectors/refusals.json";
import { fromBase64url } from "../../src/bytes";
import { type Algorithm, type KeyBindings, type SigningKey, signingKeys } from "../../src/signature/key";

export const SETS = { "hmac-sha256": hmac, ed25519, "ecdsa-p256-sha256": ecdsa };
export { refusals };

export type Vector = (typeof hmac.vectors | typeof ed25519.vectors | typeof ecdsa.vectors)[number];

const IMPORTS = {
  "hmac-sha256": ["raw", { name: "HMAC", hash: "SHA-256" }, ["sign", "verify"]],
  ed25519: ["pkcs8", { name: "Ed25519" }, ["sign"]],
  "ecdsa-p256-sha256": ["pkcs8", { name: "ECDSA", namedCurve: "P-256" }, ["sign"]],
} as const;

/** Imported as a `secret_key` binding is. */
export async function cryptoKey(alg: Algorithm, secret: string, extractable = false): Promise<CryptoKey> {
  const [format, algorithm, usages] = IMPORTS[alg];
  const bytes = fromBase64url(secret);
  if (bytes === undefined) throw new Error("a secret in base64url");
  return crypto.subtle.importKey(format, bytes, algorithm, extractable, [...usages]);
}

/** The key of a set of vectors, in slot A and active. */
export async function bindings(alg: Algorithm): Promise<Required<Omit<KeyBindings, "EDGE_KEY_B">>> {
  const [key] = SETS[alg].keys;
  if (key === undefined) throw new Error("a set has a key");
  const name = { keyid: key.keyid, alg, ...(key.public_key === null ? {} : { public_key: key.public_key }) };
  return { EDGE_KEYS: JSON.stringify({ active: "a", a: name }), EDGE_KEY_A: await cryptoKey(alg, key.secret) };
}

export async function vectorKey(alg: Algorithm): Promise<SigningKey> {
  const { active } = signingKeys(await bindings(alg));
  if (active.kind !== "key") throw new Error(JSON.stringify(active));
  return active.key;
}
