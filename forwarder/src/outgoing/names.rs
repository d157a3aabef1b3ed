//! Names of headers that no client's request brings to a back end.
//!
//! Names are compared as the loosest back end reads them: without case, and with everything but letters
//! and digits alike, because CGI and what came after it turns `X-Real-IP` and `X_Real.IP` into the same
//! variable.

use std::borrow::Cow;

/// Meant for one connection (RFC 9110 §7.6.1), or made anew for each.
const OF_A_CONNECTION: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// Between the edge and the gateway.
const OF_THE_EDGE: [&str; 2] = ["signature", "signature-input"];

/// Who is calling, and from where, in the name of some proxy.
const CLAIMS: [&str; 12] = [
    "client-ip",
    "fastly-client-ip",
    "forwarded",
    "forwarded-for",
    "remote-user",
    "true-client-ip",
    "x-anonymous-consumer",
    "x-appengine-user-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-real-ip",
    "x-remote-user",
];

/// Frameworks take another method, path or host from these than the one that was authorized.
const OVERRIDES: [&str; 4] = ["x-host", "x-http-method", "x-http-method-override", "x-method-override"];

/// Families of all four kinds.
const PREFIXES: [&str; 10] = [
    "cf-",
    "edge-",
    "proxy-",
    "x-amzn-",
    "x-authenticated-",
    "x-consumer-",
    "x-credential-",
    "x-forwarded",
    "x-original-",
    "x-rewrite-",
];

/// By which one request is found in several logs: a wrong one misleads nobody but a reader.
const TRACE: &str = "x-amzn-trace-id";

/// Whether a header of this plain name is never passed on.
pub fn is_ours(name: &str) -> bool {
    let lists: [&[&str]; 4] = [&OF_A_CONNECTION, &OF_THE_EDGE, &CLAIMS, &OVERRIDES];
    let listed = lists.iter().any(|list| list.contains(&name));
    listed || (PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && name != TRACE)
}

/// Whether a header of this plain name says something about one connection only; in answers too.
pub fn is_of_a_connection(name: &str) -> bool {
    OF_A_CONNECTION.contains(&name) || name.starts_with("proxy-")
}

/// The name without what back ends do not tell apart.
pub fn plain(name: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.bytes().all(is_plain) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    Cow::Owned(name.chars().map(fold).collect())
}
