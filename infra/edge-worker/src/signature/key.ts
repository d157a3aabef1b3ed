/**
 * The edge's signing keys: two slots that key-sync fills, one of them active.
 *
 * Keys are `CryptoKey`s that cannot be read; what would not be one of ours is not used for anything. Their
 * algorithms are RFC 9421 §3.3.3 to §3.3.5, under their registered names.
 */

import { type Bytes, fromBase64url } from "../bytes";

/** What key-sync puts in place, in one change: `EDGE_KEYS` names what lies in the two others. */
export interface KeyBindings {
  readonly EDGE_KEYS?: string;
  readonly EDGE_KEY_A?: CryptoKey;
  readonly EDGE_KEY_B?: CryptoKey;
}

/** The parameters of each algorithm: of its keys, and of signing with one. */
const ALGORITHMS = {
  "hmac-sha256": { key: { name: "HMAC", hash: "SHA-256" }, use: { name: "HMAC" } },
  ed25519: { key: { name: "Ed25519" }, use: { name: "Ed25519" } },
  "ecdsa-p256-sha256": { key: { name: "ECDSA", namedCurve: "P-256" }, use: { name: "ECDSA", hash: "SHA-256" } },
} as const;

export type Algorithm = keyof typeof ALGORITHMS;

/** A key and its names. */
export interface SigningKey {
  /** The VersionId of the signing secret. */
  readonly keyid: string;
  readonly alg: Algorithm;
  sign(message: Bytes): Promise<ArrayBuffer>;
  /** In constant time, where the key is a shared one. */
  verify(message: Bytes, signature: Bytes): Promise<boolean>;
}

/** Of a slot: a key, nothing, or something that cannot be used. */
export type Slot = { kind: "key"; key: SigningKey } | { kind: "empty" } | { kind: "unusable"; why: string };

export interface SigningKeys {
  readonly active: Slot;
  readonly standby: Slot;
}

/** What an isolate signs with for as long as it lives: another push is another version of the Worker. */
export function signingKeys(bindings: KeyBindings): SigningKeys {
  const names = namesOf(bindings.EDGE_KEYS);
  if (names === undefined) {
    const why = bindings.EDGE_KEYS === undefined ? "EDGE_KEYS is not there" : "EDGE_KEYS is not readable";
    return { active: { kind: "unusable", why }, standby: { kind: "unusable", why } };
  }
  const a = slot("A", names.a, bindings.EDGE_KEY_A);
  const b = slot("B", names.b, bindings.EDGE_KEY_B);
  return names.active === "a" ? { active: a, standby: b } : { active: b, standby: a };
}

/** The key of this name, whichever slot it lies in. */
export function keyNamed(keys: SigningKeys, keyid: string): SigningKey | undefined {
  return [keys.active, keys.standby]
    .flatMap((slot) => (slot.kind === "key" ? [slot.key] : []))
    .find((key) => key.keyid === keyid);
}

interface Name {
  readonly keyid: string;
  readonly alg: Algorithm;
  /** SPKI, base64url; only of keys that are not shared. */
  readonly public_key?: string;
}

interface Names {
  readonly active: "a" | "b";
  readonly a?: Name;
  readonly b?: Name;
}

function namesOf(text: string | undefined): Names | undefined {
  try {
    const names: Names = JSON.parse(text ?? "");
    const known = [names.a, names.b].filter((name) => name !== undefined);
    const whole = (names.active === "a" || names.active === "b") && known.every(isName);
    return whole ? names : undefined;
  } catch {
    return undefined;
  }
}

function isName(name: Name): boolean {
  return typeof name.keyid === "string" && /^[\w.-]{1,64}$/.test(name.keyid) && Object.hasOwn(ALGORITHMS, name.alg);
}

function slot(letter: string, name: Name | undefined, key: CryptoKey | undefined): Slot {
  if (name === undefined && key === undefined) return { kind: "empty" };
  const unusable = (why: string): Slot => ({ kind: "unusable", why: `EDGE_KEY_${letter} ${why}` });
  if (name === undefined) return unusable("has no name in EDGE_KEYS");
  if (key === undefined) return unusable("is not there");
  if (!(key instanceof CryptoKey)) return unusable("is not a secret_key");
  const { key: parameters, use } = ALGORITHMS[name.alg];
  if (key.algorithm.name !== parameters.name) return unusable(`is not for ${name.alg}`);
  if (key.extractable) return unusable("could be read");
  const shared = name.alg === "hmac-sha256";
  if (!key.usages.includes("sign") || (shared && !key.usages.includes("verify"))) return unusable("may not sign");
  const verifying = shared ? () => Promise.resolve(key) : once(() => publicKey(name, parameters));
  const signing: SigningKey = {
    keyid: name.keyid,
    alg: name.alg,
    sign: (message) => crypto.subtle.sign(use, key, message),
    verify: async (message, signature) => {
      const verifier = await verifying();
      // What cannot be a signature at all, by its length, is an error to WebCrypto.
      return verifier !== undefined && crypto.subtle.verify(use, verifier, signature, message).catch(() => false);
    },
  };
  return { kind: "key", key: signing };
}

/** `undefined`: the key signs, and nobody can ask for a probe with it. */
async function publicKey(name: Name, parameters: object & { name: string }): Promise<CryptoKey | undefined> {
  const spki = fromBase64url(name.public_key ?? "");
  if (spki === undefined) return undefined;
  return crypto.subtle.importKey("spki", spki, parameters, false, ["verify"]).catch(() => undefined);
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
