//! The event for a function: the gateway's own, byte for byte, but for the headers, and for the caller's
//! API key where credentials stay behind.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::ser::{Error as _, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::event::Format;
use crate::event::json::Members;
use crate::outgoing::Outgoing;

/// # Errors
/// If the event is not the object that it was read as.
pub fn for_function(outgoing: &Outgoing<'_>) -> serde_json::Result<Vec<u8>> {
    let members: Members<'_> = serde_json::from_str(outgoing.request.payload)?;
    let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let host = outgoing.host.map(|host| ("host", host));
    let headers = outgoing.headers.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    for (name, value) in headers.chain(host) {
        lines.entry(name).or_default().push(value);
    }
    let (format, without_key) = (outgoing.request.format, outgoing.hides_credentials);
    serde_json::to_vec(&Event { members, lines, format, without_key })
}

struct Event<'a> {
    members: Members<'a>,
    lines: BTreeMap<&'a str, Vec<&'a str>>,
    format: Format,
    without_key: bool,
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut event = serializer.serialize_map(None)?;
        for (name, value) in &self.members.0 {
            let replaced = matches!(name.as_ref(), "headers" | "multiValueHeaders");
            let hidden = name == "cookies" && !self.lines.contains_key("cookie");
            if name == "requestContext" && self.without_key {
                event.serialize_entry(name, &Without { object: value, path: &["identity"], names: &API_KEY })?;
            } else if !replaced && !hidden {
                event.serialize_entry(name, value)?;
            }
        }
        match self.format {
            Format::V1 => {
                event.serialize_entry("headers", &Last(&self.lines))?;
                event.serialize_entry("multiValueHeaders", &self.lines)?;
            }
            Format::V2 => event.serialize_entry("headers", &Joined(&self.lines))?,
        }
        event.end()
    }
}

/// Where a REST API shows the key, if the gateway itself has asked for one.
const API_KEY: [&str; 2] = ["apiKey", "apiKeyId"];

/// An object without some members of the object that is found in it by a path.
struct Without<'a> {
    object: &'a RawValue,
    path: &'a [&'a str],
    names: &'a [&'a str],
}

impl Serialize for Without<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (next, names) = (self.path.split_first(), self.names);
        if !self.object.get().starts_with('{') {
            return self.object.serialize(serializer);
        }
        let Members(members) = serde_json::from_str(self.object.get()).map_err(S::Error::custom)?;
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in &members {
            match next {
                Some((first, path)) if name == first => {
                    object.serialize_entry(name, &Without { object: value, path, names })?;
                }
                None if names.contains(&name.as_ref()) => {}
                _ => object.serialize_entry(name, value)?,
            }
        }
        object.end()
    }
}

/// Format 1.0 shows the last value of each name.
struct Last<'a>(&'a BTreeMap<&'a str, Vec<&'a str>>);

impl Serialize for Last<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, values)| (name, values.last())))
    }
}

