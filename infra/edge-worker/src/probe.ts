/**
 * `POST /.countersign/probe`: who asks with a key of ours is told which key lies in a slot, with a proof, and how the
 * gateway likes what is signed with it. Everybody else is told nothing, not even why.
 */

import { hostOf } from "./arrival";
import { base64url } from "./bytes";
import type { Config } from "./config";
import { askForStatus } from "./inside";
import type { SigningKeys } from "./signature/key";
import { PROBE, possession, question } from "./signature/question";
import { split } from "./target";
import type { World } from "./world";

/** The one path under `/.countersign` that is there: byte for byte, without a query. */
export function isProbe(request: Request, hosts: ReadonlySet<string>): boolean {
  const asked = split(request.url);
  const isOurs = asked !== undefined && hosts.has(hostOf(asked));
  return isOurs && request.method === "POST" && asked.path === PROBE && asked.query === "";
}

export async function prove(request: Request, keys: SigningKeys, config: Config, world: World): Promise<Response> {
  const { scheme, authority } = split(request.url) ?? { scheme: "https", authority: "" };
  const asked = {
    method: request.method,
    authority: authority.replace(scheme === "https" ? /:443$/ : /:80$/, ""),
    header: (name: string) => request.headers.get(name),
  };
  const put = await question(asked, keys, Math.floor(world.now() / 1_000));
  if (put === undefined) return told(401);
  const slot = keys[put.slot];
  if (slot.kind !== "key") return told(409);
  const { key } = slot;
  const signature = base64url(await key.sign(possession(key.keyid, put.nonce)));
  const gateway_status = config.gateway === undefined ? 404 : await askForStatus(world, config.gateway, key);
  return told(200, { slot: put.slot, keyid: key.keyid, alg: key.alg, signature, gateway_status });
}

function told(status: number, body?: object): Response {
  const headers = { "cache-control": "no-store" };
  return body === undefined ? new Response(null, { status, headers }) : Response.json(body, { status, headers });
}
