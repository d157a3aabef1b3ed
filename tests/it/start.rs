//! A wrong or missing environment variable stops the start, with a message that names it and says
//! what it should be.

use countersign_tests::deployment::Deployment;
use countersign_tests::events::Kind;

/// Variables set and taken away, the name that the message must hold, and what it must say.
struct Case {
    set: &'static [(&'static str, &'static str)],
    without: &'static [&'static str],
    names: &'static str,
    says: &'static str,
}

const fn set(set: &'static [(&'static str, &'static str)], names: &'static str, says: &'static str) -> Case {
    Case { set, without: &[], names, says }
}

const fn without(without: &'static [&'static str], names: &'static str, says: &'static str) -> Case {
    Case { set: &[], without, names, says }
}

const CASES: &[Case] = &[
    without(&["APIS"], "APIS", "apiId/stage"),
    set(&[("APIS", "")], "APIS", "apiId/stage"),
    set(&[("APIS", "a1b2c3d4e5")], "APIS", "apiId/stage"),
    set(&[("APIS", "a1b2c3d4e5/prod,/beta")], "APIS", "apiId/stage"),
    set(&[("APIS", "*/prod")], "APIS", "apiId/stage"),
    set(&[("APIS", "a1b2c3d4e5/*")], "APIS", "apiId/stage"),
    set(&[("APIS", "a1b2c3d4e5/prod/GET")], "APIS", "apiId/stage"),
    without(&["AUTHORITIES"], "AUTHORITIES", "host"),
    set(&[("AUTHORITIES", "https://api.example.com")], "AUTHORITIES", "host"),
    set(&[("AUTHORITIES", "api.example.com/v1")], "AUTHORITIES", "host"),
    set(&[("AUTHORITIES", "*.example.com")], "AUTHORITIES", "host"),
    without(&["KEY_TABLE"], "KEY_TABLE", "name"),
    without(&["SIGNING_SECRET"], "SIGNING_SECRET", "ARN or name"),
    set(&[("SIGNING_ALGORITHM", "hmac-sha1")], "SIGNING_ALGORITHM", "hmac-sha256"),
    set(&[("SIGNING_ALGORITHM", "none")], "SIGNING_ALGORITHM", "ed25519"),
    set(&[("REQUIRE", "nothing")], "REQUIRE", "edge+caller"),
    set(&[("REQUIRE", "caller+edge")], "REQUIRE", "edge+caller"),
    set(&[("EDGE_PROOF", "none")], "EDGE_PROOF", "signature"),
    set(&[("REPLAY", "on")], "REPLAY", "unsafe"),
    set(&[("HTTP_ANSWER", "boolean")], "HTTP_ANSWER", "policy or simple"),
    set(&[("AUDIT", "none")], "AUDIT", "all, refusals or sample:N"),
    set(&[("AUDIT", "sample:0")], "AUDIT", "sample:N"),
    set(&[("ISSUER_NETWORK", "private")], "ISSUER_NETWORK", "public"),
    set(&[("RESULT_TTL", "-1")], "RESULT_TTL", "0 to 3600"),
    set(&[("RESULT_TTL", "3601")], "RESULT_TTL", "0 to 3600"),
    set(&[("RESULT_TTL", "5m")], "RESULT_TTL", "0 to 3600"),
    // A cache and a proof per request exclude each other.
    set(&[("RESULT_TTL", "300")], "RESULT_TTL", "set it to 0"),
    set(&[("RESULT_TTL", "300"), ("REQUIRE", "edge")], "RESULT_TTL", "set it to 0"),
    // A cached yes would open every route.
    set(
        &[("RESULT_TTL", "300"), ("REQUIRE", "caller"), ("SIGNING_SECRET", ""), ("HTTP_ANSWER", "simple")],
        "HTTP_ANSWER",
        "policy",
    ),
    set(&[("ANONYMOUS_GRANTS", "GET /items")], "ANONYMOUS_GRANTS", "REQUIRE"),
    set(&[("ANONYMOUS_GRANTS", "GET /items"), ("REQUIRE", "caller")], "ANONYMOUS_GRANTS", "REQUIRE"),
    set(&[("ANONYMOUS_GRANTS", "GET items"), ("REQUIRE", "edge")], "ANONYMOUS_GRANTS", "begin with /"),
    set(&[("ANONYMOUS_GRANTS", "FETCH /items"), ("REQUIRE", "edge")], "ANONYMOUS_GRANTS", "method"),
    set(&[("API_KEY_HEADER", "Authorization")], "API_KEY_HEADER", "header"),
    set(&[("API_KEY_HEADER", "edge-key")], "API_KEY_HEADER", "header"),
    set(&[("API_KEY_HEADER", "x api key")], "API_KEY_HEADER", "header"),
    set(&[("PATH_MAP", "api.example.com => /prod")], "PATH_MAP", "host/apiId/stage"),
    set(&[("PATH_MAP", "api.example.com/a1b2c3d4e5/prod: v1 => prod")], "PATH_MAP", "/"),
];

