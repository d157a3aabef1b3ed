//! Events of every kind through the real parser, held against the URL on the wire that made them.
//!
//! The events come from builders that know nothing of the parser, and from recordings of real API
//! Gateways; what may be lost is written down here a second time.

mod properties;
mod real;

use countersign_authorizer::event;
use countersign_decision::path_map::PathMap;
use countersign_decision::target::Target;
use countersign_tests::events::{Api, Kind, WireRequest};
use serde_json::Value;

/// Whether an event agrees with the target that the edge signed.
fn agreement(target: &str, event: &Value, map: &str, authority: &str) -> Result<(), String> {
    let payload = event.to_string();
    let request = event::parse(&payload).unwrap_or_else(|unreadable| panic!("{}: {event}", unreadable.detail));
    let target = Target::parse(target).map_err(|refusal| refusal.code().to_owned())?;
    target.agrees(&request, &PathMap::parse(map).unwrap(), authority).map_err(|mismatch| mismatch.detail)
}

/// A deployment and the `PATH_MAP` that it needs.
struct Deployment {
    api: Api,
    map: &'static str,
}

impl Deployment {
    fn all() -> [Self; 5] {
        [
            Self { api: Api::new("abc", "prod"), map: "" },
            Self { api: Api::new("abc", "$default"), map: "" },
            Self {
                api: Api::new("abc", "prod").behind("api.example.com", "/v1"),
                map: "api.example.com/abc/prod: /v1 => /prod",
            },
            Self {
                api: Api::new("abc", "prod").behind("api.example.com", ""),
                map: "api.example.com/abc/prod: / => /prod",
            },
            Self {
                api: Api::new("abc", "$default").behind("api.example.com", "/v1/deep"),
                map: "api.example.com/abc/$default: /v1/deep => /",
            },
        ]
    }

    fn agrees(&self, kind: Kind, signed: &str, sent: &str) -> Result<(), String> {
        let event = self.api.event(kind, &WireRequest::new("GET", &self.api.domain, sent));
        agreement(signed, &event, self.map, &self.api.domain)
    }
}

#[test]
fn every_kind_agrees_with_what_was_sent() {
    for deployment in Deployment::all() {
        for resource in [
            "/",
            "/items",
            "/items/",
            "/items?x=1",
            "/items/a%20b/c%2Bd+e?x=1&x=2&y=&z&x=3",
            "/caf%C3%A9?q=%E2%82%AC&q=a+b%2Bc",
            "/a:b@c,d;e=f/(g)!h'i?u=https%3A%2F%2Fexample.com%2F",
            "/%7Euser/%41%42?%61=%62&&=",
            "/twice%2520encoded?twice=%2525",
            "/a//b?a=b=c",
            "/pipe|and[brackets]^?pipe|=[x]{y}`z",
        ] {
            let target = deployment.api.target(resource);
            for kind in Kind::SIGNABLE {
                let agreed = deployment.agrees(kind, &target, &target);
                assert_eq!(agreed, Ok(()), "{kind:?} {target} {:?}", deployment.map);
            }
        }
    }
}

