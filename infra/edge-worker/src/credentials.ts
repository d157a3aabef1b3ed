/**
 * Which credentials are on a request. Reading is not judging: nothing here is verified.
 *
 * API keys are found as Kong's key-auth finds them: for each name in order header, query, body, and the first text
 * ends the search. So a wrong key is never rescued by a right one elsewhere, an empty one hides those behind it, and
 * one that is there twice is an error. Differences that cannot be helped are in the README.
 */

import { utf8 } from "./bytes";
import { canonical } from "./headers";
import { TOKEN } from "./limits";
import { asBytes, asText, percentDecoded } from "./path";
import { bad, good, type Result } from "./reasons";

/** Where an API key may be. */
export interface Places {
  /** Tried in this order; in headers their case, and `_` for `-`, do not matter. */
  readonly names: readonly string[];
  readonly header: boolean;
  readonly query: boolean;
  readonly body: boolean;
}

/** The values of each field of a body; anything but a text keeps its place and is no key. */
export type Fields = ReadonlyMap<string, readonly unknown[]>;

export type ApiKey =
  | { kind: "none" }
  /** There, and without a single character. */
  | { kind: "empty" }
  | { kind: "duplicate" }
  | { kind: "found"; raw: string };

/** @param query without `?`. */
export function apiKey(places: Places, headers: Headers, query: string, fields: Fields | undefined): ApiKey {
  const inHeaders = places.header ? headerValues(headers) : undefined;
  const inQuery = places.query ? parameters(query) : undefined;
  for (const name of places.names) {
    const values =
      inHeaders?.get(canonical(name)) ?? inQuery?.get(name) ?? (places.body ? fields?.get(name) : undefined);
    if (values === undefined) continue;
    const [value, ...more] = values;
    if (more.length > 0 || (typeof value === "object" && value !== null)) return { kind: "duplicate" };
    // Neither a parameter without `=` nor a number is a key, though each ends the search for its name.
    if (typeof value === "string") return value === "" ? { kind: "empty" } : { kind: "found", raw: value };
  }
  return { kind: "none" };
}

/** A header that was sent twice arrives as one, with a comma; so does one whose key has a comma. */
function headerValues(headers: Headers): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const [name, value] of headers) add(found, canonical(name), ...value.split(","));
  return found;
}

/** The parameters of a query or a form; `true` for one without `=`. */
export function parameters(text: string): Map<string, (string | true)[]> {
  const found = new Map<string, (string | true)[]>();
  for (const piece of text.split("&")) {
    const at = piece.indexOf("=");
    const name = decoded(at < 0 ? piece : piece.slice(0, at));
    if (name === "") continue;
    add(found, name, at < 0 ? true : decoded(piece.slice(at + 1)));
  }
  return found;
}

function add<T>(found: Map<string, T[]>, name: string, ...values: readonly T[]): void {
  const known = found.get(name);
  if (known === undefined) found.set(name, [...values]);
  else known.push(...values);
}

/** Bytes that are no UTF-8 are no text, and stay what they are: no name or key of ours. */
function decoded(text: string): string {
  const bytes = percentDecoded(asBytes(text.replaceAll("+", " ")));
  return asText(bytes) ?? bytes;
}

/** The parameters of a query whose names are to be kept, as they were written. */
export function keepParameters(query: string, isKept: (name: string) => boolean): string {
  const kept = query.split("&").filter((piece) => isKept(decoded(piece.split("=", 1)[0] ?? "")));
  return kept.join("&");
}

/** What a body says, by its type; `undefined` where its type is none of those that are read, or it is malformed. */
export function bodyFields(type: string | null, body: ArrayBuffer): Fields | undefined {
  const [form, text] = [formOf(type), textOf(body)];
  if (form === undefined || text === undefined) return undefined;
  return form === "urlencoded" ? parameters(text) : jsonFields(text);
}

/** The same body without its fields of these names; every other byte stays as it was written. */
export function bodyWithout(names: readonly string[], type: string | null, body: ArrayBuffer): ArrayBuffer {
  const fields = bodyFields(type, body);
  const text = textOf(body);
  if (text === undefined || !names.some((name) => fields?.has(name))) return body;
  const isKept = (name: string) => !names.includes(name);
  return utf8(formOf(type) === "urlencoded" ? keepParameters(text, isKept) : keepMembers(text, isKept)).buffer;
}

function formOf(type: string | null): "urlencoded" | "json" | undefined {
  const [kind = ""] = (type ?? "").toLowerCase().split(";", 1);
  if (kind.trim() === "application/x-www-form-urlencoded") return "urlencoded";
  return kind.trim() === "application/json" ? "json" : undefined;
}

/** Bytes that are no UTF-8 are no text: they could not be sent on as they were. */
function textOf(body: ArrayBuffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function jsonFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const found = new Map<string, unknown[]>();
    // A name may be there twice, which a parsed object does not show.
    for (const member of split(text)[0].filter((written) => written.trim() !== "")) {
      add(found, nameOf(member), Object.values(JSON.parse(`{${member}}`))[0]);
    }
    return found;
  } catch {
    return undefined;
  }
}

/** The members of a JSON object whose names are to be kept, as they were written. */
function keepMembers(json: string, isKept: (name: string) => boolean): string {
  const [members, after] = split(json);
  const kept = members.filter((member) => isKept(nameOf(member)));
  return `${json.slice(0, json.indexOf("{") + 1)}${kept.join(",")}${after}`;
}

/** The pieces between an object's own commas, and what follows the last. */
function split(json: string): [members: string[], after: string] {
  const members: string[] = [];
  let [depth, from] = [0, json.indexOf("{") + 1];
  for (const { 0: token, index } of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],]/gs)) {
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    if (!(token === "," && depth === 1) && depth > 0) continue;
    members.push(json.slice(from, index));
    from = index + (depth > 0 ? 1 : 0);
  }
  return [members, json.slice(from)];
}

function nameOf(member: string): string {
  return String(JSON.parse(/^\s*("(?:[^"\\]|\\.)*")/s.exec(member)?.[1] ?? '""'));
}

/** The bearer token of `Authorization`, if there is one; no other scheme gets past the authorizer. */
export function bearer(authorization: string | null): Result<string | undefined> {
  if (authorization === null) return good(undefined);
  const [, token] = /^\s*bearer +([\w.~+/=-]+)\s*$/i.exec(authorization) ?? [];
  if (token === undefined) return bad("authorization_scheme");
  return token.length > TOKEN ? bad("token_too_large") : good(token);
}
