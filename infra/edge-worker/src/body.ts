/** A client's body: how much of it is read, and when. */

import type { Arrival } from "./arrival";
import { type Gathered, gather } from "./bounded";
import type { Config, Origin } from "./config";
import { BODY_WITH_KEY } from "./limits";
import { bad, good, type Result } from "./reasons";

/** As much of a body as may have a key in it, where keys are looked for there. */
export async function firstOf({ body, method }: Request, { places }: Config): Promise<Result<Gathered | undefined>> {
  if (body === null) return good(undefined);
  if (method === "GET" || method === "HEAD") return nothing(body);
  return places.body ? read(body, BODY_WITH_KEY) : good({ kind: "longer", stream: body });
}

/** A body of no bytes is none; no other goes with these methods, to `fetch` and to many a reader behind it. */
async function nothing(stream: ReadableStream<Uint8Array>): Promise<Result<undefined>> {
  const gathered = await read(stream, 0);
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
): Promise<Result<Gathered | undefined>> {
  const isSigned = origin.kind === "gateway" && tokenIssuer === undefined && (here.length ?? 0) <= digestLimit;
  return first?.kind === "longer" && isSigned ? read(first.stream, digestLimit) : good(first);
}

async function read(stream: ReadableStream<Uint8Array>, most: number): Promise<Result<Gathered>> {
  try {
    return good(await gather(stream, most));
  } catch {
    return bad("body_incomplete");
  }
}
