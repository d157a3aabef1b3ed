/** Every duration, in milliseconds. Those that the authorizer has too are the same there. */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

/** A record is read again after this. */
export const RECORD_FRESH = 30 * SECOND;
/** A record is used this long while its sources fail. */
export const RECORD_KEPT = 3 * HOUR;
/** A store that has an older version than is known lags behind, for so long at most; after that it is believed. */
export const RECORD_LAG = 600 * SECOND;
/** A record that was not there is not asked for again for this long. */
export const RECORD_UNKNOWN = 5 * SECOND;
/** After a read that failed, what is known is used without another one for this long. */
export const RECORD_REST = 10 * SECOND;
/** The routes are read again after this: they say what an operator has just changed. */
export const ROUTES_FRESH = 10 * SECOND;
/** A key set is fetched again after this, and used for as long as the second while the issuer fails. */
export const JWKS_FRESH = 600 * SECOND;
export const JWKS_KEPT = 24 * HOUR;
/** After a fetch that failed, or one that an unknown `kid` asked for, no further one of its sort for this long. */
export const JWKS_COOLING = 30 * SECOND;
/** Longest `exp - iat` of a token where its issuer's record says nothing. */
export const TOKEN_LIFE = 24 * HOUR;
/** Shortest `exp - iat` of the edge's own token: a shorter one would be over between two fetches. */
export const EDGE_TOKEN_LEAST = 30 * SECOND;
/** Longest `exp - iat` of a token that proves the edge. */
export const EDGE_TOKEN_LIFE = 300 * SECOND;
/** The next one is fetched so long before its end, or when half of a shorter one's life is over. */
export const EDGE_TOKEN_RENEWAL = 60 * SECOND;
/** After a fetch of one, good or not, no other for this long. */
export const EDGE_TOKEN_REST = 5 * SECOND;
/** For how long a signature may be used, and how old a question to the probe may be. */
export const PROOF_LIFE = 60 * SECOND;
export const QUESTION_LIFE = 30 * SECOND;
/** After a read that failed, where nothing is known, no further one for this long. */
export const RECORD_COOLING = 1 * SECOND;
/** Tolerated difference between two clocks. */
export const SKEW = 5 * SECOND;
/** A read of the store, a question to the gateway, a fetch of a key set: each waits so long and no longer. */
export const STORE_PATIENCE = 2 * SECOND;
export const QUESTION_PATIENCE = 3 * SECOND;
export const ISSUER_PATIENCE = 3 * SECOND;
/** An answer of an object that counts, which may be on another continent. */
export const COUNTER_PATIENCE = SECOND;
/** For all of a body that is read before it is sent on. */
export const BODY_PATIENCE = 30 * SECOND;
/** Longer than any body, and any answer on its way into the cache, is held. */
export const BODY_HELD = 300 * SECOND;
export const ANSWER_HELD = 60 * SECOND;
/** Until the head of an origin's answer, where `ORIGINS` says nothing: API Gateway's longest, unless it was raised. */
export const GATEWAY_PATIENCE = 30 * SECOND;
export const PUBLIC_PATIENCE = 100 * SECOND;
/** The same where the body is passed on as it comes: until all of it has come the origin cannot answer. */
export const UPLOAD_PATIENCE = 600 * SECOND;
/** Whoever shares another's read waits so long, since that read may have ended with the request that began it. */
export const SHARED_PATIENCE = 8 * SECOND;
/** How long log lines gather, if they are few; and the least time between two batches of many. */
export const LOGS_LINGER = 5 * SECOND;
export const LOGS_PAUSE = 1 * SECOND;
/** For a rate limit, and for Cloudflare's cache. */
export const LOCAL_PATIENCE = 1 * SECOND;
