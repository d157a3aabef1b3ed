//! The vectors, by name: what every kind of event accepts under every algorithm, and what is refused.

use countersign_tests::deployment::{READER, key_hash};
use countersign_tests::events::{Api, Kind};
use countersign_tests::signer::{EdgeKey, quoted};

use super::case::{Case, NOW};
use super::keys;

const ALL_ESCAPES: &str = "/items/a%20b/caf%C3%A9+c%2Bd/?x=1&x=2&y=a+b%2Bc&z=&z2&q=%E2%82%AC%26";
const V1: &str = "api.example.com/abc/prod: /v1 => /prod";

fn prod() -> Api {
    Api::new("abc", "prod")
}

fn default() -> Api {
    Api::new("abc", "$default")
}

fn v1() -> Api {
    prod().behind("api.example.com", "/v1")
}

/// Vectors whose decision is to allow.
pub fn accepted(keyid: &str) -> Vec<Case> {
    let key = keys::signing(keyid);
    let get = |name: &str, kind, api, resource: &str| Case::new(name, key, kind, api, "GET", resource);
    let mut cases = vec![
        get("rest_request", Kind::RestRequest, prod(), ALL_ESCAPES),
        get("http_1.0", Kind::Http1, prod(), ALL_ESCAPES),
        get("http_2.0", Kind::Http2, prod(), ALL_ESCAPES),
        get("http_2.0 on $default", Kind::Http2, default(), ALL_ESCAPES),
        get("websocket", Kind::WebSocket, prod(), "?x=1&x=2&y=a+b"),
        get("rest_request behind a base path", Kind::RestRequest, v1(), "/items?x=1").path_map(V1),
        get("http_2.0 behind a base path", Kind::Http2, v1(), "/items?x=1").path_map(V1),
    ];
    cases.extend(parameters(key));
    cases
}

/// Signatures that differ in their parameters and in what they cover.
fn parameters(key: &'static EdgeKey) -> [Case; 5] {
    let http =
        |name: &str, method: &str, resource: &str| Case::new(name, key, Kind::Http2, default(), method, resource);
    [
        http("a post with a nonce and a digest", "POST", "/items")
            .nonce("BQmnZrbVYbkXFJuGQAMz7A")
            .signs(|draft| draft.header("Content-Digest", "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:")),
        http("another edge header, and a header that is not signed", "GET", "/items")
            .signs(|draft| draft.header("Edge-Route", "r-7").header("Accept", "*/*")),
        http("parameters in another order, without alg", "GET", "/items").signs(|draft| {
            let (created, expires) = (NOW.to_string(), (NOW + 60).to_string());
            let bare = ["created", "expires", "keyid", "alg", "tag"]
                .into_iter()
                .fold(draft, |draft, name| draft.without_parameter(name));
            bare.parameter("tag", quoted("countersign"))
                .parameter("keyid", quoted(key.keyid()))
                .parameter("expires", expires)
                .parameter("created", created)
        }),
        http("components in another order, under another label", "GET", "/items").signs(|draft| {
            let mut draft = draft.covering(&["edge-key", "edge-client", "edge-target", "@authority", "@method"]);
            draft.label = "sig-1".to_owned();
            draft
        }),
        http("the edge's own probe", "GET", "/.countersign/probe").signs(|draft| {
            draft
                .without_header("edge-key")
                .without_header("edge-client")
                .covering(&["@method", "@authority", "edge-target"])
                .parameter("tag", quoted("countersign-inside"))
        }),
    ]
}

/// Vectors whose decision is to refuse, or a fault.
pub fn refused() -> Vec<Case> {
    let key = keys::signing(keys::HMAC);
    let get = |name: &str, kind, resource: &str| Case::new(name, key, kind, prod(), "GET", resource);
    let mut cases = vec![
        get("no signature", Kind::RestRequest, "/items")
            .on_the_way(|mut request| {
                request.headers.retain(|(name, _)| !name.starts_with("Edge-") && !name.starts_with("Signature"));
                request.with_header("X-Api-Key", READER)
            })
            .is("edge_proof_missing"),
        get("a token event cannot carry the proof", Kind::RestToken, "/items")
            .on_the_way(|request| request.with_header("Authorization", READER))
            .is("token_event_needs_edge"),
        get("edge headers without a signature", Kind::Http2, "/items")
            .on_the_way(|mut request| {
                request.headers.retain(|(name, _)| !name.starts_with("Signature"));
                request
            })
            .is("edge_header_unsigned"),
        get("an edge header added on the way", Kind::RestRequest, "/items")
            .on_the_way(|request| request.with_header("edge-route", "r-8"))
            .is("edge_header_unsigned"),
        get("a signed header sent twice", Kind::RestRequest, "/items")
            .on_the_way(|request| request.with_header("edge-target", "/prod/other"))
            .is("signature_coverage"),
        get("another key's hash on the way", Kind::Http2, "/items")
            .on_the_way(|mut request| {
                request.headers.retain(|(name, _)| name != "Edge-Key");
                request.with_header("Edge-Key", &key_hash("another-key-0001"))
            })
            .is("signature_invalid"),
        get("the target is not covered", Kind::RestRequest, "/items")
            .signs(|draft| draft.covering(&["@method", "@authority", "edge-client", "edge-key"]))
            .is("signature_coverage"),
        get("two signatures with our tag", Kind::RestRequest, "/items")
            .on_the_way(|mut request| {
                for (name, value) in &mut request.headers {
                    if name.starts_with("Signature") {
                        *value = format!("{value}, {}", value.replacen("edge=", "edge2=", 1));
                    }
                }
                request
            })
            .is("signature_ambiguous"),
        get("an inside door under a caller's signature", Kind::Http2, "/.countersign/probe").is("inside_path"),
        get("a key that no record grants the route", Kind::RestRequest, "/admin").is("grant_missing"),
    ];
    cases.extend(fields(key));
    cases.extend(times(key));
    cases.extend(moved(key));
    cases.extend(targets(key));
    cases
}

