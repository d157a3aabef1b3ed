/**
 * Refusals as Kong's plugins write them, by the first version that wrote them so: clients that have learned to read
 * these need not learn anything else.
 *
 * key-auth, ip-restriction and rate-limiting, and what Kong itself says. Not here: gRPC's trailers, which a Worker
 * cannot send, and `Server`, which Cloudflare overwrites.
 */

import type { Replies } from "../config";
import { limitHeaders } from "../limiting";
import type { Reason } from "../reasons";
import type { Refused } from "./reply";

export type Kong = Exclude<Replies, "plain">;

/** Oldest first. */
const VERSIONS: readonly Kong[] = ["kong-0.14", "kong-1.1", "kong-2.1", "kong-3.0", "kong-3.5", "kong-3.6", "kong-3.7"];

interface Said {
  readonly status: number;
  readonly message: string;
  readonly challenge?: boolean;
}

export interface Asked {
  readonly accept: string | null;
  readonly client: string;
  readonly realm: string | undefined;
  /** 32 hexadecimal digits. */
  readonly requestId: string;
  /** Milliseconds since the request arrived. */
  readonly latency: number;
}

/** `undefined`: Kong has no word for it. */
export function kongReply(kong: Kong, refused: Refused, asked: Asked): Response | undefined {
  const said = saying(kong, refused.reason, asked.client);
  if (said === undefined) return undefined;
  const [type, body] = written(kong, said.message, asked);
  const headers = new Headers(refused.tier && limitHeaders(refused.tier));
  headers.set("content-type", type);
  if (said.challenge === true) headers.set("www-authenticate", challenge(kong, asked.realm));
  headers.set("x-kong-response-latency", `${Math.round(asked.latency)}`);
  if (since(kong, "kong-3.5")) headers.set("x-kong-request-id", asked.requestId);
  return new Response(body, { status: said.status, headers });
}

function since(kong: Kong, first: Kong): boolean {
  return VERSIONS.indexOf(kong) >= VERSIONS.indexOf(first);
}

function saying(kong: Kong, reason: Reason, client: string): Said | undefined {
  const always = since(kong, "kong-3.7");
  switch (reason) {
    case "caller_missing":
      return { status: 401, message: "No API key found in request", challenge: true };
    case "credentials_ambiguous":
      return { status: 401, message: "Duplicate API key found", challenge: always };
    case "key_malformed":
    case "key_unknown":
    case "key_revoked":
    case "key_disabled":
    case "key_suspended":
    case "key_expired": {
      const message = since(kong, "kong-3.6") ? "Unauthorized" : "Invalid authentication credentials";
      return { status: since(kong, "kong-1.1") ? 401 : 403, message, challenge: always };
    }
    case "key_address":
    case "address_refused": {
      const message = since(kong, "kong-3.0") ? `IP address not allowed: ${client}` : "Your IP address is not allowed";
      return { status: 403, message };
    }
    case "rate_limited":
      return { status: 429, message: "API rate limit exceeded" };
    case "route_missing":
      return { status: 404, message: "no Route matched with those values" };
    default:
      return undefined;
  }
}

/** Up to 3.6 the realm is not the operator's to name. */
function challenge(kong: Kong, realm: string | undefined): string {
  if (!since(kong, "kong-3.7")) return 'Key realm="kong"';
  return realm === undefined ? "Key" : `Key realm="${realm}"`;
}

/** The type and the bytes of a body. */
function written(kong: Kong, message: string, { accept, requestId }: Asked): [type: string, body: string] {
  if (!since(kong, "kong-2.1")) return [`${JSON_TYPE}; charset=utf-8`, `{"message":"${message}"}`];
  const type = responseType(accept);
  const id = since(kong, "kong-3.5") ? requestId : undefined;
  return [`${type}; charset=utf-8`, TEMPLATES[type](message, id)];
}

const JSON_TYPE = "application/json";
type Type = typeof JSON_TYPE | "text/html" | "text/plain" | "application/xml";

/** Messages are not escaped: all of them are written above, and an address has nothing to escape. */
const TEMPLATES: Record<Type, (message: string, id: string | undefined) => string> = {
  "application/json": (message, id) =>
    id === undefined ? `{\n  "message":"${message}"\n}` : `{\n  "message":"${message}",\n  "request_id":"${id}"\n}`,
  "text/plain": (message, id) => (id === undefined ? `${message}\n` : `${message}\nrequest_id: ${id}\n`),
  "application/xml": (message, id) => {
    const requestId = id === undefined ? "" : `  <requestid>${id}</requestid>\n`;
    return `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>${message}</message>\n${requestId}</error>\n`;
  },
  "text/html": (message, id) => {
    const requestId = id === undefined ? "" : `    <p>request_id: ${id}</p>\n`;
    const head = `  <head>\n    <meta charset="utf-8">\n    <title>Error</title>\n  </head>\n`;
    const body = `  <body>\n    <h1>Error</h1>\n    <p>${message}.</p>\n${requestId}  </body>\n`;
    return `<!doctype html>\n<html>\n${head}${body}</html>\n`;
  },
};

/** The type with the highest weight, the first of equals; JSON where that is none of ours. */
function responseType(accept: string | null): Type {
  let [best, weight]: [Type, number] = [JSON_TYPE, 0];
  for (const part of (accept ?? "").split(",")) {
    const [name = "", ...parameters] = part.split(";");
    const type = /^\s*([\w.+*-]+\/[\w.+*-]+)\s*$/.exec(name)?.[1];
    const q = parameters.map((text) => /^\s*q=(0(?:\.\d{1,3})?|1(?:\.0{1,3})?)\s*$/i.exec(text)?.[1]).find(Boolean);
    const own = q === undefined ? 1 : Number(q);
    if (type !== undefined && own > weight) [best, weight] = [typeOf(type.toLowerCase()), own];
  }
  return best;
}

function typeOf(name: string): Type {
  if (name === "text/*") return "text/plain";
  return Object.hasOwn(TEMPLATES, name) ? (name as Type) : JSON_TYPE;
}