/// Format 2.0 joins them, and has cookies elsewhere.
struct Joined<'a>(&'a BTreeMap<&'a str, Vec<&'a str>>);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let others = self.0.iter().filter(|(name, _)| **name != "cookie");
        serializer.collect_map(others.map(|(name, values)| (name, values.join(","))))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use countersign_function::notes::Notes;
    use serde_json::{Value, json};

    use super::*;
    use crate::event;
    use crate::outgoing::Rules;
    use crate::outgoing::identity_headers::IdentityHeaders;
    use crate::wire::Wire;

    /// The event as a function gets it.
    fn rewritten(event: &Value) -> Value {
        rewritten_for(event, &[])
    }

    fn rewritten_for(event: &Value, hidden: &[&str]) -> Value {
        let payload = event.to_string();
        let request = event::parse(&payload).unwrap();
        let wire = Wire { path: "/items".to_owned(), query: None };
        let rules = Rules::new(IdentityHeaders::default(), hidden);
        let (identity, notes) = (request.identity.as_ref().unwrap(), Notes::default());
        let outgoing = Outgoing::new(&request, identity, wire, &rules, &notes).ok().unwrap();
        serde_json::from_slice(&for_function(&outgoing).unwrap()).unwrap()
    }

    /// All that is not about headers is as it was.
    fn assert_kept(mut before: Value, mut after: Value, changed: &[&str]) {
        for name in changed {
            before.as_object_mut().unwrap().remove(*name);
            after.as_object_mut().unwrap().remove(*name);
        }
        assert_eq!(before, after);
    }

    #[test]
    fn format_1_has_two_maps() {
        let event = json!({
            "resource": "/{proxy+}", "path": "/items", "httpMethod": "POST",
            "headers": { "Accept": "b", "X-Consumer-Username": "root", "Edge-Target": "/" },
            "multiValueHeaders": { "Accept": ["a", "b"], "X-Consumer-Username": ["root"], "Edge-Target": ["/"] },
            "multiValueQueryStringParameters": { "q": ["1", "2"] },
            "requestContext": { "requestId": "r", "domainName": "gw.example", "authorizer": { "principal": "acme" } },
            "body": "e30=", "isBase64Encoded": true, "unknown": [1.50, null],
        });
        let seen = rewritten(&event);
        assert_eq!(seen["multiValueHeaders"]["accept"], json!(["a", "b"]));
        assert_eq!(seen["headers"]["accept"], "b");
        assert_eq!(seen["headers"]["x-consumer-username"], "acme");
        assert_eq!(seen["multiValueHeaders"]["x-consumer-username"], json!(["acme"]));
        assert_eq!(seen["headers"]["host"], "gw.example");
        let names: Vec<_> = seen["headers"].as_object().unwrap().keys().cloned().collect();
        let expected =
            ["accept", "host", "x-consumer-username", "x-forwarded-host", "x-forwarded-proto", "x-request-id"];
        assert_eq!(names, expected);
        assert_kept(event, seen, &["headers", "multiValueHeaders"]);
    }

    /// What the gateway itself asked for is not only in a header.
    #[test]
    fn a_hidden_key_is_hidden_in_the_context_too() {
        let mut event = json!({
            "httpMethod": "GET", "path": "/items", "headers": { "X-Api-Key": "canary" }, "apiKey": "of nobody",
            "requestContext": {
                "identity": { "apiKey": "canary", "apiKeyId": "canary", "sourceIp": "198.51.100.1", "cognito": null },
                "authorizer": { "principal": "acme", "apiKey": "a key's own entry" }, "apiKey": "of nobody",
                "accountId": "123456789012", "requestTimeEpoch": 1763800000000_u64,
            },
        });
        let shown = rewritten_for(&event, &[]);
        assert_eq!(shown["requestContext"], event["requestContext"]);
        let hidden = rewritten_for(&event, &["authorization", "x-api-key"]);
        assert!(!hidden.to_string().contains("canary"), "{hidden}");
        event["requestContext"]["identity"] = json!({ "sourceIp": "198.51.100.1", "cognito": null });
        assert_kept(event, hidden, &["headers", "multiValueHeaders"]);
    }

    #[test]
    fn format_2_joins_values_and_keeps_cookies_apart() {
        let mut event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/items", "rawQueryString": "q=1",
            "cookies": ["a=1", "b=2"],
            "headers": { "accept": "a,b", "x-forwarded-for": "10.0.0.1" },
            "requestContext": {
                "http": { "method": "GET", "sourceIp": "198.51.100.1" },
                "authorizer": { "lambda": { "principal": "acme" } },
            },
            "isBase64Encoded": false,
        });
        let seen = rewritten(&event);
        assert_eq!(seen["headers"]["accept"], "a,b");
        assert_eq!(seen["headers"]["x-forwarded-for"], "198.51.100.1");
        assert_eq!((&seen["headers"]["cookie"], &seen["cookies"]), (&Value::Null, &json!(["a=1", "b=2"])));
        assert_kept(event.clone(), seen, &["headers"]);
        event["headers"]["connection"] = json!("cookie");
        assert_eq!(rewritten(&event).get("cookies"), None);
        event.as_object_mut().unwrap().remove("headers");
        assert_eq!(rewritten(&event)["headers"]["x-consumer-username"], "acme");
    }
}
