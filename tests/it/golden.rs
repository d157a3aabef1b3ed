//! The golden table: every refusal and every fault, for each kind of event, as a client sees it.
//!
//! A row is a scenario, played from the event's bytes to the answer; nothing in it is written down
//! here. `tests/golden/decisions.txt` is what came out when somebody last looked at it, so that a
//! changed answer is a line in a diff. What must hold whatever the file says is in `invariants`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

use countersign_authorizer::answer::{Answer, HttpAnswer};
use countersign_decision::decision::{Decision, Fault, Refusal};
use countersign_tests::events::Kind;
use countersign_tests::gateway;
use countersign_tests::runtime_api::Reply;
use serde_json::Value;

use scenario::Scenario;

mod allowed;
mod caller;
mod edge;
mod fault;
mod invariants;
mod scenario;
mod world;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/golden/decisions.txt");
const REGENERATE: &str = "UPDATE_GOLDEN=1 cargo test -p countersign-tests --test it golden";

const SECTIONS: &[(&str, &[Scenario])] = &[
    ("Allowed", allowed::SCENARIOS),
    ("Refused for the request itself", edge::REQUEST),
    ("Refused for the edge's proof", edge::PROOF),
    ("Refused for the credentials or the route", caller::CREDENTIALS),
    ("Refused for the API key", caller::API_KEY),
    ("Refused for the OIDC token", caller::TOKEN),
    ("Our own faults", fault::SCENARIOS),
];

/// The columns: only the events of payload 2.0 know two forms of answer.
const COLUMNS: [(&str, Kind, HttpAnswer); 6] = [
    ("rest_token", Kind::RestToken, HttpAnswer::Policy),
    ("rest_request", Kind::RestRequest, HttpAnswer::Policy),
    ("http_1.0", Kind::Http1, HttpAnswer::Policy),
    ("http_2.0", Kind::Http2, HttpAnswer::Policy),
    ("http_2.0 simple", Kind::Http2, HttpAnswer::Simple),
    ("websocket", Kind::WebSocket, HttpAnswer::Policy),
];

const LEGEND: &str = "\
# What a client gets. Each cell is the status that API Gateway answers with, and the form of the
# authorizer's answer that makes it do so:
#   Allow, Deny    a policy; an Allow with status 403 is right for the caller's other routes
#   true, false    isAuthorized of a simple answer (HTTP_ANSWER=simple, payload 2.0 only)
#   error          a function error: with status 401 its message is exactly Unauthorized
#   -              this kind of event cannot show it, or such a deployment does not start
# A cell that leads to another code than its row's has that code in parentheses.
";

/// One scenario in one column.
struct Cell {
    scenario: &'static str,
    kind: Kind,
    cached: bool,
    decision: Decision,
    answer: Answer,
    status: u16,
}

/// In the order of `SECTIONS` and `COLUMNS`; `None` for a dash.
static TABLE: LazyLock<Vec<Vec<Option<Cell>>>> = LazyLock::new(|| {
    scenarios().map(|scenario| COLUMNS.map(|(_, kind, form)| Cell::play(scenario, kind, form)).into()).collect()
});

fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    SECTIONS.iter().flat_map(|(_, scenarios)| *scenarios)
}

fn cells() -> impl Iterator<Item = &'static Cell> {
    TABLE.iter().flatten().flatten()
}

impl Cell {
    fn play(scenario: &Scenario, kind: Kind, form: HttpAnswer) -> Option<Self> {
        if !scenario.kinds.contains(&kind) {
            return None;
        }
        let play = (scenario.play)(kind);
        let (cached, arn) = (play.is_cached(), play.arn().to_owned());
        let (decision, answer) = play.decide(form)?;
        let status = gateway::status(kind, &arn, &reply(&answer));
        Some(Self { scenario: scenario.name, kind, cached, decision, answer, status })
    }

    /// The body as JSON, `None` for an error.
    fn body(&self) -> Option<Value> {
        match &self.answer {
            Answer::Body(body) => {
                Some(serde_json::from_str(body).unwrap_or_else(|error| panic!("{self}: {error}: {body}")))
            }
            Answer::Unauthorized | Answer::Error(_) => None,
        }
    }

