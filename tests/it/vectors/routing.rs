//! `routing.json`: which route a request takes, decided from the document that the edge reads.

use countersign_decision::published;
use countersign_decision::record::route::RouteRecord;
use countersign_decision::routing::{Facts, admits, choose};
use countersign_decision::time::Timestamp;
use serde_json::Value;

use super::text;

pub type Route = (String, RouteRecord);

fn cases() -> Vec<Value> {
    let Value::Array(cases) = super::shared("routing")["cases"].take() else { panic!("no cases") };
    assert!(cases.len() >= 10, "{}", cases.len());
    cases
}

/// The records of a document.
pub fn routes(document: &Value) -> Vec<Route> {
    let routes = document["routes"].as_array().unwrap();
    routes.iter().map(|route| (text(&route["id"]).to_owned(), serde_json::from_value(route.clone()).unwrap())).collect()
}

fn facts(request: &Value) -> (Facts<'_>, Timestamp) {
    let facts = Facts {
        method: text(&request["method"]),
        host: request["host"].as_str(),
        path: text(&request["path"]),
        client: request["client"].as_str().map(|client| client.parse().unwrap()),
        country: request["country"].as_str(),
    };
    (facts, Timestamp::from_secs(request["now"].as_u64().unwrap()))
}

/// The other language starts from these documents: they are what key-sync would publish.
#[test]
fn every_document_is_as_it_is_published() {
    for case in cases() {
        let routes = routes(&case["document"]);
        let routes: Vec<_> = routes.iter().map(|(id, record)| (id.as_str(), record)).collect();
        let published = published::routes(1, &routes).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&published.value).unwrap(), case["document"], "{}", case["name"]);
    }
}

#[test]
fn every_request_takes_its_route() {
    for case in cases() {
        let routes = routes(&case["document"]);
        let requests = case["requests"].as_array().unwrap();
        assert!(!requests.is_empty());
        for request in requests {
            let (facts, now) = facts(request);
            for taken in [choose(&routes, &facts, now), choose(routes.iter().rev(), &facts, now)] {
                assert_eq!(taken.map(|(id, _)| id.as_str()), request["route"].as_str(), "{} {request}", case["name"]);
                let admitted = taken.map(|(_, record)| admits(record, facts.client));
                assert_eq!(admitted, request["admitted"].as_bool(), "{} {request}", case["name"]);
            }
        }
    }
}
