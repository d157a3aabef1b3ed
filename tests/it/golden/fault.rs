//! Our own faults: what is asked for cannot be had, cannot be read, or cannot be said.

use countersign_decision::cache::labels::SigningKeys;
use countersign_decision::cache::records::Records;
use countersign_decision::decision::Fault;
use countersign_decision::limits;
use countersign_tests::deployment::{KEYID, READER};
use countersign_tests::events::Kind;
use serde_json::json;

use super::scenario::{Credential, Play, Scenario, every, on, plain, set, signable};
use super::world::{ISSUER, LIFETIMES, NOW, token};

pub const SCENARIOS: &[Scenario] = &[
    every("the event's ARN is a number", |kind| {
        Play::of(kind, Credential::Key(READER)).event(|event| {
            let arn = if event.get("routeArn").is_some() { "routeArn" } else { "methodArn" };
            event[arn] = json!(7);
        })
    }),
    on(&[Kind::RestToken], "a TOKEN event where the edge's proof is required", |kind| {
        Play::new(kind, &plain("/items").with_header("Authorization", READER))
    }),
    signable("Secrets Manager does not tell the labels", |kind| {
        Play::of(kind, Credential::Key(READER)).world(|world| {
            world.signing_keys = SigningKeys::default();
            world.signing_keys.labels_failed(NOW);
        })
    }),
    signable("AWSCURRENT has no readable value", |kind| {
        Play::of(kind, Credential::Key(READER)).world(|world| {
            world.signing_keys = SigningKeys::default();
            world.label(KEYID, true);
            world.signing_keys.value_missing(KEYID, NOW);
        })
    }),
    signable("AWSPENDING has no value yet", |kind| {
        Play::of(kind, Credential::Key(READER)).world(|world| {
            world.signing_keys = SigningKeys::default();
            world.label(KEYID, false);
            world.signing_keys.value_missing(KEYID, NOW);
        })
    }),
    every("DynamoDB does not answer", |kind| {
        Play::of(kind, Credential::Key(READER)).world(|world| {
            world.keys = Records::default();
            world.keys.failed(NOW);
        })
    }),
    every("strangers have used up this second's look-ups", |kind| {
        Play::of(kind, Credential::Key("nobody-key-0001-imported")).world(|world| {
            for stranger in (0..).take(limits::UNKNOWN_LOOKUPS_PER_SECOND as usize) {
                world.keys.ask(&[stranger; 32], NOW, &LIFETIMES);
            }
        })
    }),
    every("a key record whose grants are no list", |kind| Play::of_reader(kind, set("grants", "GET /items"))),
    every("an issuer whose key set is not JSON", |kind| {
        Play::of(kind, Credential::Token(&token(|_| {}))).world(|world| {
            world.published.insert(ISSUER, "<html>".to_owned());
        })
    }),
    signable("DynamoDB does not answer the nonce's claim", |kind| {
        Play::of(kind, Credential::Key(READER)).env("REPLAY", "all").world(|world| {
            world.claimed = Err(Fault::NonceStoreUnavailable);
        })
    }),
    // A simple answer and a WebSocket's name no resource of these, so there it fits.
    every("more grants than a policy holds", |kind| {
        let wide = (0..limits::GRANTS - 2).map(|n| format!("* /collection-{n:03}/with/a/rather/long/path/*"));
        let all: Vec<_> = ["GET /items", "CONNECT /"].into_iter().map(str::to_owned).chain(wide).collect();
        Play::of_reader(kind, set("grants", all))
    }),
];
