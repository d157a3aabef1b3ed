//! What is allowed, so that the table also shows what a yes looks like.

use countersign_tests::deployment::READER;
use countersign_tests::events::Kind;
use countersign_tests::signer::quoted;

use super::scenario::{Credential, Play, Scenario, draft, every, on, plain, signable};
use super::world::{edge_token, token};

pub const SCENARIOS: &[Scenario] = &[
    every("an API key", |kind| Play::of(kind, Credential::Key(READER))),
    every("an OIDC token", |kind| Play::of(kind, Credential::Token(&token(|_| {})))),
    signable("an API key and an OIDC token", |kind| Play::signed(kind, |draft| draft.bearer(&token(|_| {})).sign())),
    every("an API key where no edge is known", |kind| Play::direct(kind, Credential::Key(READER))),
    signable("nobody, where anonymous requests are granted something", |kind| {
        let play = Play::new(kind, &draft("/items").sign());
        play.env("REQUIRE", "edge").env("ANONYMOUS_GRANTS", "GET /items, CONNECT /")
    }),
    signable("the edge's token and an API key", |kind| {
        let request = plain("/items").with_header("Edge-Token", &edge_token()).with_header("X-Api-Key", READER);
        Play::new(kind, &request).env("EDGE_PROOF", "token")
    }),
    on(&[Kind::RestRequest, Kind::Http1, Kind::Http2], "the edge itself at an inside door", |kind| {
        let draft = draft("/.countersign/probe").parameter("tag", quoted("countersign-inside"));
        Play::new(kind, &draft.sign())
    }),
];