#[test]
fn what_each_kind_cannot_tell_apart_is_this_and_no_more() {
    let deployment = &Deployment::all()[0];
    use Kind::{Http1, Http2, RestRequest, WebSocket};
    for (signed, sent, blind) in [
        ("/prod/a?x=1&y=2", "/prod/a?y=2&x=1", &[RestRequest, Http1, WebSocket][..]),
        ("/prod/a?x=1&x=2", "/prod/a?x=2&x=1", &[]),
        ("/prod/a?x=a+b", "/prod/a?x=a%20b", &[RestRequest, Http1, WebSocket]),
        ("/prod/a?x=a%2Bb", "/prod/a?x=a+b", &[]),
        ("/prod/a?x", "/prod/a?x=", &[RestRequest, Http1, WebSocket]),
        ("/prod/a?x=%41", "/prod/a?x=A", &[RestRequest, Http1, WebSocket]),
        ("/prod/a?x=1", "/prod/a?x=1&", &[RestRequest, Http1, WebSocket]),
        ("/prod/a", "/prod/a?", &[RestRequest, Http1, Http2, WebSocket]),
        ("/prod/%41", "/prod/A", &[Http1, Http2, WebSocket]),
        ("/prod/a%40b", "/prod/a@b", &[Http1, Http2, WebSocket]),
        ("/prod/a", "/prod/b", &[WebSocket]),
        ("/prod/a", "/prod/a/", &[WebSocket]),
        ("/prod/a/b", "/prod/a%2Fb", &[Http1, Http2, WebSocket]),
        ("/prod/a//b", "/prod/a/b", &[WebSocket]),
        ("/prod/a%2520b", "/prod/a%20b", &[WebSocket]),
        ("/prod/a", "/prod/prod/a", &[WebSocket]),
        ("/prod/prod/a", "/prod/a", &[WebSocket]),
        ("/prod/a", "/prod/A", &[WebSocket]),
        ("/prod/a?x=1", "/prod/a", &[]),
        ("/prod/a", "/prod/a?x=1", &[]),
        ("/prod/a?x=1", "/prod/a?x=1&x=1", &[]),
        ("/prod/a?x=1", "/prod/a?X=1", &[]),
        ("/prod/a?x=1", "/prod/a?x=2", &[]),
    ] {
        for kind in Kind::SIGNABLE {
            let agreed = deployment.agrees(kind, signed, sent);
            assert_eq!(agreed.is_ok(), blind.contains(&kind), "{kind:?} signed {signed}, sent {sent}: {agreed:?}");
        }
    }
}

/// On an HTTP API `/a%2Fb` and `/a/b` are one event, so the edge may not sign the first of them; nor
/// any other escape that a decoded path loses.
#[test]
fn ambiguous_escapes_are_not_signed_for() {
    let deployment = &Deployment::all()[0];
    for (escape, code) in [
        ("%2F", "target_malformed"),
        ("%5C", "target_malformed"),
        ("%3F", "target_malformed"),
        ("%23", "target_malformed"),
        ("%00", "target_malformed"),
        ("%2e%2e%2f", "target_malformed"),
        ("..%5c", "target_malformed"),
        ("%2e%2e", "path_hostile"),
        ("%2e", "path_hostile"),
        ("%0a", "path_hostile"),
    ] {
        let target = format!("/prod/{escape}");
        for kind in Kind::SIGNABLE {
            assert_eq!(deployment.agrees(kind, &target, &target), Err(code.to_owned()), "{kind:?} {escape}");
        }
    }
}

#[test]
fn a_request_moved_to_another_stage_or_base_path_disagrees() {
    let [prod, default, v1, root, _] = &Deployment::all();
    let dev = Deployment { api: Api::new("abc", "dev"), map: "" };
    let v2 = Deployment {
        api: Api::new("abc", "dev").behind("api.example.com", "/v2"),
        map: "api.example.com/abc/prod: /v1 => /prod; api.example.com/abc/dev: /v2 => /dev",
    };
    for (from, to) in [(prod, &dev), (&dev, prod), (prod, default), (default, prod), (v1, &v2), (v1, prod), (root, v1)]
    {
        let signed = from.api.target("/items?x=1");
        let sent = to.api.target("/items?x=1");
        // A WebSocket API has no `$default` stage, and the stage is all that its event tells of a path.
        let kinds = Kind::SIGNABLE.into_iter().filter(|kind| *kind != Kind::WebSocket || to.api.stage != "$default");
        for kind in kinds {
            assert!(to.agrees(kind, &signed, &sent).is_err(), "{kind:?} {signed} as {sent}");
        }
    }
}

#[test]
fn http_1_events_without_multi_value_maps_agree_only_without_a_query() {
    let mut api = Api::new("abc", "prod");
    api.http1_multi_value = false;
    let deployment = Deployment { api, map: "" };
    assert_eq!(deployment.agrees(Kind::Http1, "/prod/items", "/prod/items"), Ok(()));
    for (signed, sent) in [("?x=1", "?x=1"), ("", "?x=1"), ("?x=1", "")] {
        let agreed = deployment.agrees(Kind::Http1, &format!("/prod/items{signed}"), &format!("/prod/items{sent}"));
        assert!(agreed.is_err(), "signed {signed:?}, sent {sent:?}");
    }
}

#[test]
fn token_events_agree_with_nothing() {
    for deployment in Deployment::all() {
        let target = deployment.api.target("/items");
        assert!(deployment.agrees(Kind::RestToken, &target, &target).is_err());
    }
}
