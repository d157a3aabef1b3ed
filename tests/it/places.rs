//! A signed request is good for one place: one API, stage, host, base path, method, path and query.

use countersign_tests::deployment::{Deployment, OWNER, READER, key_hash, send};
use countersign_tests::events::{Api, Kind, WireRequest};
use countersign_tests::signer::Draft;
use serde_json::json;

/// The kinds that show a method.
const WITH_METHOD: [Kind; 3] = [Kind::RestRequest, Kind::Http1, Kind::Http2];

/// One deployment answers for several places; a request signed for one of them is refused at all others.
#[tokio::test]
async fn a_signed_request_is_good_for_one_place() {
    let deployment = Deployment::with_owner().await;
    let home = Api::new("a1b2c3d4e5", "prod");
    let domain = "api.example.com";
    let v1 = home.clone().behind(domain, "/v1");
    let elsewhere = [
        ("stage", Api::new("a1b2c3d4e5", "beta")),
        ("api", Api::new("f6g7h8i9j0", "prod")),
        ("host", v1.clone()),
        ("base path", Api::new("f6g7h8i9j0", "prod").behind(domain, "/v2")),
    ];
    let hosts = [&home, &elsewhere[1].1, &v1].map(|api| api.domain.clone()).join(",");
    let env = [
        ("APIS", "a1b2c3d4e5/prod,a1b2c3d4e5/beta,f6g7h8i9j0/prod"),
        ("AUTHORITIES", hosts.as_str()),
        ("PATH_MAP", "api.example.com/a1b2c3d4e5/prod: /v1 => /prod; api.example.com/f6g7h8i9j0/prod: /v2 => /prod"),
    ];
    let function = deployment.authorizer(&env).await;
    let signed_for = |api: &Api, resource: &str| {
        let draft = Draft::new(&deployment.edge, "GET", &api.domain, &api.target(resource));
        draft.key_hash(&key_hash(OWNER)).sign()
    };
    let places: Vec<_> = [("home", home), ("v1", v1)].into_iter().chain(elsewhere).collect();

    for kind in [Kind::RestRequest, Kind::Http1, Kind::Http2] {
        for (i, (origin, from)) in places.iter().enumerate() {
            let request = signed_for(from, "/items?page=1");
            let response = send(from, &function, kind, &request).await;
            assert_eq!((response.status, response.code()), (200, "allow"), "{kind:?} at {origin}: {response:?}");
            for (j, (name, to)) in places.iter().enumerate() {
                if i == j || (from.domain == to.domain && from.target("") == to.target("")) {
                    continue;
                }
                // The attacker sends the captured headers to the other place.
                let mut replay = request.clone();
                (replay.authority, replay.target) = (to.domain.clone(), to.target("/items?page=1"));
                let response = send(to, &function, kind, &replay).await;
                assert_eq!(response.outcome(), "refuse", "{kind:?} from {origin} at {name}: {response:?}");
                let expected = if from.domain == to.domain { "target_mismatch" } else { "signature_invalid" };
                assert_eq!(response.code(), expected, "{kind:?} from {origin} at {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_connection_is_signed_for_one_stage_host_and_query() {
    let deployment = Deployment::with_owner().await;
    let [home, stage, other] =
        [("a1b2c3d4e5", "prod"), ("a1b2c3d4e5", "beta"), ("f6g7h8i9j0", "prod")].map(|(id, stage)| Api::new(id, stage));
    let hosts = [&home, &other].map(|api| api.domain.clone()).join(",");
    let env = [("APIS", "a1b2c3d4e5/prod,a1b2c3d4e5/beta,f6g7h8i9j0/prod"), ("AUTHORITIES", hosts.as_str())];
    let function = deployment.authorizer(&env).await;
    let draft = Draft::new(&deployment.edge, "GET", &home.domain, &home.target("?room=1"));
    let request = draft.key_hash(&key_hash(OWNER)).sign();
    assert_eq!(send(&home, &function, Kind::WebSocket, &request).await.code(), "allow");

    for (api, query, code) in [
        (&home, "?room=2", "target_mismatch"),
        (&home, "", "target_mismatch"),
        (&home, "?room=1&room=1", "target_mismatch"),
        (&home, "?room=1&admin=1", "target_mismatch"),
        (&stage, "?room=1", "target_mismatch"),
        (&other, "?room=1", "signature_invalid"),
    ] {
        let mut replay = request.clone();
        (replay.authority, replay.target) = (api.domain.clone(), api.target(query));
        let response = send(api, &function, Kind::WebSocket, &replay).await;
        assert_eq!((response.outcome(), response.code()), ("refuse", code), "{}/{} {query}", api.id, api.stage);
    }
}

#[tokio::test]
async fn a_signed_request_is_good_for_one_method_path_and_query() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[("REPLAY", "off")]).await;
    let request = deployment.signed("GET", "/items?page=1&sort=up&tag=a&tag=b", OWNER);
    let methods = ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get"];
    let targets = [
        "/items",
        "/items?",
        "/items?page=2&sort=up&tag=a&tag=b",
        "/items?page=1&sort=up&tag=a",
        "/items?page=1&sort=up&tag=b&tag=a",
        "/items?page=1&sort=up&tag=a&tag=b&admin=1",
        "/items?page=1&sort=up&tag=a&tag=b&tag=b",
        "/items/?page=1&sort=up&tag=a&tag=b",
        "/items/1?page=1&sort=up&tag=a&tag=b",
        "/admin?page=1&sort=up&tag=a&tag=b",
        "/Items?page=1&sort=up&tag=a&tag=b",
    ];
    for kind in WITH_METHOD {
        assert_eq!(deployment.send(&function, kind, &request).await.code(), "allow", "{kind:?}");
        for method in methods {
            let replay = WireRequest { method: method.to_owned(), ..request.clone() };
            let response = deployment.send(&function, kind, &replay).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", "signature_invalid"), "{kind:?} {method}");
        }
        for target in targets {
            let replay = WireRequest { target: deployment.api.target(target), ..request.clone() };
            let response = deployment.send(&function, kind, &replay).await;
            assert_eq!((response.outcome(), response.code()), ("refuse", "target_mismatch"), "{kind:?} {target}");
        }
    }
}

/// REST rewrites the method that it reports by this header, and so only invalidates the signature.
#[tokio::test]
async fn a_method_override_changes_nothing_that_was_signed() {
    let deployment = Deployment::with_owner().await;
    let function = deployment.authorizer(&[]).await;
    for (signed, wanted) in [("GET", "DELETE"), ("GET", "POST"), ("POST", "GET"), ("DELETE", "OPTIONS")] {
        for kind in WITH_METHOD {
            let request = deployment.signed(signed, "/items", OWNER);
            let request = request.with_header("X-HTTP-Method-Override", wanted);
            let response = deployment.send(&function, kind, &request).await;
            if kind == Kind::RestRequest {
                assert_eq!((response.status, response.code()), (401, "signature_invalid"), "{signed} as {wanted}");
            } else {
                // HTTP APIs do not know the header: the request is the one that was signed.
                assert_eq!((response.status, response.code()), (200, "allow"), "{kind:?} {signed} as {wanted}");
                assert_eq!(response.decided.audit["method"], signed);
            }
        }
    }
}

/// The signature is good; the place is none that this authorizer answers for.
#[tokio::test]
async fn an_api_or_host_that_is_not_ours_is_refused() {
    let deployment = Deployment::with_owner().await;
    let (signed, unsigned) = (deployment.authorizer(&[]).await, deployment.authorizer(&[("REQUIRE", "caller")]).await);
    let own = deployment.api.clone();
    let other_api = Api { id: "f6g7h8i9j0".to_owned(), ..own.clone() };
    let other_host = own.clone().behind("elsewhere.example.com", "/prod");
    for kind in Kind::SIGNABLE {
        for (api, code) in [(&own, "allow"), (&other_api, "api_unknown"), (&other_host, "authority_unknown")] {
            let draft = Draft::new(&deployment.edge, "GET", &api.domain, &own.target("/items"));
            let response = send(api, &signed, kind, &draft.key_hash(&key_hash(OWNER)).sign()).await;
            assert_eq!(response.code(), code, "{kind:?} at {}/{} of {}", api.id, api.stage, api.domain);

            let request = WireRequest::new("GET", &api.domain, &own.target("/items")).with_header("X-Api-Key", OWNER);
            let response = send(api, &unsigned, kind, &request).await;
            assert_eq!(response.code(), code, "unsigned, {kind:?} at {}/{} of {}", api.id, api.stage, api.domain);
        }
        // What the event says twice must be the same twice.
        for (pointer, value, code) in [
            ("/requestContext/apiId", "f6g7h8i9j0", "api_unknown"),
            ("/requestContext/stage", "beta", "api_unknown"),
            ("/requestContext/domainName", "elsewhere.example.com", "authority_unknown"),
        ] {
            let mut event = own.event(kind, &deployment.signed("GET", "/items", OWNER));
            *event.pointer_mut(pointer).unwrap() = json!(value);
            assert_eq!(signed.decide(event.to_string()).await.code(), code, "{kind:?} {pointer}");
        }
    }
    let token_event = |api: &Api| {
        let request = WireRequest::new("GET", &api.domain, &own.target("/items")).with_header("Authorization", READER);
        api.event(Kind::RestToken, &request).to_string()
    };
    assert_eq!(unsigned.decide(token_event(&own)).await.code(), "allow");
    assert_eq!(unsigned.decide(token_event(&other_api)).await.code(), "api_unknown");
}
