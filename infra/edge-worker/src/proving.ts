/** How a gateway is shown that a request comes from the edge: by a signature over it, or by a token beside it. */

import type { PassedKey } from "./caller";
import type { Config, Origin } from "./config";
import { bad, good, type Result } from "./reasons";
import { isFieldText } from "./signature/base";
import type { SigningKey } from "./signature/key";
import { type Client, contentDigest, forCaller, type Header, type Moment } from "./signature/proof";
import type { Sources } from "./sources";
import type { World } from "./world";

export type Proof =
  /** Public origins ask for none. */
  | { kind: "none" }
  | { kind: "signature"; key: SigningKey; moment: Moment }
  | { kind: "token"; token: string; keyName: string };

interface Edge {
  readonly config: Config;
  readonly sources: Sources;
  readonly signing: SigningKey | undefined;
}

export async function proofFor(
  origin: Origin,
  { config, sources, signing }: Edge,
  world: World,
): Promise<Result<Proof>> {
  if (origin.kind !== "gateway") return good({ kind: "none" });
  const { tokenIssuer, places } = config;
  if (tokenIssuer !== undefined) {
    const token = await sources.edgeToken(origin.authority, tokenIssuer, world);
    return token.ok ? good({ kind: "token", token: token.value, keyName: places.names[0] ?? "x-api-key" }) : token;
  }
  if (signing === undefined) return bad("signing_key_missing");
  const moment = { created: Math.floor(world.now() / 1_000), nonce: world.nonce() };
  return good({ kind: "signature", key: signing, moment });
}

/** A request as it will leave, as far as a proof speaks of it. */
export interface Provable {
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly client: Client;
  /** The caller's own credentials. */
  readonly key: PassedKey | undefined;
  readonly authorization: string | null;
  readonly body: ArrayBuffer | ReadableStream<Uint8Array> | null;
}

/** The headers that a proof adds. */
export async function proofHeaders(proof: Proof, request: Provable): Promise<Result<readonly Header[]>> {
  const { key, authorization } = request;
  if (proof.kind === "none") return good([]);
  if (authorization !== null && !isFieldText(authorization)) return bad("authorization_scheme");
  if (proof.kind === "signature") return good(await signatureOver(request, proof));
  // Nothing vouches for a hash here: the authorizer takes the key itself, from the one header that it looks into.
  const shown: Header[] = key === undefined ? [] : [[proof.keyName, key.raw]];
  return good([["edge-token", proof.token], ...shown]);
}

async function signatureOver(request: Provable, { key, moment }: { key: SigningKey; moment: Moment }) {
  const { method, authority, target, client, authorization, body } = request;
  const isCovered = body instanceof ArrayBuffer && body.byteLength > 0;
  const signed = { method, authority, target, contentDigest: isCovered ? await contentDigest(body) : undefined };
  return forCaller(
    key,
    signed,
    { client, keyHash: request.key?.hash, authorization: authorization ?? undefined },
    moment,
  );
}
