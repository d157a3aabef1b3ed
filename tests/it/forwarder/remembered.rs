//! What an environment knows of the routes, and when it takes what it reads for better: with a clock that
//! the test sets, and the lifetimes of production.

use std::sync::Arc;
use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_forwarder::failure::Failure;
use countersign_forwarder::routes::RouteSource;
use countersign_function::moment::Moment;
use countersign_function::notes::Notes;
use countersign_tests::aws::Outage;
use countersign_tests::aws::clients::key_table;
use countersign_tests::forwarder::Forwarding;
use serde_json::json;
use tokio::time::Instant;

const HOUR: u64 = 3600;

/// One environment of the function.
struct Environment(RouteSource);

/// What one request learns.
struct Learnt {
    ids: Result<String, Failure>,
    kept: bool,
    causes: String,
}

impl Environment {
    fn new(forwarding: &Forwarding) -> Self {
        let table = key_table(&forwarding.table, &forwarding.table.service.url());
        Self(RouteSource::new(Arc::new(table), Lifetimes::DEFAULT))
    }

    async fn at(&self, seconds: u64) -> Learnt {
        self.within(Duration::from_secs(5), seconds).await
    }

    async fn within(&self, patience: Duration, seconds: u64) -> Learnt {
        let moment = Moment::new(Timestamp::from_secs(1_800_000_000 + seconds), Instant::now(), patience);
        let notes = Notes::default();
        let routes = self.0.routes(moment, &notes).await;
        let ids = routes.map(|routes| routes.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" "));
        let noted = notes.take();
        Learnt { ids, kept: noted.kept == ["routes"], causes: noted.causes.join("\n") }
    }
}

impl Learnt {
    #[track_caller]
    fn assert(&self, ids: &str, kept: bool, cause: &str) {
        assert_eq!((self.ids.as_deref(), self.kept), (Ok(ids), kept), "{}", self.causes);
        assert!(self.causes.contains(cause) && self.causes.is_empty() == cause.is_empty(), "{:?}", self.causes);
    }
}

/// As records of keys are: for hours, not for ever.
#[tokio::test]
async fn routes_are_kept_for_hours_not_for_ever() {
    let forwarding = Forwarding::with_a_route().await;
    let environment = Environment::new(&forwarding);
    let at = async |seconds| environment.at(seconds).await.ids;
    assert_eq!(at(0).await.as_deref(), Ok("all"));
    forwarding.put_route("spoilt", &json!({ "match": 7, "backend": "blue" }));
    for seconds in [29, 31, 3 * HOUR - 1] {
        assert_eq!(at(seconds).await.as_deref(), Ok("all"), "{seconds}");
    }
    assert_eq!(at(3 * HOUR + 1).await, Err(Failure::RecordMalformed), "a record is in the way, not the table");
    forwarding.remove_route("spoilt");
    assert_eq!(at(3 * HOUR + 40).await.as_deref(), Ok("all"));
    forwarding.table.service.fail(Outage::ServerError).await;
    assert_eq!((at(6 * HOUR).await.is_ok(), at(7 * HOUR).await), (true, Err(Failure::TableUnavailable)));
    forwarding.table.service.recover();
    assert_eq!(at(7 * HOUR + 5).await.as_deref(), Ok("all"));
}

/// Whoever has to mend it is sent to the place where it is broken now.
#[tokio::test]
async fn a_table_that_fails_after_an_invalid_route_is_what_fails() {
    let forwarding = Forwarding::with_a_route().await;
    let environment = Environment::new(&forwarding);
    environment.at(0).await.assert("all", false, "");
    forwarding.put_route("spoilt", &json!({ "match": 7, "backend": "blue" }));
    environment.at(31).await.assert("all", true, "route#spoilt");
    forwarding.table.service.fail(Outage::ServerError).await;
    assert_eq!(environment.at(3 * HOUR + 1).await.ids, Err(Failure::TableUnavailable));
    forwarding.table.service.recover();
    let learnt = environment.at(3 * HOUR + 10).await;
    assert_eq!(learnt.ids, Err(Failure::RecordMalformed));
    assert_eq!(learnt.causes.matches("route#spoilt").count(), 1, "{}", learnt.causes);
}

