//! One caller in the making: credentials, and the records and keys that they meet.

use countersign_decision::decision::{Refusal, RefusalKind};
use countersign_decision::published;
use countersign_tests::deployment::key_record;
use countersign_tests::issuer::Algorithm;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::super::case::NOW;
use super::super::header;
use super::token::{KEY_SET, Token, changed, merge};

pub struct Case {
    name: &'static str,
    headers: Vec<(&'static str, String)>,
    token: Option<Token>,
    client: &'static str,
    /// Of the raw keys that are used here.
    records: Vec<Value>,
    environment: Value,
    code: &'static str,
    /// Code and why, where the edge rightly says another.
    edge: Option<(&'static str, &'static str)>,
}

impl Case {
    /// A client that shows nothing.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            headers: Vec::new(),
            token: None,
            client: "203.0.113.7",
            records: Vec::new(),
            environment: json!({ "APIS": "abc/prod", "REQUIRE": "caller" }),
            code: "allow",
            edge: None,
        }
    }

    pub fn line(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Shows an API key that has a record, changed so.
    pub fn key(self, raw: &str, changes: Value) -> Self {
        self.having(raw, changes).line("X-Api-Key", raw)
    }

    /// There is such a record.
    pub fn having(mut self, raw: &str, changes: Value) -> Self {
        self.records.push(changed(key_record(raw), changes));
        self
    }

    pub const fn from(mut self, client: &'static str) -> Self {
        self.client = client;
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment[name] = json!(value);
        self
    }

    /// Shows a good token, signed so. Whatever is good about it can be changed.
    pub fn token(mut self, algorithm: Algorithm) -> Self {
        self.token = Some(Token::good(algorithm));
        self
    }

    pub fn scheme(mut self, scheme: &'static str) -> Self {
        self.shown().scheme = scheme;
        self
    }

    /// `null` takes a member away.
    pub fn header(mut self, changes: Value) -> Self {
        merge(&mut self.shown().header, changes);
        self
    }

    /// `null` takes a claim away.
    pub fn claims(mut self, changes: Value) -> Self {
        merge(&mut self.shown().claims, changes);
        self
    }

    /// Bytes that no JSON writer makes of claims.
    pub fn payload(mut self, change: impl FnOnce(String) -> String) -> Self {
        let token = self.shown();
        token.payload = Some(change(token.claims.to_string()));
        self
    }

    pub fn forged(mut self) -> Self {
        self.shown().forged = true;
        self
    }

    pub fn record(mut self, changes: Value) -> Self {
        merge(self.shown().record.as_mut().unwrap(), changes);
        self
    }

    pub fn issued_by(self, iss: &str) -> Self {
        self.claims(json!({ "iss": iss })).record(json!({ "pk": format!("issuer#{iss}") }))
    }

    pub fn no_record(mut self) -> Self {
        self.shown().record = None;
        self
    }

    pub fn publishing(mut self, keys: Vec<Value>) -> Self {
        self.shown().published = keys;
        self
    }

    pub const fn is(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    pub const fn at_the_edge(mut self, code: &'static str, why: &'static str) -> Self {
        self.edge = Some((code, why));
        self
    }

    fn shown(&mut self) -> &mut Token {
        self.token.as_mut().expect("a token")
    }

    /// The vector. `stored` is the file as it was.
    pub fn vector(self, stored: Option<&Value>) -> Value {
        let (mut headers, mut key_table, mut key_sets) = (self.headers, self.records, json!({}));
        if let Some(token) = self.token {
            let before = stored.and_then(|file| file["vectors"].as_array()?.iter().find(|v| v["name"] == self.name));
            let before = before.and_then(|vector| header(vector, "authorization"));
            headers.push(("Authorization", token.authorization(before)));
            if token.record.is_some() {
                key_sets[KEY_SET] = json!({ "keys": token.published });
            }
            key_table.extend(token.record);
        }
        let mut expected = json!({ "code": self.code, "status": status(self.code) });
        if let Some((code, why)) = self.edge {
            expected["edge"] = json!({ "code": code, "status": status(code), "why": why });
        }
        json!({
            "name": self.name,
            "environment": self.environment,
            "headers": headers,
            "client": self.client,
            "now": NOW,
            "store": store(&key_table),
            "key_table": key_table,
            "key_sets": key_sets,
            "expected": expected,
        })
    }
}

/// What key-sync publishes of these records; nothing of those that it cannot.
fn store(key_table: &[Value]) -> Value {
    let published = key_table.iter().filter_map(|item| {
        match item["pk"].as_str().unwrap().split_once('#').unwrap() {
            ("key", hash) => published::key(hash, &read(item)),
            (_, iss) => published::issuer(iss, &read(item)),
        }
        .ok()
    });
    published.map(|entry| (entry.name, serde_json::from_str::<Value>(&entry.value).unwrap())).collect()
}

fn read<T: DeserializeOwned>(item: &Value) -> T {
    serde_json::from_value(item.clone()).unwrap_or_else(|error| panic!("{item}: {error}"))
}

fn status(code: &str) -> u16 {
    if code == "allow" {
        return 200;
    }
    match Refusal::ALL.iter().find(|refusal| refusal.code() == code).map(|refusal| refusal.kind()) {
        Some(RefusalKind::WhoAreYou) => 401,
        Some(RefusalKind::YouMayNot) => 403,
        None => panic!("{code} is no refusal"),
    }
}
