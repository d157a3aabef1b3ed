//! From a decision to API Gateway's answer: the only file that knows IAM's JSON.
//!
//! | decision | REST, WebSocket | HTTP API, policy | HTTP API, simple |
//! |---|---|---|---|
//! | Allow | policy with all grants | policy with all grants | `isAuthorized: true` |
//! | Refuse, who are you? | error `Unauthorized`: 401 | Deny: 403 | `isAuthorized: false`: 403 |
//! | Refuse, you may not | Deny: 403 | Deny: 403 | `isAuthorized: false`: 403 |
//! | Fault | any other error: 500 | the same | the same |
//!
//! A policy holds the principal's whole grant and never the caller's path, so a cached one is right
//! for the caller's other routes, and no character of a path can widen it.

use countersign_decision::context::Context;
use countersign_decision::decision::{Decision, Fault, Grant, Refusal, RefusalKind};
use countersign_decision::limits;
use countersign_decision::request::{EventKind, Request};

/// What the Lambda runtime is told.
#[derive(Debug, Eq, PartialEq)]
pub enum Answer {
    /// A JSON document.
    Body(String),
    /// The function error whose message is exactly `Unauthorized`: API Gateway answers 401.
    Unauthorized,
    /// Any other function error: API Gateway answers 500 and caches nothing.
    Error(Fault),
}

/// The form of an answer to an HTTP API with payload 2.0; the other kinds know policies only.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HttpAnswer {
    Policy,
    Simple,
}

/// `Err`: the answer cannot be given, and the decision becomes this fault.
pub fn render(decision: &Decision, request: &Request<'_>, http_answer: HttpAnswer) -> Result<Answer, Fault> {
    let simple = request.kind == EventKind::Http2 && http_answer == HttpAnswer::Simple;
    let body = match decision {
        Decision::Allow(grant) if simple => simple_answer(true, &|body| context(body, grant.context())),
        Decision::Allow(grant) => allow(grant, request)?,
        Decision::Refuse { elsewhere: Some(grant), .. } if !simple => allow(grant, request)?,
        Decision::Refuse { refusal, .. } if simple => simple_answer(false, &|body| reason(body, *refusal)),
        Decision::Refuse { refusal, .. } if refusal.kind() == RefusalKind::WhoAreYou && has_401(request.kind) => {
            return Ok(Answer::Unauthorized);
        }
        Decision::Refuse { refusal, .. } => deny(*refusal, request),
        Decision::Fault(fault) => return Ok(Answer::Error(*fault)),
    };
    if body.len() > limits::ANSWER { Err(Fault::AnswerTooLarge) } else { Ok(Answer::Body(body)) }
}

/// An HTTP API turns every function error into 500, so it can be told 403 only.
const fn has_401(kind: EventKind) -> bool {
    matches!(kind, EventKind::RestToken | EventKind::RestRequest | EventKind::WebSocket)
}

fn allow(grant: &Grant, request: &Request<'_>) -> Result<String, Fault> {
    let mut body = String::with_capacity(1024);
    let base = resource_base(request);
    body.push_str(r#"{"principalId":"#);
    string(&mut body, grant.principal());
    body.push_str(r#","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Allow","Resource":["#);
    let mut first = true;
    let mut longest = 0;
    grant.grants().for_each_resource(&request.arn, |method, path| {
        if !first {
            body.push(',');
        }
        first = false;
        longest = longest.max(base.len() + method.len() + path.len());
        body.push('"');
        body.push_str(&base);
        body.push_str(method);
        escape(&mut body, path);
        body.push('"');
    });
    if first || longest > limits::RESOURCE_ARN {
        // A statement without a resource is not a policy; it happens only beside a refused route.
        return if first { Ok(deny(Refusal::GrantMissing, request)) } else { Err(Fault::AnswerTooLarge) };
    }
    body.push_str("]}");
    if !grant.is_inside() && request.kind != EventKind::WebSocket {
        deny_inside(&mut body, &base);
    }
    body.push_str(r#"]},"context":{"#);
    context(&mut body, grant.context());
    body.push('}');
    if let Some(key) = grant.usage_plan_key().filter(|_| has_401(request.kind)) {
        body.push_str(r#","usageIdentifierKey":"#);
        string(&mut body, key);
    }
    body.push('}');
    Ok(body)
}

/// Grants may say `/*`, but the doors for the edge itself stay shut for everyone else.
fn deny_inside(body: &mut String, base: &str) {
    body.push_str(r#",{"Action":"execute-api:Invoke","Effect":"Deny","Resource":["#);
    for (i, path) in ["*/.countersign", "*/.countersign/*"].into_iter().enumerate() {
        if i > 0 {
            body.push(',');
        }
        body.push('"');
        body.push_str(base);
        body.push_str(path);
        body.push('"');
    }
    body.push_str("]}");
}

/// Denies the whole API: the credential is refused, not one route of it.
fn deny(refusal: Refusal, request: &Request<'_>) -> String {
    let mut body = String::with_capacity(320);
    body.push_str(r#"{"principalId":"refused","policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"Deny","Resource":[""#);
    body.push_str(&resource_base(request));
    body.push_str(r#"*"]}]},"context":{"#);
    reason(&mut body, refusal);
    body.push_str("}}");
    body
}

fn simple_answer(authorized: bool, context: &dyn Fn(&mut String)) -> String {
    let mut body = String::with_capacity(512);
    body.push_str(if authorized {
        r#"{"isAuthorized":true,"context":{"#
    } else {
        r#"{"isAuthorized":false,"context":{"#
    });
    context(&mut body);
    body.push_str("}}");
    body
}

/// What every resource of this API and stage begins with, ready to stand in a JSON string.
fn resource_base(request: &Request<'_>) -> String {
    let arn = &request.arn;
    let mut base = String::with_capacity(128);
    for part in [&arn.prefix, ":", &arn.api_id, "/", &arn.stage, "/"] {
        escape(&mut base, part);
    }
    base
}

fn context(body: &mut String, entries: &Context) {
    for (i, (name, value)) in entries.iter().enumerate() {
        if i > 0 {
            body.push(',');
        }
        string(body, name);
        body.push(':');
        string(body, value);
    }
}

fn reason(body: &mut String, refusal: Refusal) {
    body.push_str(r#""reason":""#);
    body.push_str(refusal.code());
    body.push('"');
}

fn string(body: &mut String, text: &str) {
    body.push('"');
    escape(body, text);
    body.push('"');
}

/// What has to be escaped is rare: names and grants are checked when they are written.
fn escape(body: &mut String, text: &str) {
    // Without an early end, so that it compiles to a few instructions for many bytes.
    let special = |byte: u8| byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f);
    if !text.bytes().fold(false, |any, byte| any | special(byte)) {
        return body.push_str(text);
    }
    for c in text.chars() {
        match c {
            '"' => body.push_str("\\\""),
            '\\' => body.push_str("\\\\"),
            c if c.is_ascii_control() => body.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => body.push(c),
        }
    }
}
