//! A forwarder between a key table and two back ends, blue and green, and what its answers come to.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use crate::aws::dynamodb::Table;
use crate::backend::Backend;
use crate::binary;
use crate::deployment::KEYID;
use crate::events::proxy::{Form, Passed};
use crate::events::{Api, WireRequest};
use crate::function::{Decided, FailedStart, Function};
use crate::runtime_api::Reply;

pub struct Forwarding {
    pub table: Table,
    pub blue: Backend,
    pub green: Backend,
    pub api: Api,
}

impl Forwarding {
    /// There are no routes yet.
    pub async fn new() -> Self {
        let table = Table::start("countersign-keys").await;
        let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
        Self { table, blue, green, api: Api::new("a1b2c3d4e5", "prod") }
    }

    /// One route, which leads everything to blue.
    pub async fn with_a_route() -> Self {
        let own = Self::new().await;
        own.put_route("all", &json!({ "backend": "blue" }));
        own
    }

    /// Writes a route, and notes its id as key-sync does.
    pub fn put_route(&self, id: &str, attributes: &Value) {
        let mut record = json!({ "pk": format!("route#{id}"), "match": {}, "version": 1_763_800_000_000_u64 });
        let attributes = attributes.as_object().expect("attributes are an object").clone();
        record.as_object_mut().expect("a record is an object").extend(attributes);
        self.table.put(&record);
        self.note_routes();
    }

    pub fn remove_route(&self, id: &str) {
        self.table.remove(&format!("route#{id}"));
        self.note_routes();
    }

    fn note_routes(&self) {
        let ids: Vec<_> =
            self.table.keys("route#").iter().map(|pk| pk.trim_start_matches("route#").to_owned()).collect();
        self.table.put(&json!({ "pk": "sync#routes", "version": 1, "digest": "0123456789abcdef", "ids": ids }));
    }

