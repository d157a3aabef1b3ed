#![allow(clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: u64 = 1_800_000_000;

type Route = (String, RouteRecord);

fn route(id: &str, attributes: &Value) -> Route {
    let mut item = json!({ "match": {}, "version": 1 });
    item.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    (id.to_owned(), serde_json::from_value(item).unwrap())
}

fn facts(host: &'static str, path: &'static str) -> Facts<'static> {
    Facts { method: "GET", host: Some(host), path, client: None, country: None }
}

fn chosen<'r>(routes: &'r [Route], facts: &Facts<'_>) -> Option<&'r str> {
    choose(routes, facts, Timestamp::from_secs(NOW)).map(|(id, _)| id.as_str())
}

fn matches_host(pattern: &str, host: &'static str) -> bool {
    chosen(&[route("r", &json!({ "match": { "host": [pattern] } }))], &facts(host, "/")).is_some()
}

#[test]
fn a_host_is_a_name_in_any_case_without_its_port_and_the_root_s_dot() {
    for (pattern, host, expected) in [
        ("api.example.com", "api.example.com", true),
        ("api.example.com", "API.Example.COM", true),
        ("api.example.com", "api.example.com:443", true),
        ("api.example.com", "api.example.com:", true),
        ("api.example.com", "api.example.com.", true),
        ("api.example.com", "Api.example.com.:8443", true),
        ("api.example.com", "api.example.com..", false),
        ("api.example.com", "api.example.com:x", false),
        ("api.example.com", "api.example.com:443:443", false),
        ("api.example.com", "xapi.example.com", false),
        ("api.example.com", "api.example.com.evil.example", false),
        ("api.example.com", "user@api.example.com", false),
        ("api.example.com", "", false),
        ("api.example.com", "[::1]:443", false),
        ("*.example.com", "a.example.com", true),
        ("*.example.com", "A.b.EXAMPLE.com.:1", true),
        ("*.example.com", "example.com", false),
        ("*.example.com", ".example.com", false),
        ("*.example.com", "a..example.com", false),
        ("*.example.com", "aexample.com", false),
        ("*.example.com", "a.example.com.evil.example", false),
        ("*.example.com", "a.example.org", false),
        ("*.example.com", "é.example.com", true),
        ("*.example.com", "é", false),
    ] {
        assert_eq!(matches_host(pattern, host), expected, "{pattern} {host}");
    }
}

#[test]
fn a_condition_on_what_is_not_known_does_not_hold() {
    let unknown = Facts { method: "GET", host: None, path: "/", client: None, country: None };
    for matching in
        [json!({ "host": ["*.com"] }), json!({ "cidrs": ["0.0.0.0/0", "::/0"] }), json!({ "countries": ["GB"] })]
    {
        assert_eq!(chosen(&[route("r", &json!({ "match": matching }))], &unknown), None, "{matching}");
    }
    assert_eq!(chosen(&[route("r", &json!({}))], &unknown), Some("r"));
}

#[test]
fn every_condition_must_hold_through_one_of_its_entries() {
    let whole = json!({ "method": ["GET", "PUT"], "host": ["a.example", "b.example"], "path": ["/a", "/b/*"],
        "cidrs": ["10.0.0.0/8", "2001:db8::/32"], "countries": ["GB", "FR"] });
    let routes = [route("r", &json!({ "match": whole }))];
    let good = Facts {
        method: "PUT",
        host: Some("b.example"),
        path: "/b/c",
        client: "10.1.2.3".parse().ok(),
        country: Some("FR"),
    };
    assert_eq!(chosen(&routes, &good), Some("r"));
    for bad in [
        Facts { method: "POST", ..good },
        Facts { method: "put", ..good },
        Facts { host: Some("c.example"), ..good },
        Facts { path: "/b", ..good },
        Facts { path: "/B/c", ..good },
        Facts { client: "11.1.2.3".parse().ok(), ..good },
        Facts { client: "2001:db9::1".parse().ok(), ..good },
        Facts { country: Some("fr"), ..good },
    ] {
        assert_eq!(chosen(&routes, &bad), None, "{bad:?}");
    }
}

#[test]
fn a_mapped_address_is_the_one_inside() {
    let mapped = "::ffff:203.0.113.7".parse::<IpAddr>().ok();
    for (block, holds) in [
        ("203.0.113.0/24", true),
        ("::ffff:203.0.113.0/120", true),
        ("203.0.113.7", true),
        ("::/0", false),
        ("203.0.114.0/24", false),
    ] {
        let routes = [route("r", &json!({ "match": { "cidrs": [block] } }))];
        for client in [mapped, "203.0.113.7".parse().ok()] {
            assert_eq!(chosen(&routes, &Facts { client, ..facts("a", "/") }).is_some(), holds, "{block} {client:?}");
        }
        assert_eq!(admits(&route("r", &json!({ "allow_cidrs": [block] })).1, mapped), holds, "{block}");
        assert_eq!(admits(&route("r", &json!({ "deny_cidrs": [block] })).1, mapped), !holds, "{block}");
    }
}

