//! `callers.json`: who calls, by API key and by token, and what edge and authorizer make of it.
//!
//! The edge judges what the authorizer judges after it, so that what would be refused is not sent.
//! Where the two differ, and may, the vector says so.

mod by_key;
mod by_token;
mod case;
mod refused_tokens;
mod token;

use countersign_decision::api_key::KeyHash;
use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::signer::{Draft, quoted};
use serde_json::{Value, json};

use super::decide::Found;
use super::{header, keys, made, text};

const ABOUT: &str = "Made by tests/it/vectors.rs; not to be edited. A client at the address `client` sends GET /items \
    with `headers` at `now` (seconds). `key_table` is what the authorizer finds, `store` what is published of it (names \
    and values of the edge's store), `key_sets` what is at the issuers' addresses. `expected` has code and status of \
    the decision: of an authorizer under `environment`, asked straight or behind the edge's signature, and of the edge \
    on a route that takes any credential; where the edge's is another, `edge` has it, and why. Tokens are signed with \
    the public test keys of RFC 9421 Appendix B.1: never use them for anything else. A PS256 or ES256 signature is one \
    of many valid ones.";

pub fn make(stored: Option<&Value>) -> Value {
    let cases = by_key::cases().into_iter().chain(by_token::cases()).chain(refused_tokens::cases());
    let vectors: Vec<_> = cases.map(|case| case.vector(stored)).collect();
    json!({ "about": ABOUT, "vectors": vectors })
}

fn vectors() -> &'static [Value] {
    made("callers")["vectors"].as_array().unwrap()
}

fn found<'v>(vector: &'v Value, keys: &'v Value) -> Found<'v> {
    Found { keys, key_table: &vector["key_table"], key_sets: &vector["key_sets"], claimed_nonces: &Value::Null }
}

fn lines(vector: &Value) -> impl Iterator<Item = (&str, &str)> {
    vector["headers"].as_array().unwrap().iter().map(|line| (text(&line[0]), text(&line[1])))
}

fn now(vector: &Value) -> u64 {
    vector["now"].as_u64().unwrap()
}

/// As a deployment without an edge sees it.
#[test]
fn every_caller_is_judged_as_its_vector_says() {
    let api = Api::new("abc", "prod");
    for vector in vectors() {
        let mut request = WireRequest::new("GET", &api.domain, &api.target("/items"));
        request.headers = lines(vector).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut event = api.event(Kind::RestRequest, &request);
        event["requestContext"]["identity"]["sourceIp"] = vector["client"].clone();
        let code = found(vector, &Value::Null).code(&vector["environment"], &event, now(vector));
        assert_eq!(code, text(&vector["expected"]["code"]), "{}", vector["name"]);
    }
}

/// The edge has signed for it, whatever it thinks of it: the same comes of it, and the address that counts is the one
/// that the edge has seen.
#[test]
fn behind_the_edge_s_signature_every_caller_is_judged_alike() {
    let api = Api::new("abc", "prod");
    let environment = json!({
        "APIS": "abc/prod", "AUTHORITIES": api.domain, "SIGNING_ALGORITHM": keys::signing(keys::HMAC).algorithm(),
    });
    let edge_keys = json!([keys::described(keys::HMAC)]);
    let mut judged = 0;
    for vector in vectors() {
        let Some(draft) = signed(vector, &api) else { continue };
        for kind in Kind::SIGNABLE {
            // Only there is a WebSocket's handshake what was signed.
            let resource = if kind == Kind::WebSocket { "" } else { "/items" };
            let mut draft = draft.clone();
            draft.target = api.target(resource);
            let draft = draft.without_header("edge-target").header("Edge-Target", &api.target(resource));
            let event = api.event(kind, &draft.sign());
            let code = found(vector, &edge_keys).code(&environment, &event, now(vector));
            assert_eq!(code, text(&vector["expected"]["code"]), "{} {kind:?}", vector["name"]);
        }
        judged += 1;
    }
    assert!(judged >= vectors().len() * 3 / 4, "{judged} of {}", vectors().len());
}

/// `None` where there is nothing that an edge could sign: a key without a hash, a credential twice; or where answers
/// are reused, which no signed request allows.
fn signed(vector: &Value, api: &Api) -> Option<Draft<'static>> {
    let count = |name: &str| lines(vector).filter(|(sent, _)| sent.eq_ignore_ascii_case(name)).count();
    if count("x-api-key") > 1 || count("authorization") > 1 || !vector["environment"]["RESULT_TTL"].is_null() {
        return None;
    }
    let client = format!("ip={}", quoted(text(&vector["client"])));
    let mut draft = Draft::new(keys::signing(keys::HMAC), "GET", &api.domain, &api.target("/items"))
        .parameter("created", now(vector).to_string())
        .parameter("expires", (now(vector) + 60).to_string())
        .without_header("edge-client")
        .header("Edge-Client", &client);
    if let Some(raw) = header(vector, "x-api-key") {
        draft = draft.key_hash(&KeyHash::of_raw(raw).ok()?.to_hex());
    }
    let others = lines(vector).filter(|(name, _)| !name.eq_ignore_ascii_case("x-api-key"));
    Some(others.fold(draft, |draft, (name, value)| draft.header(name, value)))
}

/// What the file says of the edge is held against the edge by its own tests; that it says no more than it must, here.
#[test]
fn only_where_edge_and_authorizer_differ_the_vector_says_both() {
    for vector in vectors() {
        let (expected, name) = (&vector["expected"], &vector["name"]);
        let edge = &expected["edge"];
        if !edge.is_null() {
            assert_ne!(edge["code"], expected["code"], "{name}");
            assert!(text(&edge["why"]).len() > 20, "{name}");
        }
    }
}