#[tokio::test]
async fn each_variable_is_named_when_it_is_wrong() {
    let deployment = Deployment::new().await;
    for Case { set, without, names, says } in CASES {
        let Err(failed) = deployment.try_authorizer(set, without).await else {
            panic!("the authorizer starts with {set:?} and without {without:?}");
        };
        assert!(!failed.status.success(), "{set:?} {without:?}: {failed:?}");
        let line = failed.message.lines().find(|line| line.contains(names) && line.contains(says));
        assert!(line.is_some(), "{set:?} {without:?}: no line names {names} and says {says:?}: {}", failed.message);
        assert!(!failed.message.contains("panicked"), "{set:?} {without:?}: {}", failed.message);
    }
    assert!(deployment.secret.service.calls().is_empty(), "nothing is called with a wrong configuration");
}

#[tokio::test]
async fn all_that_is_wrong_is_said_at_once() {
    let deployment = Deployment::new().await;
    let failed = deployment.try_authorizer(&[("AUDIT", "none"), ("REPLAY", "on")], &["APIS", "KEY_TABLE"]).await;
    let Err(failed) = failed else { panic!("the authorizer starts") };
    for name in ["AUDIT", "REPLAY", "APIS", "KEY_TABLE"] {
        assert!(failed.message.contains(name), "{name} is not named: {}", failed.message);
    }
}

#[tokio::test]
async fn every_documented_value_starts() {
    let deployment = Deployment::new().await;
    for set in [
        &[("REQUIRE", "edge+caller"), ("EDGE_PROOF", "either"), ("REPLAY", "all")] as &[_],
        &[("REQUIRE", "edge"), ("ANONYMOUS_GRANTS", "GET /items, GET /items/*"), ("EDGE_PROOF", "token")],
        &[("REQUIRE", "caller"), ("SIGNING_SECRET", ""), ("AUTHORITIES", ""), ("RESULT_TTL", "3600")],
        &[("APIS", "a1b2c3d4e5/$default, f6g7h8i9j0/prod"), ("AUTHORITIES", "API.example.com:443,127.0.0.1:4566")],
        &[("AUDIT", "sample:100"), ("HTTP_ANSWER", "simple"), ("METRICS_NAMESPACE", "Elsewhere")],
        &[("PATH_MAP", "api.example.com/a1b2c3d4e5/prod: /v1 => /prod"), ("API_KEY_HEADER", "X-Their-Key")],
        &[("SIGNING_ALGORITHM", "ecdsa-p256-sha256"), ("ISSUER_NETWORK", "public"), ("AUDIT", "refusals")],
    ] {
        if let Err(failed) = deployment.try_authorizer(set, &[]).await {
            panic!("{set:?}: {failed:?}");
        }
    }
}

/// Look-ups of the first request are not to pay for what the start can do.
#[tokio::test]
async fn labels_and_the_current_key_are_loaded_before_the_first_event() {
    let deployment = Deployment::new().await;
    let function = deployment.authorizer(&[]).await;
    let service = &deployment.secret.service;
    let loaded = (service.count("DescribeSecret", ""), service.count("GetSecretValue", deployment.edge.keyid()));
    assert_eq!(loaded, (1, 1));
    deployment.send(&function, Kind::Http2, &deployment.signed("GET", "/items", "nobody-key-0001-imported")).await;
    assert_eq!((service.count("DescribeSecret", ""), service.count("GetSecretValue", "")), (1, 1));
}