/// A route that the note names and that is gone may have another name already, which the note does not
/// have yet: without either its requests would take another route.
#[tokio::test]
async fn a_route_that_is_gone_is_missed_for_a_while() {
    let forwarding = Forwarding::with_a_route().await;
    forwarding.put_route("admin", &json!({ "match": { "path": ["/admin"] }, "backend": "green" }));
    let environment = Environment::new(&forwarding);
    environment.at(0).await.assert("admin all", false, "");
    forwarding.table.remove("route#admin");
    environment.at(29).await.assert("admin all", false, "");
    environment.at(31).await.assert("admin all", true, "route#admin");
    environment.at(40).await.assert("admin all", true, "");
    environment.at(42).await.assert("admin all", true, "route#admin");
    environment.at(53).await.assert("all", false, "");
    environment.at(82).await.assert("all", false, "");
    environment.at(84).await.assert("all", false, "");

    let cold = Environment::new(&forwarding);
    cold.at(90).await.assert("all", false, "route#admin");
    cold.at(91).await.assert("all", false, "");
    cold.at(121).await.assert("all", false, "");

    // It is back, and goes again: that is another gap. A new one does not wait for the rest of an old one.
    forwarding.put_route("admin", &json!({ "match": { "path": ["/admin"] }, "backend": "green" }));
    environment.at(130).await.assert("admin all", false, "");
    forwarding.table.remove("route#admin");
    environment.at(161).await.assert("admin all", true, "route#admin");
    forwarding.put_route("admin2", &json!({ "match": { "path": ["/admin"] }, "backend": "green" }));
    environment.at(172).await.assert("admin2 all", false, "");
}

/// Without its note no route is found, which is not to say that there is none.
#[tokio::test]
async fn a_note_that_is_gone_takes_no_route_away() {
    let forwarding = Forwarding::with_a_route().await;
    let environment = Environment::new(&forwarding);
    environment.at(0).await.assert("all", false, "");
    forwarding.table.remove("sync#routes");
    environment.at(31).await.assert("all", true, "sync#routes is gone");
    environment.at(2 * HOUR).await.assert("all", true, "sync#routes is gone");

    let cold = Environment::new(&forwarding);
    cold.at(31).await.assert("", false, "sync#routes is gone");
    cold.at(33).await.assert("", false, "");
    cold.at(37).await.assert("", false, "sync#routes is gone");
    forwarding.put_route("all", &json!({ "backend": "blue" }));
    cold.at(43).await.assert("all", false, "");
    environment.at(2 * HOUR + 11).await.assert("all", false, "");
}

/// A record that cannot be read and leads to no back end is the edge's business.
#[tokio::test]
async fn an_invalid_route_without_a_back_end_does_not_matter() {
    let forwarding = Forwarding::with_a_route().await;
    forwarding.put_route("edge-only", &json!({ "match": { "path": ["no path"] }, "origin": "o", "cache": 7 }));
    Environment::new(&forwarding).at(0).await.assert("all", false, "");
    for backend in [json!(null), json!(""), json!("blue")] {
        forwarding.put_route("edge-only", &json!({ "match": { "path": ["no path"] }, "backend": backend }));
        let learnt = Environment::new(&forwarding).at(0).await;
        assert_eq!(learnt.ids, Err(Failure::RecordMalformed), "{backend}");
        assert!(learnt.causes.contains("route#edge-only"), "{}", learnt.causes);
    }
}

#[tokio::test]
async fn a_read_that_hangs_is_called_by_its_name() {
    let forwarding = Forwarding::with_a_route().await;
    forwarding.table.service.fail(Outage::Hang).await;
    let learnt = Environment::new(&forwarding).within(Duration::from_millis(50), 0).await;
    assert_eq!(learnt.ids, Err(Failure::TableUnavailable));
    assert!(learnt.causes.contains("BatchGetItem") && learnt.causes.contains("deadline"), "{}", learnt.causes);
}