    fn form(&self) -> &'static str {
        let Some(body) = self.body() else { return "error" };
        match &body["isAuthorized"] {
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            _ if effects(&body).contains("Allow") => "Allow",
            _ => "Deny",
        }
    }

    fn text(&self, code_of_row: &str) -> String {
        let (status, form, code) = (self.status, self.form(), self.decision.code());
        if code == code_of_row { format!("{status} {form}") } else { format!("{status} {form} ({code})") }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} on {:?}", self.scenario, self.kind)
    }
}

fn effects(policy: &Value) -> BTreeSet<&str> {
    let statements = policy["policyDocument"]["Statement"].as_array();
    statements.into_iter().flatten().filter_map(|statement| statement["Effect"].as_str()).collect()
}

/// What the Lambda runtime makes of an answer.
fn reply(answer: &Answer) -> Reply {
    let error = |error_type: &str, message: &str| Reply::Error {
        error_type: error_type.to_owned(),
        error_message: message.to_owned(),
    };
    match answer {
        Answer::Body(body) => Reply::Answer(body.clone().into_bytes()),
        Answer::Unauthorized => error("Refusal", "Unauthorized"),
        Answer::Error(fault) => error("Fault", fault.code()),
    }
}

fn rendered() -> String {
    let mut rows = TABLE.iter();
    let mut text = LEGEND.to_owned();
    for (title, scenarios) in SECTIONS {
        let _ = write!(text, "\n== {title}\n");
        line(&mut text, "scenario", "code", COLUMNS.map(|(name, ..)| name.to_owned()));
        for (scenario, row) in scenarios.iter().zip(rows.by_ref()) {
            let code = row.iter().flatten().next().map_or("", |cell| cell.decision.code());
            let cells = row.iter().map(|cell| cell.as_ref().map_or("-".to_owned(), |cell| cell.text(code)));
            line(&mut text, scenario.name, code, cells);
        }
    }
    text
}

fn line(text: &mut String, scenario: &str, code: &str, cells: impl IntoIterator<Item = String>) {
    let mut line = format!("{scenario:<56}  {code:<23}");
    for (cell, (column, ..)) in cells.into_iter().zip(COLUMNS) {
        let _ = write!(line, "  {cell:<width$}", width = column.len().max("401 error".len()));
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

#[test]
fn the_table_is_the_one_that_was_reviewed() {
    let actual = rendered();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &actual).unwrap();
        return;
    }
    let reviewed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(
        actual == reviewed,
        "tests/golden/decisions.txt differs:\n{}\nIf this is meant: {REGENERATE}",
        diff(&reviewed, &actual)
    );
}

/// Lines of either text that the other lacks. Rows carry their scenario's name, so no more is needed.
fn diff(reviewed: &str, actual: &str) -> String {
    let lacking = |text: &str, other: &str, mark: char| -> String {
        let others: BTreeSet<_> = other.lines().collect();
        text.lines().filter(|line| !others.contains(line)).map(|line| format!("{mark} {line}\n")).collect()
    };
    let lines = lacking(reviewed, actual, '-') + &lacking(actual, reviewed, '+');
    if lines.is_empty() { "the same lines in another order".to_owned() } else { lines }
}

#[test]
fn every_refusal_and_every_fault_has_a_row() {
    let reached: BTreeSet<_> = cells().map(|cell| cell.decision.code()).collect();
    let refusals = Refusal::ALL.iter().map(|refusal| refusal.code());
    let faults = Fault::ALL.iter().map(|fault| fault.code());
    let unreached: Vec<_> = refusals.chain(faults).filter(|code| !reached.contains(code)).collect();
    assert!(unreached.is_empty(), "no scenario in tests/it/golden leads to {unreached:?}");
}

#[test]
fn every_scenario_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for scenario in scenarios() {
        assert!(names.insert(scenario.name), "two scenarios are called {:?}", scenario.name);
    }
}
