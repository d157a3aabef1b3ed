/** What each reason looks like on the wire: the one mapping from reasons to replies. */

import { METHODS } from "../arrival";
import type { Config } from "../config";
import { type Exceeded, limitHeaders } from "../limiting";
import { type Reason, statusOf } from "../reasons";
import { type Asked, kongReply } from "./kong";

export interface Refused {
  readonly reason: Reason;
  /** That was used up. */
  readonly tier?: Exceeded | undefined;
}

export function reply(refusal: Refused, config: Pick<Config, "replies" | "realm">, asked: Asked): Response {
  const answer = config.replies === "plain" ? undefined : kongReply(config.replies, refusal, asked);
  const written = answer ?? plain(refusal, asked.requestId);
  // The next request may be answered.
  written.headers.set("cache-control", "no-store");
  return written;
}

/** As the forwarder writes its own. Why a credential does not hold is in the line of this id, and nobody else's to know. */
function plain({ reason, tier }: Refused, requestId: string): Response {
  const status = statusOf(reason);
  const code = status === 401 ? "unauthorized" : status === 403 ? "forbidden" : reason;
  const body = { message: PHRASES[status] ?? "Error", code, request_id: requestId };
  return Response.json(body, { status, headers: tier === undefined ? own(reason) : limitHeaders(tier) });
}

function own(reason: Reason): [string, string][] {
  if (reason === "method_unknown") return [["allow", METHODS.join(", ")]];
  if (reason === "lookups_exhausted" || reason === "bodies_exhausted") return [["retry-after", "1"]];
  if (statusOf(reason) !== 401) return [];
  return [["www-authenticate", reason.startsWith("token_") ? 'Bearer error="invalid_token"' : "Key, Bearer"]];
}

/** RFC 9110 §15, RFC 6585. */
const PHRASES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  408: "Request Timeout",
  413: "Content Too Large",
  414: "URI Too Long",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Gateway Timeout",
};
