/** A client's body: how much of it is read, when, and for how long it is waited for. */

import type { Arrival } from "./arrival";
import { type Gathered, gather, Room, type Share } from "./bounded";
import type { Config, Origin } from "./config";
import { BODY_HELD, BODY_PATIENCE } from "./lifetimes";
import { BODIES_HELD, BODY_WITH_KEY } from "./limits";
import { bad, good, type Result } from "./reasons";
import { isTimeout, type World } from "./world";

const room = new Room(BODIES_HELD);

/** One request's part of what an isolate may hold of bodies; to be given back when its body is on its way. */
export function shareOfBodies(world: World): Share {
  return room.share(world.now, world.now() + BODY_HELD);
}

/** What a body is read with. */
interface Reading {
  readonly world: World;
  readonly share: Share;
}

/** As much of a body as may have a key in it, where keys are looked for there. Without room for it nobody can say. */
export async function firstOf(
  { body, method }: Request,
  { places }: Config,
  reading: Reading,
): Promise<Result<Gathered | undefined>> {
  if (body === null) return good(undefined);
  if (method === "GET" || method === "HEAD") return nothing(body, reading);
  if (!places.body) return good({ kind: "longer", stream: body });
  const gathered = await read(body, BODY_WITH_KEY, reading);
  if (!gathered.ok || gathered.value.kind !== "crowded") return gathered;
  await gathered.value.stream.cancel();
  return bad("bodies_exhausted");
}

/** A body of no bytes is none; no other goes with these methods, to `fetch` and to many a reader behind it. */
async function nothing(stream: ReadableStream<Uint8Array>, reading: Reading): Promise<Result<undefined>> {
  const gathered = await read(stream, 0, reading);
  if (!gathered.ok) return gathered;
  if (gathered.value.kind === "whole") return good(undefined);
  await gathered.value.stream.cancel();
  return bad("body_unexpected");
}

/**
 * All of a body that is to be signed by its digest, if it is no longer than that and there is room; others are passed on
 * as they come.
 */
export async function wholeOf(
  first: Gathered | undefined,
  here: Arrival,
  origin: Origin,
  { digestLimit, tokenIssuer }: Config,
  reading: Reading,
): Promise<Result<Gathered | undefined>> {
  const isSigned = origin.kind === "gateway" && tokenIssuer === undefined && (here.length ?? 0) <= digestLimit;
  return first?.kind === "longer" && isSigned ? read(first.stream, digestLimit, reading) : good(first);
}

async function read(
  stream: ReadableStream<Uint8Array>,
  most: number,
  { world, share }: Reading,
): Promise<Result<Gathered>> {
  const reader = stream.getReader();
  try {
    return good(await world.within(BODY_PATIENCE, gather(reader, most, share)));
  } catch (error) {
    world.keep(reader.cancel().catch(() => {}));
    return bad(isTimeout(error) ? "body_timeout" : "body_incomplete");
  }
}
