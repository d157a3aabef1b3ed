/**
 * Log lines: one JSON object for each request, under the names that the authorizer's and the forwarder's lines have,
 * so that one ray finds all three. Nothing secret is in them: no credential, no query, no header of a client's.
 *
 * They gather in the isolate and leave in batches when a request is over. What does not leave in time is forgotten,
 * and counted.
 */

import { LOGS_LINGER, LOGS_PAUSE } from "./lifetimes";
import { LOGS_BATCH, LOGS_BODY, LOGS_LINE, LOGS_LINES, QUOTED } from "./limits";

export interface Line {
  readonly outcome: "allow" | "refuse" | "fault";
  readonly code: string;
  /** What would have been the code, where the route only watches. */
  readonly shadow?: string | undefined;
  readonly status: number;
  readonly ray: string | undefined;
  /** The gateway's own id of the request; the one that the client was told, where the gateway was not asked. */
  readonly request_id: string | undefined;
  readonly method: string;
  readonly table_route?: string | undefined;
  readonly principal?: string | undefined;
  readonly key_id?: string | undefined;
  readonly issuer?: string | undefined;
  readonly edge_keyid?: string | undefined;
  readonly client_ip: string | undefined;
  readonly country: string | undefined;
  readonly cache?: "hit" | undefined;
  /** The body was too long to be signed. */
  readonly body?: "streamed" | undefined;
  readonly kept?: boolean | undefined;
  /** A limit could not be asked about, and did not hold. */
  readonly uncounted?: boolean | undefined;
  /** Milliseconds until the head of the answer; waiting is all that a Worker's clock sees. */
  readonly duration: number;
}

/** A line of JSON, or nothing where it would be too long. */
export function written(line: Line): string | undefined {
  const text = JSON.stringify({ edge: "worker", ...line }, (_, value: unknown) =>
    typeof value === "string" ? quoted(value) : value,
  );
  return text.length <= LOGS_LINE ? text : undefined;
}

/** ASCII, so that characters are bytes and no reader of lines sees one too many. */
function quoted(text: string): string {
  return text
    .slice(0, QUOTED)
    .replaceAll(/[^\x20-\x7e]/g, "\ufffd")
    .replaceAll("\ufffd", "?");
}

export class Journal {
  #lines: string[] = [];
  #size = 0;
  #dropped = 0;
  /** Until then somebody waits to send what there is. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #sentAt = Number.NEGATIVE_INFINITY;

  /** Lines that were forgotten and not yet told of. */
  get dropped(): number {
    return this.#dropped;
  }

  /** @returns when what has gathered is to be sent, if this line decides it: strangers must not make the gateway busy. */
  add(line: string | undefined, now: number): "now" | "later" | undefined {
    const size = (line?.length ?? 0) + 1;
    if (line === undefined || this.#lines.length >= LOGS_LINES - 1 || this.#size + size > LOGS_BODY - LOGS_LINE) {
      this.#dropped += 1;
    } else {
      this.#lines.push(line);
      this.#size += size;
    }
    if (this.#lines.length >= LOGS_BATCH && now - this.#sentAt >= LOGS_PAUSE) return "now";
    if (this.#lines.length === 0 || now < this.#dueAt) return undefined;
    this.#dueAt = now + LOGS_LINGER;
    return "later";
  }

  /** Sends what has gathered. What could not be sent is not tried again. */
  async flush(now: number, send: (lines: readonly string[]) => Promise<boolean>): Promise<void> {
    if (this.#lines.length === 0) return;
    this.#sentAt = now;
    const [lines, dropped] = [this.#lines, this.#dropped];
    [this.#lines, this.#size, this.#dropped] = [[], 0, 0];
    const told = dropped === 0 ? [] : [JSON.stringify({ edge: "worker", dropped })];
    if (!(await send([...lines, ...told]))) this.#dropped += lines.length + dropped;
  }
}
