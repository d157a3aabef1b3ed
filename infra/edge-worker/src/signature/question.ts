/**
 * The question that key-sync asks the probe: a signature with one of the edge's keys, good for nothing else.
 *
 * It is written in one way, and only that way is read. What it proves is that the asker has the key; what the edge
 * proves in return is in `possession`, over a text that no request's signature base can be.
 */

import { type Bytes, fromBase64, utf8 } from "../bytes";
import { QUESTION_LIFE, SKEW } from "../lifetimes";
import { signatureBase } from "./base";
import { keyNamed, type SigningKeys } from "./key";

export interface Question {
  readonly slot: "active" | "standby";
  readonly nonce: string;
}

/** What of a request the question is in. */
export interface Asked {
  readonly method: string;
  /** The host that was asked for, in lower case. */
  readonly authority: string;
  /** Of a header in lower case; `null` where it is not on the request. */
  header(name: string): string | null;
}

export const PROBE = "/.countersign/probe";

const INPUT = /^probe=(\("@method" "@authority" "@path" "edge-probe"\)((?:;[a-z]+=(?:\d{1,15}|"[ !#-[\]-~]*"))+))$/;
const SIGNATURE = /^probe=:([A-Za-z0-9+/=]+):$/;
const SLOT = /^slot="(active|standby)"$/;
/** As the authorizer takes nonces; no line break, and nothing that ends a text. */
const NONCE = /^[!$-[\]-~]{16,64}$/;

/** `undefined`: not asked with a key of ours, now and for this host. Why is nobody's business. */
export async function question(asked: Asked, keys: SigningKeys, now: number): Promise<Question | undefined> {
  const slot = SLOT.exec(asked.header("edge-probe") ?? "")?.[1];
  const input = INPUT.exec(asked.header("signature-input") ?? "");
  const signature = fromBase64(SIGNATURE.exec(asked.header("signature") ?? "")?.[1] ?? "");
  const params = input?.[1];
  const stated = parameters(input?.[2]);
  if (params === undefined || stated === undefined || signature === undefined) return undefined;
  if (slot !== "active" && slot !== "standby") return undefined;
  const key = keyNamed(keys, stated.keyid);
  if (key === undefined || key.alg !== stated.alg || !isTimely(stated, now)) return undefined;
  const base = signatureBase(
    [
      ["@method", asked.method],
      ["@authority", asked.authority],
      ["@path", PROBE],
      ["edge-probe", `slot="${slot}"`],
    ],
    params,
  );
  return (await key.verify(utf8(base), signature)) ? { slot, nonce: stated.nonce } : undefined;
}

/** What the key of a slot signs to prove that it is there. */
export function possession(keyid: string, nonce: string): Bytes {
  return utf8(`countersign-pop\n${keyid}\n${nonce}`);
}

interface Parameters {
  readonly created: number;
  readonly expires: number;
  readonly keyid: string;
  readonly alg: string;
  readonly nonce: string;
}

/** All six, each once. */
function parameters(text: string | undefined): Parameters | undefined {
  const stated = [...(text ?? "").matchAll(/;([a-z]+)=(?:(\d+)|"([^"]*)")/g)];
  const numbers = new Map(stated.flatMap(([, name, number]) => (number === undefined ? [] : [[name, Number(number)]])));
  const texts = new Map(stated.flatMap(([, name, , text]) => (text === undefined ? [] : [[name, text]])));
  const [created, expires] = [numbers.get("created"), numbers.get("expires")];
  const [keyid, alg, nonce] = [texts.get("keyid"), texts.get("alg"), texts.get("nonce")];
  const whole = stated.length === 6 && texts.get("tag") === "countersign-probe" && NONCE.test(nonce ?? "");
  if (!whole || created === undefined || expires === undefined) return undefined;
  if (keyid === undefined || alg === undefined || nonce === undefined) return undefined;
  return { created, expires, keyid, alg, nonce };
}

function isTimely({ created, expires }: Parameters, now: number): boolean {
  return created <= now + SKEW / 1_000 && now - created <= QUESTION_LIFE / 1_000 && now < expires && expires > created;
}