#[test]
fn who_is_not_known_passes_no_list() {
    let address = |text: &str| text.parse::<IpAddr>().ok();
    for (attributes, inside, outside, unknown) in [
        (json!({}), true, true, true),
        (json!({ "allow_cidrs": ["10.0.0.0/8"] }), true, false, false),
        (json!({ "deny_cidrs": ["10.0.0.0/8"] }), false, true, false),
        (json!({ "allow_cidrs": ["10.0.0.0/8"], "deny_cidrs": ["10.0.0.7"] }), false, false, false),
        (json!({ "allow_cidrs": ["10.0.0.7"], "deny_cidrs": ["10.0.0.0/8"] }), false, false, false),
        (json!({ "allow_cidrs": ["192.0.2.1", "10.0.0.7"], "deny_cidrs": ["192.0.2.1"] }), true, false, false),
    ] {
        let (_, record) = route("r", &attributes);
        let answers = [address("10.0.0.7"), address("192.0.2.1"), None].map(|client| admits(&record, client));
        assert_eq!(answers, [inside, outside, unknown], "{attributes}");
    }
}

#[test]
fn a_route_is_in_force_from_its_start_until_just_before_its_end() {
    let routes = [route("r", &json!({ "starts_at": NOW, "ends_at": NOW + 60 }))];
    let start = NOW * 1000;
    for (millis, in_force) in [(start - 1, false), (start, true), (start + 59_999, true), (start + 60_000, false)] {
        let found = choose(&routes, &facts("a", "/"), Timestamp::from_millis(millis));
        assert_eq!(found.is_some(), in_force, "{millis}");
    }
    let endless = [route("r", &json!({ "starts_at": NOW }))];
    assert!(choose(&endless, &facts("a", "/"), Timestamp::from_millis(u64::MAX)).is_some());
    let ending = [route("r", &json!({ "ends_at": NOW }))];
    assert!(choose(&ending, &facts("a", "/"), Timestamp::default()).is_some());
}

/// Each row is taken before the rows below it, by the first rule in which they differ.
#[test]
fn the_order_is_priority_host_path_other_conditions_id() {
    let routes = [
        route("z-priority", &json!({ "priority": 1 })),
        route("y-host", &json!({ "match": { "host": ["a.b.example"] } })),
        route("x-long-wildcard", &json!({ "match": { "host": ["*.b.example"] } })),
        route(
            "w-short-wildcard",
            &json!({ "match": { "host": ["*.example", "a.b.example.org"], "path": ["/v1/items"] } }),
        ),
        route("v-exact-path", &json!({ "match": { "path": ["/v1/items"] } })),
        route("u-as-long-with-star", &json!({ "match": { "path": ["/v1/items*"] } })),
        route("t-star-in-the-middle", &json!({ "match": { "path": ["/*/items", "/v1/*"] } })),
        route("s-shorter", &json!({ "match": { "path": ["/v1*", "/other/and/much/longer/*"] } })),
        route("r-any-path-named", &json!({ "match": { "path": ["/*"] } })),
        route("q-two-others", &json!({ "match": { "method": ["GET"], "cidrs": ["10.0.0.0/8"] } })),
        route("p-one-other", &json!({ "match": { "method": ["GET", "POST"] } })),
        route("a", &json!({})),
        route("a-", &json!({})),
        route("b", &json!({})),
        route("last", &json!({ "priority": -1, "match": { "host": ["a.b.example"], "path": ["/v1/items"] } })),
    ];
    let facts = Facts { client: "10.0.0.1".parse().ok(), ..facts("a.b.example", "/v1/items") };
    for (place, (id, _)) in routes.iter().enumerate() {
        assert_eq!(chosen(&routes[place..], &facts), Some(id.as_str()));
        let reversed = routes[place..].iter().rev();
        assert_eq!(choose(reversed, &facts, Timestamp::from_secs(NOW)).map(|(id, _)| id), Some(id));
    }
}

/// From few words, so that routes meet requests and each other.
fn attributes() -> impl Strategy<Value = Value> {
    let some = |words: &'static [&'static str]| prop::collection::vec(prop::sample::select(words), 0..3);
    let window = prop::option::of(prop::sample::select(vec![NOW - 1, NOW, NOW + 1]));
    (
        some(&["a.example.com", "b.example.com", "*.example.com", "*.com"]),
        some(&["/", "/*", "/a", "/a*", "/a/*", "/*/b", "/a/b"]),
        some(&["GET", "POST"]),
        some(&["10.0.0.0/8", "10.0.0.1", "::/0"]),
        -1..=1,
        (window.clone(), window),
    )
        .prop_map(|(host, path, method, cidrs, priority, (starts_at, ends_at))| {
            let mut matching = json!({ "host": host, "path": path, "method": method, "cidrs": cidrs });
            matching.as_object_mut().unwrap().retain(|_, list| *list != json!([]));
            let mut attributes = json!({ "match": matching, "priority": priority });
            if let Some(starts_at) = starts_at {
                attributes["starts_at"] = json!(starts_at);
            }
            if let Some(ends_at) = ends_at.filter(|ends_at| starts_at.is_none_or(|starts_at| starts_at < *ends_at)) {
                attributes["ends_at"] = json!(ends_at);
            }
            attributes
        })
}

