/**
 * The edge's own requests to its gateway's inside doors. No client's request gets here: what is asked is one of a
 * closed list, and nothing of a client's but the hash of a key goes along.
 */

import { utf8 } from "./bytes";
import type { Origin } from "./config";
import { QUESTION_PATIENCE } from "./lifetimes";
import { LOGS_BODY, RECORD } from "./limits";
import type { Read } from "./lookup";
import { type KeyRecord, keyRecord } from "./records/key";
import type { SigningKey } from "./signature/key";
import { contentDigest, type Door, doorPath, forDoor } from "./signature/proof";
import type { Told, World } from "./world";

/** What the gateway's forwarder knows about a key. Only its own answers count as such: every other is a failure. */
export async function askForKey(
  world: World,
  gateway: Origin,
  key: SigningKey,
  hash: string,
): Promise<Read<KeyRecord>> {
  try {
    const { status, body } = await knock(world, gateway, key, { door: "key", hash });
    if (status === 404 && isUnknown(body)) return { kind: "none" };
    const record = status === 200 && body !== undefined ? keyRecord(body) : undefined;
    return record === undefined ? { kind: "failed" } : { kind: "record", record };
  } catch {
    return { kind: "failed" };
  }
}

/** A gateway without a forwarder answers 404 too. */
function isUnknown(body: string | undefined): boolean {
  return body?.includes('"inside_key_unknown"') ?? false;
}

/** The status with which the gateway answers what a key has signed. */
export async function askForStatus(world: World, gateway: Origin, key: SigningKey): Promise<number> {
  try {
    return (await knock(world, gateway, key, { door: "probe" })).status;
  } catch {
    return 504;
  }
}

/** Whether the lines have arrived. Together they are no longer than a batch may be. */
export async function sendLogs(
  world: World,
  gateway: Origin,
  key: SigningKey,
  lines: readonly string[],
): Promise<boolean> {
  try {
    const body = utf8(lines.join("\n"));
    if (body.byteLength > LOGS_BODY) return false;
    const { status } = await knock(world, gateway, key, { door: "logs" }, body.buffer);
    return status >= 200 && status < 300;
  } catch {
    return false;
  }
}

async function knock(world: World, gateway: Origin, key: SigningKey, door: Door, body?: ArrayBuffer): Promise<Told> {
  const digest = body && (await contentDigest(body));
  const moment = { created: Math.floor(world.now() / 1_000), nonce: world.nonce() };
  const headers = new Headers(
    (await forDoor(key, door, gateway, digest, moment)).map(([name, value]) => [name, value]),
  );
  if (body !== undefined) headers.set("content-type", "application/x-ndjson");
  const { method, target } = doorPath(door);
  const url = `${gateway.scheme}://${gateway.authority}${gateway.prefix}${target}`;
  return world.ask(new Request(url, { method, headers, body: body ?? null }), QUESTION_PATIENCE, RECORD);
}
