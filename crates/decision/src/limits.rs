//! Every bound that a caller, an issuer or a record could push against, each with its source.
//!
//! Sizes are bytes unless the name says otherwise.

/// Signatures on one request. One is ours; the rest are other parties', read only for their tag.
pub const SIGNATURES: usize = 8;
/// `Signature-Input` and `Signature`, each. API Gateway bounds all headers at 10,240.
pub const SIGNATURE_HEADER: usize = 4096;
/// Components that our signature covers.
pub const COVERED_COMPONENTS: usize = 32;
/// Parameters of one signature: created, expires, keyid, alg, nonce, tag, and room for two more.
pub const SIGNATURE_PARAMETERS: usize = 8;
/// `keyid` is a Secrets Manager VersionId: 32 to 64 characters.
pub const KEYID: usize = 64;
/// Nonce length in characters, both ends included.
pub const NONCE: std::ops::RangeInclusive<usize> = 16..=64;
/// `Edge-Target`: the longest URL that a regional REST API takes.
pub const EDGE_TARGET: usize = 10_240;
/// `Edge-Client`.
pub const EDGE_CLIENT: usize = 512;
/// `Content-Digest`, if covered: room for both of RFC 9530's active algorithms.
pub const CONTENT_DIGEST: usize = 256;
/// Query parameters compared between the signed target and the event.
pub const QUERY_PARAMETERS: usize = 256;
/// Header lines of one event. API Gateway's 10,240 bytes leave room for far fewer.
pub const HEADERS: usize = 512;
/// A raw API key.
pub const API_KEY: std::ops::RangeInclusive<usize> = 8..=256;
/// A whole JWT. API Gateway bounds all headers at 10,240.
pub const TOKEN: usize = 8192;
/// `iss`, as written in a token not yet verified.
pub const ISSUER: usize = 512;
/// `kid`, as written in a token not yet verified.
pub const KID: usize = 256;
/// A key set, as fetched: the quota that API Gateway's own JWT authorizer sets.
pub const JWKS_BODY: usize = 150_000;
/// Keys of one set.
pub const JWKS_KEYS: usize = 100;
/// Scopes of one token, and all of them together in bytes.
pub const SCOPES: usize = 64;
pub const SCOPES_TEXT: usize = 768;
/// Claims of one token or members of one key. The largest access tokens seen carry some forty.
pub const JSON_MEMBERS: usize = 128;
/// `sub` in bytes: OpenID Connect Core §2 allows no more.
pub const SUBJECT: usize = 255;
/// `key_id` and `principal` of a key's record.
pub const NAME: usize = 256;
/// `usage_plan_key` of a key's record: the longest value of an API Gateway key.
pub const USAGE_PLAN_KEY: usize = 128;
/// Characters of one grant.
pub const GRANT: usize = 256;
/// Grants of one record, an issuer's rules together, and of one principal after key and token are intersected.
pub const GRANTS: usize = 100;
/// CIDR blocks of one key.
pub const CIDRS: usize = 100;
/// One resource ARN of a policy: API Gateway's quota.
pub const RESOURCE_ARN: usize = 512;
/// The whole answer. API Gateway documents 8 KB for WebSocket only; the same is kept for all.
pub const ANSWER: usize = 7_500;
/// What a key's record adds to the context: half, so that the other half is left for the request.
pub const KEY_CONTEXT: usize = CONTEXT / 2;
/// All context names and values of an answer together.
pub const CONTEXT: usize = 2_048;
/// Entries of each memory of records, known or unknown.
pub const REMEMBERED: usize = 10_000;
/// Issuers whose key sets are kept.
pub const REMEMBERED_ISSUERS: usize = 100;
/// Look-ups of records not seen before, per second and environment.
pub const UNKNOWN_LOOKUPS_PER_SECOND: u32 = 20;
/// What an audit line quotes of anything a caller wrote.
pub const QUOTED: usize = 256;
/// A name of the edge's store: Workers KV takes no longer key.
pub const PUBLISHED_NAME: usize = 512;
/// Issuers, and routes, that are published: few enough to be compared in memory, and read whole by the edge.
pub const PUBLISHED_ISSUERS: usize = 1_000;
pub const PUBLISHED_ROUTES: usize = 1_000;
/// The document of all routes, which every isolate of the edge parses and keeps.
pub const ROUTES_DOCUMENT: usize = 1 << 20;
/// Entries of each list of a route; its blocks are bounded as a key's.
pub const ROUTE_LIST: usize = 32;
/// A text of a route: a host, a path, the value of a header.
pub const ROUTE_TEXT: usize = 512;
/// Issuers whose key sets are mirrored into the table: their names, with the time of the last look, fit one item.
pub const MIRRORED_ISSUERS: usize = 500;
/// Query parameters of one event: each takes two bytes of a URL, its separator one of them.
pub const PARAMETERS: usize = EDGE_TARGET / 2;
/// Entries of an authorizer's context: a key's own, of one byte or more each, and ours.
pub const CONTEXT_ENTRIES: usize = KEY_CONTEXT + 16;
/// What a Lambda function takes and answers in one invocation: Lambda's quota, 6 MiB.
pub const LAMBDA_PAYLOAD: usize = 6 << 20;
/// Head of a streamed answer, its end mark included: API Gateway looks for it in the first 16 KB.
pub const STREAM_PRELUDE: usize = 16_000;
/// One batch of the edge's log lines, its lines, and one of them.
pub const LOGS_BODY: usize = 256 * 1024;
pub const LOGS_LINES: usize = 500;
pub const LOGS_LINE: usize = 8 * 1024;
