/** A client's body: how much of it is read, when, and for how long it is waited for. */

import type { Arrival } from "./arrival";
import { type Gathered, gather, Room } from "./bounded";
import type { Config, Origin } from "./config";
import { BODY_PATIENCE } from "./lifetimes";
import { BODIES_HELD, BODY_WITH_KEY } from "./limits";
import { bad, good, type Result } from "./reasons";
import { isTimeout, type World } from "./world";

/** Of all requests of an isolate. */
const room = new Room(BODIES_HELD);

/** As much of a body as may have a key in it, where keys are looked for there. */
export async function firstOf(
  { body, method }: Request,
  { places }: Config,
  world: World,
): Promise<Result<Gathered | undefined>> {
  if (body === null) return good(undefined);
  if (method === "GET" || method === "HEAD") return nothing(body, world);
  return places.body ? read(body, BODY_WITH_KEY, world) : good({ kind: "longer", stream: body });
}

/** A body of no bytes is none; no other goes with these methods, to `fetch` and to many a reader behind it. */
async function nothing(stream: ReadableStream<Uint8Array>, world: World): Promise<Result<undefined>> {
  const gathered = await read(stream, 0, world);
  if (!gathered.ok) return gathered;
  if (gathered.value.kind === "whole") return good(undefined);
  await gathered.value.stream.cancel();
  return bad("body_unexpected");
}

/** All of a body that is to be signed by its digest, if it is no longer than that; others are passed on as they come. */
export async function wholeOf(
  first: Gathered | undefined,
  here: Arrival,
  origin: Origin,
  { digestLimit, tokenIssuer }: Config,
  world: World,
): Promise<Result<Gathered | undefined>> {
  const isSigned = origin.kind === "gateway" && tokenIssuer === undefined && (here.length ?? 0) <= digestLimit;
  return first?.kind === "longer" && isSigned ? read(first.stream, digestLimit, world) : good(first);
}

async function read(stream: ReadableStream<Uint8Array>, most: number, world: World): Promise<Result<Gathered>> {
  const reader = stream.getReader();
  try {
    return good(await world.within(BODY_PATIENCE, gather(reader, most, room)));
  } catch (error) {
    world.keep(reader.cancel().catch(() => {}));
    return bad(isTimeout(error) ? "body_timeout" : "body_incomplete");
  }
}
