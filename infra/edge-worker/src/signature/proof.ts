/**
 * The edge's proof: the headers that say who called and where to, and a signature over them.
 *
 * Two kinds that nothing can turn into each other. `forCaller` signs what a client asked for; `forDoor` signs the
 * edge's own requests to the inside doors, whose paths come from a closed list. Last of all before a request leaves:
 * what is changed afterwards is not what was signed.
 */

import { base64, utf8 } from "../bytes";
import { PROOF_LIFE } from "../lifetimes";
import { type Component, quoted, signatureBase, signatureParams } from "./base";
import type { SigningKey } from "./key";

/** A request about to leave, as far as every proof covers it. */
export interface Target {
  /** In capitals. */
  readonly method: string;
  /** The host that is fetched, in lower case, without a default port. */
  readonly authority: string;
  /** Path and query exactly as they are fetched. */
  readonly target: string;
  /** RFC 9530; absent where there is no body, or none that was read. */
  readonly contentDigest?: string | undefined;
}

export interface Caller {
  readonly client: Client;
  /** The hash of the API key that was used. */
  readonly keyHash?: string | undefined;
  /** The caller's own, passed on for the authorizer to judge. */
  readonly authorization?: string | undefined;
}

/** Who called, as far as the edge saw it. Texts are printable ASCII. */
export interface Client {
  readonly ip: string;
  readonly ray?: string | undefined;
  readonly country?: string | undefined;
  /** The host that the client asked for. */
  readonly host?: string | undefined;
}

/** Seconds since 1970, and a text that no other signature has: 16 to 64 characters. */
export interface Moment {
  readonly created: number;
  readonly nonce?: string | undefined;
}

export type Header = readonly [name: string, value: string];

/** One of the inside doors. */
export type Door = { door: "probe" } | { door: "key"; hash: string } | { door: "logs" };

/** The headers to add to a client's request. */
export async function forCaller(key: SigningKey, target: Target, caller: Caller, moment: Moment): Promise<Header[]> {
  const { keyHash, authorization } = caller;
  const fields: Component[] = [["edge-client", edgeClient(caller.client)]];
  if (keyHash !== undefined) fields.push(["edge-key", keyHash]);
  if (authorization !== undefined) fields.push(["authorization", authorization]);
  return signed(key, "countersign", target, fields, moment);
}

/** The headers of a request to a door, whose path below `prefix` is `doorPath`. No client's request gets here. */
export async function forDoor(
  key: SigningKey,
  door: Door,
  gateway: { authority: string; prefix: string },
  contentDigest: string | undefined,
  moment: Moment,
): Promise<Header[]> {
  const target = { ...doorPath(door), authority: gateway.authority, contentDigest };
  return signed(key, "countersign-inside", { ...target, target: gateway.prefix + target.target }, [], moment);
}

/** The method and path of a door. */
export function doorPath(door: Door): { method: "GET" | "POST"; target: string } {
  switch (door.door) {
    case "probe":
      return { method: "GET", target: "/.countersign/probe" };
    case "key":
      if (!/^[0-9a-f]{64}$/.test(door.hash)) throw new RangeError("a door's name is a hash");
      return { method: "GET", target: `/.countersign/keys/${door.hash}` };
    case "logs":
      return { method: "POST", target: "/.countersign/logs" };
  }
}

/** RFC 9530. */
export async function contentDigest(body: ArrayBuffer): Promise<string> {
  return `sha-256=:${base64(await crypto.subtle.digest("SHA-256", body))}:`;
}

function edgeClient(client: Client): string {
  const members = [
    ["ip", client.ip],
    ["ray", client.ray],
    ["country", client.country],
    ["host", client.host],
  ] as const;
  return members.flatMap(([name, text]) => (text === undefined ? [] : [`${name}=${quoted(text)}`])).join(", ");
}

async function signed(
  key: SigningKey,
  tag: "countersign" | "countersign-inside",
  target: Target,
  fields: readonly Component[],
  moment: Moment,
): Promise<Header[]> {
  const digest: Component[] = target.contentDigest === undefined ? [] : [["content-digest", target.contentDigest]];
  const sent: Component[] = [["edge-target", target.target], ...fields, ...digest];
  const components: Component[] = [["@method", target.method], ["@authority", target.authority], ...sent];
  const params = signatureParams(components, [
    ["created", moment.created],
    ["expires", moment.created + PROOF_LIFE / 1_000],
    ["keyid", key.keyid],
    ["alg", key.alg],
    ["tag", tag],
    ...(moment.nonce === undefined ? [] : [["nonce", moment.nonce] as const]),
  ]);
  const signature = await key.sign(utf8(signatureBase(components, params)));
  return [...sent, ["signature-input", `edge=${params}`], ["signature", `edge=:${base64(signature)}:`]];
}
