/**
 * The target that is signed and fetched, made of what the client asked for.
 *
 * The URL standard adds escapes to what a client may leave plain, and nothing else may change on the way: what it
 * would resolve, cut off or turn is refused, and so is what some gateway would decode to another path. The rules are
 * the authorizer's (crates/decision/src/target.rs); what passes here agrees with every event that shows it.
 */

import { asBytes, asText, isHostile, isInside, percentDecoded } from "./path";
import { bad, good, type Result } from "./reasons";

/** What a client asked for, as it was received. */
export interface Asked {
  readonly scheme: string;
  /** Host and port, in lower case. */
  readonly authority: string;
  readonly path: string;
  /** Without `?`; empty where there is none. */
  readonly query: string;
}

export interface Target {
  /** Path and query below an origin: ASCII, percent-encoded. */
  readonly target: string;
  /** Percent-decoded once: what routes are chosen by. */
  readonly path: string;
}

/** The parts of a URL as a Worker gets it. `undefined`: not one of HTTP's. */
export function split(url: string): Asked | undefined {
  const [, scheme, authority, path, query] = /^(https?):\/\/([^/?#]+)([^?]*)(?:\?(.*))?$/s.exec(url) ?? [];
  if (scheme === undefined || authority === undefined) return undefined;
  return { scheme, authority: authority.toLowerCase(), path: path || "/", query: query ?? "" };
}

/** What may be sent on for a client. */
export function target(asked: Asked): Result<Target> {
  // Before anything is resolved; later nobody could tell.
  if (isInside(asked.path)) return bad("inside_path");
  if (isHostile(asked.path)) return bad("path_hostile");
  const written = serialised(asked);
  const path = written && asText(percentDecoded(written.path));
  if (written === undefined || path === undefined || !isUnambiguous(written.path)) return bad("target_malformed");
  if (!isQuery(written.query)) return bad("target_malformed");
  return good({ target: written.path + (written.query && `?${written.query}`), path });
}

/** The spelling that `fetch` sends; `undefined` where it would decode to anything else than what was asked for. */
function serialised({ path, query }: Asked): { path: string; query: string } | undefined {
  const asked = `${path}?${query}`;
  const plain = percentDecoded(asBytes(asked));
  // U+FFFD stands for bytes that were lost before anybody could look.
  if (asked.includes("#") || asked.includes("\ufffd")) return undefined;
  const url = new URL(`https://host.invalid${asked}`);
  const same = url.host === "host.invalid" && percentDecoded(`${url.pathname}?${url.search.slice(1)}`) === plain;
  return same ? { path: url.pathname, query: url.search.slice(1) } : undefined;
}

/** Nothing that some reader takes for a separator, and every escape is one. */
function isUnambiguous(path: string): boolean {
  return (
    /^\/[!$-;=?-[\]-_a-z|~]*$/.test(path) &&
    escapes(path).every((byte) => byte !== undefined && !/[/\\?#\0]/.test(byte))
  );
}

function isQuery(query: string): boolean {
  return (
    /^[!$-;=?-~]*$/.test(query) &&
    escapes(query).every((byte) => byte !== undefined) &&
    query.split("&").every((piece) => asText(percentDecoded(piece)) !== undefined)
  );
}

/** The byte behind each `%`; `undefined` where no two hexadecimal digits follow. */
function escapes(text: string): (string | undefined)[] {
  return [...text.matchAll(/%([0-9a-f]{2})?/gi)].map(([whole, digits]) =>
    digits === undefined ? undefined : percentDecoded(whole),
  );
}
