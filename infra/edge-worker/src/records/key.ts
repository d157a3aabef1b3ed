/** `key:<hash>`: the public part of an API key's record, and whether the key may be used now and from here. */

import { type Address, type Block, block, contains } from "../address";
import type { Reason } from "../reasons";
import { count, list, Malformed, type Members, oneOf, parsed, text } from "./members";

/** tests/schemas/key.json, as far as something is decided by it. Times are seconds since 1970. */
export interface KeyRecord {
  readonly version: number;
  /** What the key is called in logs. */
  readonly keyId: string;
  readonly status: "active" | "disabled" | "suspended" | "revoked";
  /** Absent on a tombstone. */
  readonly principal: string | undefined;
  readonly until: number | undefined;
  readonly expiresAt: number | undefined;
  /** Empty: from anywhere. */
  readonly cidrs: readonly Block[];
  /** A tier. */
  readonly rateLimit: string | undefined;
}

/** `undefined`: not what the schema says. */
export function keyRecord(json: string): KeyRecord | undefined {
  return parsed(json, (members) => {
    const status = members.required("status", oneOf("active", "disabled", "suspended", "revoked"));
    return {
      version: members.required("version", count),
      keyId: members.required("key_id", text),
      status,
      principal: status === "revoked" ? undefined : members.required("principal", text),
      until: members.optional("until", count),
      expiresAt: members.optional("expires_at", count),
      cidrs: blocks(members, "cidrs"),
      rateLimit: members.optional("rate_limit", text),
    };
  });
}

/** Blocks of addresses; none where the member is absent, and never an empty list. */
export function blocks(members: Members, name: string): Block[] {
  const read = (value: unknown): Block => {
    const found = block(text(value));
    if (found === undefined) throw new Malformed(`${name} has a block that is none`);
    return found;
  };
  const found = members.optional(name, list(100, read));
  if (found?.length === 0) throw new Malformed(`${name} is empty`);
  return found ?? [];
}

/** @param now milliseconds. `undefined`: it may be used. */
export function refusalOf(key: KeyRecord, from: Address | undefined, now: number): Reason | undefined {
  const seconds = now / 1_000;
  if (key.status === "revoked") return "key_revoked";
  if (key.status === "disabled") return "key_disabled";
  if (key.status === "suspended" && (key.until === undefined || seconds < key.until)) return "key_suspended";
  if (key.expiresAt !== undefined && seconds >= key.expiresAt) return "key_expired";
  const inside = from !== undefined && key.cidrs.some((own) => contains(own, from));
  return key.cidrs.length > 0 && !inside ? "key_address" : undefined;
}