fn requests() -> impl Strategy<Value = Facts<'static>> {
    (
        prop::sample::select(vec!["GET", "POST", "PUT"]),
        prop::option::of(prop::sample::select(vec!["a.example.com", "x.example.com", "com", "B.EXAMPLE.COM.:80"])),
        prop::sample::select(vec!["/", "/a", "/a/b", "/ab", "/c/b", "/a/b/c"]),
        prop::option::of(prop::sample::select(vec!["10.0.0.1", "::ffff:10.9.9.9", "2001:db8::1", "192.0.2.1"])),
    )
        .prop_map(|(method, host, path, client)| Facts {
            method,
            host,
            path,
            client: client.and_then(|client| client.parse().ok()),
            country: None,
        })
}

fn numbered(all: Vec<Value>) -> Vec<Route> {
    all.iter().enumerate().map(|(number, attributes)| route(&format!("r{number:02}"), attributes)).collect()
}

/// Whether a route alone is taken: what `choose` orders.
fn applies(route: &Route, facts: &Facts<'_>) -> bool {
    chosen(std::slice::from_ref(route), facts).is_some()
}

proptest! {
    #[test]
    fn the_answer_does_not_depend_on_the_order_of_the_list(
        (listed, shuffled) in prop::collection::vec(attributes(), 0..12)
            .prop_map(|all| all.into_iter().enumerate().collect::<Vec<_>>())
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
        facts in requests(),
    ) {
        let routes = |all: &[(usize, Value)]| -> Vec<Route> {
            all.iter().map(|(number, attributes)| route(&format!("r{number:02}"), attributes)).collect()
        };
        let (listed, shuffled) = (routes(&listed), routes(&shuffled));
        prop_assert_eq!(chosen(&listed, &facts), chosen(&shuffled, &facts));
    }

    #[test]
    fn who_wins_applies_and_nothing_that_applies_has_a_higher_priority(
        all in prop::collection::vec(attributes(), 0..12), facts in requests(),
    ) {
        let routes = numbered(all);
        let applying: Vec<_> = routes.iter().filter(|route| applies(route, &facts)).collect();
        match choose(&routes, &facts, Timestamp::from_secs(NOW)) {
            None => prop_assert!(applying.is_empty()),
            Some(winner) => {
                prop_assert!(applying.iter().any(|route| route.0 == winner.0));
                prop_assert!(applying.iter().all(|route| route.1.priority <= winner.1.priority));
            }
        }
    }

    /// The order is total: who wins among all wins against each, and without the winner the rest is as it was.
    #[test]
    fn who_wins_wins_against_each_alone(all in prop::collection::vec(attributes(), 1..12), facts in requests()) {
        let routes = numbered(all);
        let Some(winner) = chosen(&routes, &facts) else { return Ok(()) };
        let (own, others): (Vec<_>, Vec<_>) = routes.iter().partition(|(id, _)| id == winner);
        for other in others {
            let pair = [own[0], other];
            let found = choose(pair, &facts, Timestamp::from_secs(NOW)).map(|(id, _)| id.as_str());
            prop_assert_eq!(found, Some(winner));
        }
    }

    #[test]
    fn a_route_of_lower_priority_never_changes_who_wins(
        all in prop::collection::vec(attributes(), 1..12), added in attributes(), facts in requests(),
    ) {
        let mut routes = numbered(all);
        let Some((id, priority)) = choose(&routes, &facts, Timestamp::from_secs(NOW))
            .map(|(id, record)| (id.clone(), record.priority)) else { return Ok(()) };
        let mut added = added;
        added["priority"] = json!(priority - 1);
        // An id that would win every tie.
        routes.push(route("a", &added));
        prop_assert_eq!(chosen(&routes, &facts), Some(id.as_str()));
    }

    #[test]
    fn a_route_that_does_not_apply_never_changes_who_wins(
        all in prop::collection::vec(attributes(), 0..12), added in attributes(), facts in requests(),
    ) {
        let mut routes = numbered(all);
        let before = chosen(&routes, &facts).map(str::to_owned);
        let added = route("a", &added);
        prop_assume!(!applies(&added, &facts));
        routes.push(added);
        prop_assert_eq!(chosen(&routes, &facts), before.as_deref());
    }
}
