//! Refusals before anyone asks who calls: the API, the host, the path, and the edge's proof.

use countersign_tests::deployment::{READER, key_hash};
use countersign_tests::events::Kind;
use countersign_tests::signer::{Draft, EdgeKey, quoted};
use serde_json::json;

use super::scenario::{Credential, EDGE, Play, Scenario, draft, every, on, plain, set, signable, times, with};
use super::world::{edge_token, token};

/// The kinds that tell which path was asked for.
const ROUTED: &[Kind] = &[Kind::RestToken, Kind::RestRequest, Kind::Http1, Kind::Http2];

pub const REQUEST: &[Scenario] = &[
    every("APIS does not list the stage", |kind| {
        Play::of(kind, Credential::Key(READER)).env("APIS", "a1b2c3d4e5/beta")
    }),
    signable("AUTHORITIES does not list the host", |kind| {
        Play::of(kind, Credential::Key(READER)).env("AUTHORITIES", "api.example.com")
    }),
    signable("600 header lines more", |kind| {
        Play::signed(kind, |draft| {
            (0..600).fold(draft.sign(), |request, n| request.with_header(&format!("X-{n}"), "1"))
        })
    }),
    every("a wildcard in the path", |kind| Play::of_to(kind, "/items/*", Credential::Key(READER))),
    on(ROUTED, "an inside door, under a caller's credential", |kind| {
        Play::of_to(kind, "/.countersign/probe", Credential::Key(READER)).reader(set("grants", json!(["* /*"])))
    }),
];

pub const PROOF: &[Scenario] = &[
    signable("no proof of the edge", |kind| Play::new(kind, &plain("/items"))),
    signable("Edge-Key without a signature", |kind| {
        Play::new(kind, &plain("/items").with_header("Edge-Key", &key_hash(READER)))
    }),
    signable("Edge-Key beside the signature, not covered by it", |kind| {
        let covered = ["@method", "@authority", "edge-target", "edge-client"];
        Play::signed(kind, |draft| draft.covering(&covered).sign())
    }),
    signable("Signature-Input is no structured field", |kind| {
        Play::signed(kind, |draft| with(draft.sign(), "Signature-Input", "edge"))
    }),
    signable("two signatures with our tag", |kind| {
        Play::signed(kind, |draft| {
            let params = draft.signature_params();
            with(draft.sign(), "Signature-Input", &format!("edge={params}, edge2={params}"))
        })
    }),
    signable("@authority is not covered", |kind| {
        Play::signed(kind, |draft| draft.covering(&["@method", "edge-target", "edge-client", "edge-key"]).sign())
    }),
    signable("created a minute from now", |kind| Play::signed(kind, |draft| times(draft, 60, 120).sign())),
    signable("created 61 seconds ago", |kind| Play::signed(kind, |draft| times(draft, -61, 60).sign())),
    signable("expired a second ago", |kind| Play::signed(kind, |draft| times(draft, -30, -1).sign())),
    signable("valid for 301 seconds", |kind| Play::signed(kind, |draft| times(draft, 0, 301).sign())),
    signable("keyid is no labelled version", |kind| {
        Play::signed(kind, |draft| draft.parameter("keyid", quoted("0d9f4f3e-6f4b-4a53-8f2e-6a1c36b0affe")).sign())
    }),
    signable("alg is not the key's", |kind| {
        Play::signed(kind, |draft| draft.parameter("alg", quoted("ed25519")).sign())
    }),
    signable("signed with a key that is not the edge's", |kind| {
        Play::signed(kind, |draft| draft.sign_with(&EdgeKey::random(EDGE.keyid())))
    }),
    signable("Edge-Target is no path", |kind| Play::signed(kind, |draft| target(draft, "items").sign())),
    signable("Edge-Target is in another stage", |kind| Play::signed(kind, |draft| target(draft, "/beta/items").sign())),
    signable("Edge-Client is no dictionary with an ip", |kind| {
        Play::signed(kind, |draft| draft.without_header("edge-client").header("Edge-Client", "203.0.113.7").sign())
    }),
    signable("Edge-Key is no hash", |kind| Play::new(kind, &draft("/items").key_hash(READER).sign())),
    signable("no nonce where one is required", |kind| {
        Play::signed(kind, |draft| draft.without_parameter("nonce").sign()).env("REPLAY", "all")
    }),
    signable("a nonce of five characters", |kind| {
        Play::signed(kind, |draft| draft.parameter("nonce", quoted("short")).sign())
    }),
    signable("a nonce that was claimed before", |kind| {
        Play::of(kind, Credential::Key(READER)).env("REPLAY", "all").world(|world| world.claimed = Ok(false))
    }),
    signable("the edge's own proof on another route", |kind| {
        Play::new(kind, &draft("/items").parameter("tag", quoted("countersign-inside")).sign())
    }),
    signable("Edge-Token of an issuer that is not the edge's", |kind| with_edge_token(kind, &token(|_| {}))),
    signable("Edge-Token beside a signature", |kind| {
        Play::signed(kind, |draft| draft.sign().with_header("Edge-Token", &edge_token()))
    }),
];

fn target(draft: Draft<'static>, target: &str) -> Draft<'static> {
    draft.without_header("edge-target").header("Edge-Target", target)
}

fn with_edge_token(kind: Kind, token: &str) -> Play {
    let request = plain("/items").with_header("Edge-Token", token).with_header("X-Api-Key", READER);
    Play::new(kind, &request).env("EDGE_PROOF", "token")
}