/// What is not written as the profile asks for.
fn fields(key: &'static EdgeKey) -> [Case; 5] {
    let get = |name: &str| Case::new(name, key, Kind::RestRequest, prod(), "GET", "/items");
    let instead =
        |case: Case, name: &str, value: &str| case.signs(|draft| draft.without_header(name).header(name, value));
    [
        instead(get("an address that is none"), "Edge-Client", "ip=\"nowhere\"").is("edge_client_malformed"),
        instead(get("a hash in capitals"), "Edge-Key", &key_hash(READER).to_uppercase()).is("edge_key_malformed"),
        get("a nonce of 15 characters").nonce("BQmnZrbVYbkXFJu").is("nonce_malformed"),
        get("parameters that are cut off")
            .on_the_way(|mut request| {
                for (name, value) in &mut request.headers {
                    if name == "Signature-Input" {
                        value.truncate(value.len() - 1);
                    }
                }
                request
            })
            .is("signature_malformed"),
        get("more header lines than any gateway sends on")
            .on_the_way(|request| (0..512).fold(request, |request, _| request.with_header("X-Padding", "")))
            .is("headers_too_many"),
    ]
}

/// Time, nonce and algorithm.
fn times(key: &'static EdgeKey) -> [Case; 8] {
    let get = |name: &str| Case::new(name, key, Kind::Http2, prod(), "GET", "/items");
    let post = |name: &str| Case::new(name, key, Kind::Http2, prod(), "POST", "/items");
    let window = |case: Case, created: u64, expires: u64| {
        case.signs(|draft| draft.parameter("created", created.to_string()).parameter("expires", expires.to_string()))
    };
    [
        window(get("created six seconds from now"), NOW + 6, NOW + 60).is("signature_future"),
        window(get("created 61 seconds ago"), NOW - 61, NOW + 60).is("signature_stale"),
        window(get("expired"), NOW - 30, NOW - 1).is("signature_expired"),
        window(get("valid for 301 seconds"), NOW, NOW + 301).is("signature_window"),
        get("the key's algorithm is another")
            .signs(|draft| draft.parameter("alg", quoted("ed25519")))
            .is("signature_algorithm"),
        get("a key that the secret does not have")
            .signs(|draft| draft.parameter("keyid", quoted("test-key-gone")))
            .is("signature_key_unknown"),
        post("a post without a nonce").is("nonce_missing"),
        post("a post a second time")
            .nonce("BQmnZrbVYbkXFJuGQAMz7A")
            .claimed("nonce#test-shared-secret#BQmnZrbVYbkXFJuGQAMz7A")
            .is("nonce_replayed"),
    ]
}

/// A signed request, sent to another place than it was signed for.
fn moved(key: &'static EdgeKey) -> [Case; 9] {
    let to = |name: &str, kind, api: Api, resource: &str| {
        Case::new(name, key, kind, prod(), "GET", "/items?x=1&x=2").arrives_at(api, resource).is("target_mismatch")
    };
    [
        to("moved to another path", Kind::RestRequest, prod(), "/items/7?x=1&x=2"),
        to("moved to another query", Kind::RestRequest, prod(), "/items?x=1&x=3"),
        to("moved to another order of one name's values", Kind::RestRequest, prod(), "/items?x=2&x=1"),
        to("moved by a slash", Kind::Http2, prod(), "/items/?x=1&x=2"),
        to("moved by a query parameter", Kind::Http2, prod(), "/items?x=1&x=2&y"),
        to("moved to another stage", Kind::Http2, Api::new("abc", "dev"), "/items?x=1&x=2")
            .variable("APIS", "abc/prod,abc/dev"),
        to("moved to another API", Kind::RestRequest, Api { id: "xyz".to_owned(), ..prod() }, "/items?x=1&x=2")
            .is("api_unknown"),
        to("moved to another host", Kind::RestRequest, v1(), "/items?x=1&x=2").is("authority_unknown"),
        Case::new("moved to another base path", key, Kind::RestRequest, v1(), "GET", "/items")
            .path_map(V1)
            .arrives_at(prod().behind("api.example.com", "/v2"), "/items")
            .is("target_mismatch"),
    ]
}

/// Targets that no event kind can be held against, or that are hostile wherever they lead.
fn targets(key: &'static EdgeKey) -> [Case; 6] {
    let get = |name: &str, kind, resource: &str| Case::new(name, key, kind, prod(), "GET", resource);
    let http_1 = Api { http1_multi_value: false, ..prod() };
    [
        get("an escaped slash", Kind::RestRequest, "/items/a%2Fb").is("target_malformed"),
        get("an escaped question mark", Kind::Http2, "/items/a%3Fb").is("path_hostile"),
        get("dot segments", Kind::RestRequest, "/items/../admin").is("path_hostile"),
        get("escaped dot segments", Kind::Http2, "/items/%2e%2e/admin").is("path_hostile"),
        get("a wildcard", Kind::Http1, "/items/*").is("path_hostile"),
        Case::new("a query without multi-value maps", key, Kind::Http1, http_1, "GET", "/items?x=1")
            .is("target_mismatch"),
    ]
}
