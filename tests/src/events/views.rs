//! The lossy views of headers, paths and queries that events are made of.

use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// Lines grouped by name: those of one name stay in order.
pub type Grouped = Vec<(String, Vec<String>)>;

/// Every header line and `Host`, names as sent.
pub fn headers_as_sent(host: &str, lines: &[(String, String)]) -> Grouped {
    let host = ("Host".to_owned(), host.to_owned());
    group(std::iter::once(host).chain(lines.iter().cloned()).chain(added_by_the_gateway()))
}

/// Every header line and `host`, names in lower case.
pub fn headers_lower_case(host: &str, lines: &[(String, String)]) -> Grouped {
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    let host = ("host".to_owned(), host.to_owned());
    group(std::iter::once(host).chain(lines.iter().cloned().map(lower)).chain(added_by_the_gateway().map(lower)))
}

fn added_by_the_gateway() -> impl Iterator<Item = (String, String)> {
    [
        ("X-Amzn-Trace-Id", "Root=1-6a5145a8-536f3e792f6be9b44c1f46fa"),
        ("X-Forwarded-For", "198.51.100.20"),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// The query as form pairs, decoded: `+` is a space.
pub fn query_pairs(query: &str) -> Grouped {
    let pieces = query.split('&').filter(|piece| !piece.is_empty());
    group(pieces.map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (form_decoded(name), form_decoded(value))
    }))
}

/// Percent-decoded once, as HTTP APIs show paths.
pub fn decoded(path: &str) -> String {
    percent_decode_str(path).decode_utf8_lossy().into_owned()
}

/// Each name with its last value.
pub fn last(groups: &Grouped) -> Value {
    map(groups, |values| json!(values.last()))
}

/// Each name with all its values.
pub fn all(groups: &Grouped) -> Value {
    map(groups, |values| json!(values))
}

/// Each name with its values joined by a comma and no space, as HTTP API 2.0 does.
pub fn joined(groups: &Grouped) -> Value {
    map(groups, |values| json!(values.join(",")))
}

fn map(groups: &Grouped, view: impl Fn(&[String]) -> Value) -> Value {
    let members = groups.iter().map(|(name, values)| (name.clone(), view(values)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn group(pairs: impl Iterator<Item = (String, String)>) -> Grouped {
    let mut groups = Grouped::new();
    let mut places = HashMap::new();
    for (name, value) in pairs {
        let place = *places.entry(name.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some((_, values)) => values.push(value),
            None => groups.push((name, vec![value])),
        }
    }
    groups
}

fn form_decoded(text: &str) -> String {
    decoded(&text.replace('+', " "))
}
