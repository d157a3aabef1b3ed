//! Everything that keeps a request from its answer: a closed list, each with a stable code and the status
//! that the client sees.
//!
//! Refuses to know why: what the operator needs to mend it goes into the audit line, never to the client.

use serde::Serialize;

/// A request that is answered by the forwarder itself, because it may not or cannot be forwarded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// No authorizer of ours stands before this route.
    NoAuthorizer,
    DigestMissing,
    DigestMalformed,
    /// Only algorithms that are not checked here.
    DigestUnsupported,
    DigestMismatch,
    PathRefused,
    AddressNotAllowed,
    NoRoute,
    /// A route names a back end that the configuration does not.
    BackendUnlisted,
    RecordMalformed,
    TableUnavailable,
    RequestTooLarge,
    BackendUnreachable,
    BackendTimeout,
    BackendAnswerInvalid,
    BackendAnswerTooLarge,
    /// No door of the edge's, or not the edge before it.
    InsideUnknown,
    /// The door takes this one method.
    InsideMethod(&'static str),
    /// There is no such key.
    InsideKeyUnknown,
    LogsInvalid,
    LogsTooLarge,
}

impl Failure {
    pub const ALL: [Self; 21] = [
        Self::NoAuthorizer,
        Self::DigestMissing,
        Self::DigestMalformed,
        Self::DigestUnsupported,
        Self::DigestMismatch,
        Self::PathRefused,
        Self::AddressNotAllowed,
        Self::NoRoute,
        Self::BackendUnlisted,
        Self::RecordMalformed,
        Self::TableUnavailable,
        Self::RequestTooLarge,
        Self::BackendUnreachable,
        Self::BackendTimeout,
        Self::BackendAnswerInvalid,
        Self::BackendAnswerTooLarge,
        Self::InsideUnknown,
        Self::InsideMethod("GET"),
        Self::InsideKeyUnknown,
        Self::LogsInvalid,
        Self::LogsTooLarge,
    ];

    pub const fn code(self) -> &'static str {
        match self {
            Self::NoAuthorizer => "no_authorizer",
            Self::DigestMissing => "digest_missing",
            Self::DigestMalformed => "digest_malformed",
            Self::DigestUnsupported => "digest_unsupported",
            Self::DigestMismatch => "digest_mismatch",
            Self::PathRefused => "path_refused",
            Self::AddressNotAllowed => "address_not_allowed",
            Self::NoRoute => "no_route",
            Self::BackendUnlisted => "backend_unlisted",
            Self::RecordMalformed => "record_malformed",
            Self::TableUnavailable => "table_unavailable",
            Self::RequestTooLarge => "request_too_large",
            Self::BackendUnreachable => "backend_unreachable",
            Self::BackendTimeout => "backend_timeout",
            Self::BackendAnswerInvalid => "backend_answer_invalid",
            Self::BackendAnswerTooLarge => "backend_answer_too_large",
            Self::InsideUnknown => "inside_unknown",
            Self::InsideMethod(_) => "inside_method",
            Self::InsideKeyUnknown => "inside_key_unknown",
            Self::LogsInvalid => "logs_invalid",
            Self::LogsTooLarge => "logs_too_large",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Self::DigestMissing
            | Self::DigestMalformed
            | Self::DigestUnsupported
            | Self::DigestMismatch
            | Self::PathRefused
            | Self::LogsInvalid => 400,
            Self::AddressNotAllowed => 403,
            Self::NoRoute | Self::InsideUnknown | Self::InsideKeyUnknown => 404,
            Self::InsideMethod(_) => 405,
            Self::RequestTooLarge | Self::LogsTooLarge => 413,
            Self::NoAuthorizer | Self::BackendUnlisted | Self::RecordMalformed => 500,
            Self::BackendUnreachable | Self::BackendAnswerInvalid | Self::BackendAnswerTooLarge => 502,
            Self::TableUnavailable => 503,
            Self::BackendTimeout => 504,
        }
    }

    /// For the audit line: a refusal is the request's own doing, a fault is ours or the back end's.
    pub const fn outcome(self) -> &'static str {
        if self.status() < 500 { "refuse" } else { "fault" }
    }

    /// What the client is told.
    pub fn body(self, request_id: Option<&str>) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'static str,
            code: &'static str,
            #[serde(skip_serializing_if = "Option::is_none")]
            request_id: Option<&'a str>,
        }
        let body = Body { message: reason_phrase(self.status()), code: self.code(), request_id };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// RFC 9110 §15, as far as failures use it.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_tell_failures_apart() {
        let codes: BTreeSet<_> = Failure::ALL.into_iter().map(Failure::code).collect();
        assert_eq!(codes.len(), Failure::ALL.len());
    }

    #[test]
    fn a_client_learns_the_code_and_nothing_else() {
        assert_eq!(
            Failure::BackendTimeout.body(Some("r\"1")),
            r#"{"message":"Gateway Timeout","code":"backend_timeout","request_id":"r\"1"}"#
        );
        assert_eq!(Failure::NoRoute.body(None), r#"{"message":"Not Found","code":"no_route"}"#);
        for failure in Failure::ALL {
            let unexpected = reason_phrase(failure.status()) == "Internal Server Error" && failure.status() != 500;
            assert!(!unexpected, "{failure:?}: {} has no reason phrase", failure.status());
        }
    }
}
