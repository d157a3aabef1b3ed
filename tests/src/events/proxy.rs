//! What API Gateway hands to the integration of a route: the whole request, and what the authorizer
//! said about it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Api, Kind, WireRequest};

/// The three forms of an integration's event.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Form {
    Rest,
    Http1,
    Http2,
}

impl Form {
    pub const ALL: [Self; 3] = [Self::Rest, Self::Http1, Self::Http2];

    /// The event that the authorizer of the same route is asked with.
    pub const fn authorizer(self) -> Kind {
        match self {
            Self::Rest => Kind::RestRequest,
            Self::Http1 => Kind::Http1,
            Self::Http2 => Kind::Http2,
        }
    }
}

/// How the gateway passes a body on: as base64 for its binary media types.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Passed {
    Text,
    Base64,
}

impl Api {
    /// `context`: the authorizer's, as an object of strings; null for a route without one.
    pub fn integration_event(
        &self,
        form: Form,
        request: &WireRequest,
        (body, passed): (&[u8], Passed),
        context: &Value,
    ) -> Value {
        let mut event = self.event(form.authorizer(), request);
        let members = event.as_object_mut().expect("an event is an object");
        for asked in ["type", "methodArn", "routeArn", "identitySource", "authorizationToken"] {
            members.remove(asked);
        }
        members.insert("isBase64Encoded".to_owned(), json!(passed == Passed::Base64));
        let body = match passed {
            _ if body.is_empty() => Value::Null,
            Passed::Text => json!(String::from_utf8_lossy(body)),
            Passed::Base64 => json!(BASE64.encode(body)),
        };
        // Format 2.0 leaves a body out that is not there; format 1.0 says null.
        if !body.is_null() || form != Form::Http2 {
            members.insert("body".to_owned(), body);
        }
        if form == Form::Http2 {
            cookies_apart(&mut event);
        }
        event["requestContext"]["authorizer"] = authorizer(form, context);
        event
    }
}

/// Format 2.0 takes cookies out of the headers.
fn cookies_apart(event: &mut Value) {
    let headers = event["headers"].as_object_mut().expect("headers are an object");
    if let Some(cookie) = headers.remove("cookie") {
        let cookies: Vec<_> = cookie.as_str().expect("a header is a string").split("; ").collect();
        event["cookies"] = json!(cookies);
    }
}

/// REST adds members of its own, HTTP APIs put a Lambda authorizer's context one level down.
fn authorizer(form: Form, context: &Value) -> Value {
    match (form, context.as_object()) {
        (_, None) => Value::Null,
        (Form::Rest | Form::Http1, Some(entries)) => {
            let mut flat = entries.clone();
            flat.insert("principalId".to_owned(), json!("acme"));
            flat.insert("integrationLatency".to_owned(), json!(12));
            Value::Object(flat)
        }
        (Form::Http2, Some(_)) => json!({ "lambda": context }),
    }
}
