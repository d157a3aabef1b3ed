/**
 * Why a request is not answered by its origin: a closed list, each with the status that the client sees.
 *
 * `refuse` is the caller's doing, `fault` ours or the origin's: a fault is never told as a refusal. The names that the
 * authorizer has too mean the same there. `replies` says what each looks like on the wire.
 */

const REASONS = {
  host_unknown: [421, "refuse"],
  method_unknown: [405, "refuse"],
  target_malformed: [400, "refuse"],
  path_hostile: [400, "refuse"],
  /** Under `/.countersign`, which is not there for clients. */
  inside_path: [404, "refuse"],
  url_too_long: [414, "refuse"],
  headers_too_large: [431, "refuse"],
  body_too_large: [413, "refuse"],
  /** The client went, or sent less than it said. */
  body_incomplete: [400, "refuse"],
  body_timeout: [408, "refuse"],
  /** A GET or HEAD with a body. */
  body_unexpected: [400, "refuse"],
  header_missing: [400, "refuse"],
  route_missing: [404, "refuse"],
  address_refused: [403, "refuse"],
  rate_limited: [429, "refuse"],

  caller_missing: [401, "refuse"],
  credentials_ambiguous: [401, "refuse"],
  authorization_scheme: [401, "refuse"],
  key_malformed: [401, "refuse"],
  key_unknown: [401, "refuse"],
  key_revoked: [401, "refuse"],
  key_disabled: [401, "refuse"],
  key_suspended: [401, "refuse"],
  key_expired: [401, "refuse"],
  key_address: [403, "refuse"],
  edge_token_issuer: [401, "refuse"],
  token_malformed: [401, "refuse"],
  token_too_large: [401, "refuse"],
  token_header: [401, "refuse"],
  token_issuer_unknown: [401, "refuse"],
  token_key_unknown: [401, "refuse"],
  token_key_unusable: [401, "refuse"],
  token_algorithm: [401, "refuse"],
  token_signature: [401, "refuse"],
  token_type: [401, "refuse"],
  token_claims: [401, "refuse"],
  token_audience: [401, "refuse"],
  token_expired: [401, "refuse"],
  token_future: [401, "refuse"],
  token_lifetime: [401, "refuse"],
  token_required_claim: [403, "refuse"],

  /** Cloudflare does not say where the request comes from: the Worker is not where it should be. */
  client_unknown: [500, "fault"],
  configuration_invalid: [500, "fault"],
  /** A route names an origin that is not on the list. */
  origin_unlisted: [500, "fault"],
  defect: [500, "fault"],
  origin_unreachable: [502, "fault"],
  signing_key_missing: [503, "fault"],
  /** The issuer of the edge's own tokens gives none that would be taken. */
  edge_token_unavailable: [503, "fault"],
  keys_unavailable: [503, "fault"],
  issuer_unavailable: [503, "fault"],
  routes_unavailable: [503, "fault"],
  lookups_exhausted: [503, "fault"],
  /** So many bodies are being read that one that may have a key in it cannot be. */
  bodies_exhausted: [503, "fault"],
  origin_timeout: [504, "fault"],
} as const;

export type Reason = keyof typeof REASONS;
export const ALL_REASONS = Object.keys(REASONS) as Reason[];

export function statusOf(reason: Reason): number {
  return REASONS[reason][0];
}

export function outcomeOf(reason: Reason): "refuse" | "fault" {
  return REASONS[reason][1];
}

/** A value, or the reason why there is none. */
export type Result<T> = { ok: true; value: T } | { ok: false; reason: Reason };

export function good<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function bad(reason: Reason): { ok: false; reason: Reason } {
  return { ok: false, reason };
}