    /// The environment variables of its forwarders, without optional ones.
    pub fn env(&self) -> Vec<(String, String)> {
        [
            ("KEY_TABLE", self.table.name().to_owned()),
            ("BACKENDS", format!("blue={},green={}", self.blue.url(), self.green.url())),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.table.service.url()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Starts a forwarder; later variables win over [`Forwarding::env`].
    pub async fn forwarder(&self, more: &[(&str, &str)]) -> Function {
        let started = self.try_forwarder(binary::forwarder(), more, &[]).await;
        started.unwrap_or_else(|failed| panic!("the forwarder does not start: {failed:?}"))
    }

    /// Tries to start a build of the forwarder, with variables added and others taken away.
    pub async fn try_forwarder(
        &self,
        binary: &Path,
        more: &[(&str, &str)],
        without: &[&str],
    ) -> Result<Function, FailedStart> {
        let own = self.env();
        let own = own.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let env: Vec<_> = own.chain(more.iter().copied()).filter(|(name, _)| !without.contains(name)).collect();
        Function::try_start_of(binary, &env).await
    }

    /// A request for a resource of the API, as the edge sends it but for its proof.
    pub fn request(&self, method: &str, resource: &str) -> WireRequest {
        let target = self.api.target(resource);
        WireRequest::new(method, &self.api.domain, &target).with_header("Edge-Target", &target)
    }

    /// Sends a request without a body.
    pub async fn send(&self, function: &Function, form: Form, request: &WireRequest, context: &Value) -> Forwarded {
        self.send_body(function, form, request, (b"", Passed::Text), context).await
    }

    pub async fn send_body(
        &self,
        function: &Function,
        form: Form,
        request: &WireRequest,
        body: (&[u8], Passed),
        context: &Value,
    ) -> Forwarded {
        let event = self.api.integration_event(form, request, body, context);
        Forwarded::of(form, function.decide(event.to_string()).await)
    }
}

/// What the authorizer says of a caller with a key, behind an edge.
pub fn caller() -> Value {
    json!({
        "principal": "acme",
        "key_id": "kid_0123456789ab",
        "edge_keyid": KEYID,
        "client_ip": "203.0.113.7",
        "client_host": "api.example.com",
        "ray": "8f2c1d3e4b5a6978-LHR",
    })
}

/// What it says of the edge itself, asking for itself.
pub fn edge() -> Value {
    with(&json!({ "principal": "edge", "edge_keyid": KEYID, "client_ip": "203.0.113.7", "inside": "true" }), "ray", "r")
}

/// A context with one more entry.
pub fn with(context: &Value, name: &str, value: &str) -> Value {
    let mut context = context.clone();
    context[name] = json!(value);
    context
}

/// One request's answer, as the client sees it.
#[derive(Debug)]
pub struct Forwarded {
    pub status: u16,
    /// Names and values, one each.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub decided: Decided,
}

impl Forwarded {
    /// # Panics
    /// If the answer is not one that API Gateway takes.
    fn of(form: Form, decided: Decided) -> Self {
        let bytes = match &decided.reply {
            Reply::Answer(bytes) => bytes,
            Reply::Streamed { bytes, .. } => {
                assert_eq!(form, Form::Rest, "HTTP APIs do not stream");
                let (status, headers, body) = streamed(bytes);
                return Self { status, headers, body: body.to_vec(), decided };
            }
            // A function error: REST and HTTP APIs alike answer for themselves.
            Reply::Error { .. } => return Self { status: 502, headers: Vec::new(), body: Vec::new(), decided },
        };
        let answer: Value = serde_json::from_slice(bytes).expect("an answer is JSON");
        let (status, headers) = (status(&answer), headers(form, &answer));
        let body = answer["body"].as_str().expect("a body is a string");
        let body = match answer["isBase64Encoded"].as_bool().expect("isBase64Encoded is a boolean") {
            true => BASE64.decode(body).expect("base64"),
            false => body.as_bytes().to_vec(),
        };
        Self { status, headers, body, decided }
    }

    pub fn outcome(&self) -> &str {
        self.decided.outcome()
    }

    pub fn code(&self) -> &str {
        self.decided.code()
    }

    /// A header's only value.
    ///
    /// # Panics
    /// If it has several.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values: Vec<_> = self.headers.iter().filter(|(own, _)| own == name).collect();
        assert!(values.len() < 2, "{name}: {values:?}");
        values.first().map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// What a REST API makes of a streamed response so far: status and headers, and the body as it is.
///
/// # Panics
/// If it does not begin as API Gateway needs it.
pub fn streamed(bytes: &[u8]) -> (u16, Vec<(String, String)>, &[u8]) {
    const FIRST: usize = 16_000;
    let end = bytes.iter().take(FIRST).position(|byte| *byte == 0).expect("an end of the head in the first 16 kB");
    let (head, rest) = bytes.split_at(end);
    let body = rest.strip_prefix(&[0; 8]).expect("eight zeros behind the head");
    let head: Value = serde_json::from_slice(head).expect("a head is JSON");
    (status(&head), headers(Form::Rest, &head), body)
}

fn status(answer: &Value) -> u16 {
    answer["statusCode"].as_u64().and_then(|status| status.try_into().ok()).expect("a status")
}

fn headers(form: Form, answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a header is a string").to_owned();
    let members = |name: &str| answer[name].as_object().unwrap_or_else(|| panic!("{name} is an object")).iter();
    if form == Form::Http2 {
        assert!(answer.get("multiValueHeaders").is_none(), "format 2.0 has no multiValueHeaders");
        let cookies = answer["cookies"].as_array().cloned().unwrap_or_default();
        let cookies = cookies.iter().map(|cookie| ("set-cookie".to_owned(), text(cookie)));
        return members("headers").map(|(name, value)| (name.clone(), text(value))).chain(cookies).collect();
    }
    let lines = members("multiValueHeaders").flat_map(|(name, values)| {
        let values = values.as_array().expect("values are a list");
        values.iter().map(move |value| (name.clone(), text(value)))
    });
    lines.collect()
}
