//! Refusals of a caller: no credential or too many, an API key, an OIDC token, a route.

use countersign_decision::limits;
use countersign_tests::deployment::READER;
use countersign_tests::events::Kind;
use countersign_tests::issuer::{Algorithm, SigningKey, token_with};
use serde_json::{Value, json};

use super::scenario::{Credential, Play, Scenario, draft, every, plain, set, signable};
use super::world::{ISSUER, NOW, claims, edge_token, header, issuer_record, token, token_under};

pub const CREDENTIALS: &[Scenario] = &[
    every("no credential", |kind| Play::without_edge(kind, &plain("/items"))),
    signable("the edge's signature alone", |kind| Play::new(kind, &draft("/items").sign())),
    signable("a raw key beside the edge's signature", |kind| {
        Play::signed(kind, |draft| draft.header("X-Api-Key", READER).sign())
    }),
    // In a TOKEN event whatever is not Bearer is an API key.
    signable("Authorization: Basic", |kind| {
        Play::signed(kind, |draft| draft.header("Authorization", "Basic YWNtZTpwYXNz").sign())
    }),
    signable("a key and a token that say more than an answer's context takes", |kind| {
        let scopes = format!("items:read {}", "x".repeat(limits::SCOPES_TEXT - 20));
        let token = token(set("scope", scopes));
        let about = "x".repeat(limits::KEY_CONTEXT - 5);
        let digest = "x".repeat(limits::CONTENT_DIGEST);
        let play = Play::signed(kind, move |draft| draft.bearer(&token).header("Content-Digest", &digest).sign());
        play.reader(set("context", json!({ "about": about, })))
    }),
    every("no grant for the route", |kind| Play::of_reader(kind, set("grants", json!(["PUT /elsewhere"])))),
    every("no grant for the route, where answers are reused", |kind| {
        let play = Play::direct(kind, Credential::Key(READER)).reader(set("grants", json!(["PUT /elsewhere"])));
        play.env("RESULT_TTL", "300")
    }),
];

pub const API_KEY: &[Scenario] = &[
    every("a key too short to be one", |kind| Play::direct(kind, Credential::Key("short"))),
    every("a key that no record names", |kind| Play::of(kind, Credential::Key("nobody-key-0001-imported"))),
    every("a disabled key", |kind| Play::of_reader(kind, set("status", "disabled"))),
    every("a suspended key", |kind| Play::of_reader(kind, set("status", "suspended"))),
    every("a revoked key", |kind| Play::of_reader(kind, set("status", "revoked"))),
    every("a key that expires now", |kind| Play::of_reader(kind, set("expires_at", NOW.as_secs()))),
    every("a key of other addresses", |kind| Play::of_reader(kind, set("cidrs", json!(["192.0.2.0/24"])))),
];

pub const TOKEN: &[Scenario] = &[
    every("no JWT behind Bearer", |kind| Play::of(kind, Credential::Token("not.a.token"))),
    every("a token longer than 8,192 bytes", |kind| {
        Play::of(kind, Credential::Token(&token(set("pad", "x".repeat(6_700)))))
    }),
    every("a header with jku", |kind| {
        Play::of(kind, Credential::Token(&token_under(set("jku", "https://attacker.example/jwks"))))
    }),
    every("typ is not an access token's", |kind| {
        Play::of(kind, Credential::Token(&token_under(set("typ", "logout+jwt"))))
    }),
    every("alg none", |kind| Play::of(kind, Credential::Token(&token_under(set("alg", "none"))))),
    every("an issuer without a record", |kind| with_claim(kind, "iss", "https://stranger.example")),
    every("the edge's own token as a caller's", |kind| Play::of(kind, Credential::Token(&edge_token()))),
    every("kid names no key of the issuer", |kind| {
        Play::of(kind, Credential::Token(&token_under(set("kid", "other"))))
    }),
    every("kid names a key for encryption", |kind| {
        let verifying = SigningKey::generate("verifying", Algorithm::Es256).jwk();
        let mut encrypting = SigningKey::generate("encrypting", Algorithm::Es256).jwk();
        encrypting["use"] = json!("enc");
        Play::of(kind, Credential::Token(&token_under(set("kid", "encrypting")))).world(|world| {
            world.published.insert(ISSUER, json!({ "keys": [verifying, encrypting] }).to_string());
        })
    }),
    every("signed with a key that is not the issuer's", |kind| {
        let forger = SigningKey::generate("forger", Algorithm::Es256);
        Play::of(kind, Credential::Token(&token_with(&forger, &header(), &claims())))
    }),
    every("exp is a string", |kind| with_claim(kind, "exp", "1795341900")),
    every("aud is another API's", |kind| with_claim(kind, "aud", "https://other.example.com")),
    every("expired five seconds ago", |kind| with_claim(kind, "exp", NOW.as_secs() - 5)),
    every("nbf is a minute from now", |kind| with_claim(kind, "nbf", NOW.as_secs() + 60)),
    every("lives longer than a day", |kind| with_claim(kind, "exp", NOW.as_secs() + 86_401)),
    every("expires while the answer may be reused", |kind| {
        let token = token(set("exp", NOW.as_secs() + 299));
        Play::direct(kind, Credential::Token(&token)).env("RESULT_TTL", "300")
    }),
    every("a claim that the issuer's record requires is missing", |kind| {
        let mut record = issuer_record();
        record["required_claims"] = json!({ "tenant": "acme" });
        Play::of(kind, Credential::Token(&token(|_| {}))).world(|world| world.put_issuer(ISSUER, &record))
    }),
];

fn with_claim(kind: Kind, name: &'static str, value: impl Into<Value>) -> Play {
    Play::of(kind, Credential::Token(&token(set(name, value))))
}
