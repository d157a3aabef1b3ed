/** `issuer:<iss>`: what tokens of an OIDC issuer must look like. What they grant is the authorizer's to say. */

import { count, entries, flag, list, Malformed, oneOf, parsed, text } from "./members";

export const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] as const;

export type Claim = string | number | boolean;

/** tests/schemas/issuer.json, as far as something is decided by it. */
export interface IssuerRecord {
  readonly version: number;
  readonly audiences: readonly string[];
  readonly algorithms: readonly string[];
  /** Absent: where discovery says. */
  readonly jwksUri: string | undefined;
  readonly requiredClaims: readonly (readonly [name: string, value: Claim])[];
  readonly tokenTypes: readonly string[];
  /** Its tokens prove the edge, and only the edge. */
  readonly edge: boolean;
  /** Longest `exp - iat`, in seconds. */
  readonly maxAge: number | undefined;
}

export function issuerRecord(json: string): IssuerRecord | undefined {
  return parsed(json, (members) => ({
    version: members.required("version", count),
    audiences: members.required("audiences", someOf(text)),
    algorithms: members.required("algorithms", someOf(oneOf(...ALGORITHMS))),
    jwksUri: members.optional("jwks_uri", httpsAddress),
    requiredClaims: members.optional("required_claims", entries(32, claim)) ?? [],
    tokenTypes: members.required("token_types", someOf(text)),
    edge: members.optional("edge", flag) ?? false,
    maxAge: members.optional("max_age", count),
  }));
}

function someOf<T>(read: (value: unknown) => T): (value: unknown) => T[] {
  return (value) => {
    const found = list(32, read)(value);
    if (found.length === 0) throw new Malformed("is empty");
    return found;
  };
}

function claim(value: unknown): Claim {
  if (typeof value === "boolean" || typeof value === "string" || Number.isSafeInteger(value)) return value as Claim;
  throw new Malformed("is no claim's value");
}

function httpsAddress(value: unknown): string {
  const address = text(value);
  if (!URL.canParse(address) || new URL(address).protocol !== "https:") throw new Malformed("is no https address");
  return address;
}
