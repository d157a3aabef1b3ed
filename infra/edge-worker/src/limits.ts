/** Every bound that a caller could push against. Sizes are bytes unless the name says otherwise. */

/** A client's path: what API Gateway takes of one. */
export const PATH = 1_024;
/** Request line and headers as API Gateway counts them. */
export const GATEWAY_HEADERS = 10_240;
/** Of those, what Cloudflare adds to a request on its way: cf-ray, cf-worker, cdn-loop, x-forwarded-for and others. */
export const ADDED_ON_THE_WAY = 768;
/** Parameters of a query: the authorizer compares no more. */
export const QUERY_PARAMETERS = 256;
/** A body: API Gateway's quota. */
export const BODY = 10 * 1_024 * 1_024;
/** Bodies that an isolate holds at once until they are on their way; what would be more is passed on unread. */
export const BODIES_HELD = 32 * 1_024 * 1_024;
/** An answer that is kept in the cache. */
export const KEPT_ANSWER = 1_024 * 1_024;
/** Answers that an isolate is keeping at once. */
export const ANSWERS_HELD = 16 * KEPT_ANSWER;
/** A raw API key, in characters. */
export const API_KEY = { least: 8, most: 256 } as const;
/** A body that is read for a key in it. */
export const BODY_WITH_KEY = 64 * 1_024;
/** A bearer token. */
export const TOKEN = 8_192;
/** The edge's own token, which takes room from every request, and the answer that brings it. */
export const EDGE_TOKEN = 4_096;
export const EDGE_TOKEN_BODY = 16 * 1_024;
/** `iss` and `kid`, as a token that is not yet verified has them: with `issuer:` before it, a name in KV is 512 bytes. */
export const ISSUER = 505;
export const KID = 256;
/** A token's subject, in UTF-8, and its claims. */
export const SUBJECT = 255;
export const CLAIMS = 128;
/** Keys known or unknown, and issuers, that an isolate remembers. */
export const REMEMBERED = 10_000;
export const REMEMBERED_ISSUERS = 100;
/** A text in a record, and a part of `edge-client`, in characters. */
export const TEXT = 4_096;
export const CLIENT_TEXT = 128;
/** An entry of the store other than `routes`, and `routes`. */
export const RECORD = 64 * 1_024;
export const ROUTES_DOCUMENT = 1 << 20;
export const ROUTES = 1_000;
/** Questions to the gateway about keys that nobody knows, per second and isolate. */
export const UNKNOWN_LOOKUPS_PER_SECOND = 20;
/** A key set as fetched, and its keys. */
export const JWKS_BODY = 150_000;
export const JWKS_KEYS = 100;
/** Log lines that are worth a request; one batch of them, its lines, and one of them. */
export const LOGS_BATCH = 100;
export const LOGS_BODY = 256 * 1_024;
export const LOGS_LINES = 500;
export const LOGS_LINE = 8 * 1_024;
/** What a log line quotes of anything a caller wrote, in characters. */
export const QUOTED = 256;
