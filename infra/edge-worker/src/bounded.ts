/** Bodies read up to a size: whole if they are no longer, and else not lost. */

import type { Bytes } from "./bytes";

export type Gathered = { kind: "whole"; body: ArrayBuffer } | { kind: "longer"; stream: ReadableStream<Uint8Array> };

export async function gather(stream: ReadableStream<Uint8Array>, most: number): Promise<Gathered> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  while (size <= most) {
    const { done, value } = await reader.read();
    if (done) return { kind: "whole", body: joined(chunks, size).buffer };
    chunks.push(value);
    size += value.byteLength;
  }
  return { kind: "longer", stream: replayed(chunks, reader) };
}

/** A text of at most so many bytes; `undefined`: it is longer, and is read no further. */
export async function boundedText(
  stream: ReadableStream<Uint8Array> | null,
  most: number,
): Promise<string | undefined> {
  if (stream === null) return "";
  const gathered = await gather(stream, most);
  if (gathered.kind === "whole") return new TextDecoder().decode(gathered.body);
  await gathered.stream.cancel();
  return undefined;
}

function joined(chunks: readonly Uint8Array[], size: number): Bytes {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

/** What was read already, and then the rest as it comes. */
function replayed(chunks: Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = chunks.shift();
      if (next !== undefined) return controller.enqueue(next);
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
