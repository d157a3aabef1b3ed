//! What holds for every cell of the table, whatever its file says.

use countersign_authorizer::answer::{Answer, HttpAnswer};
use countersign_decision::decision::{Decision, RefusalKind};
use countersign_tests::events::Kind;
use countersign_tests::gateway;

use super::{cells, effects, reply, scenarios};

#[test]
fn a_fault_is_an_error_that_is_no_401() {
    for cell in cells() {
        if let Decision::Fault(fault) = cell.decision {
            assert_eq!(cell.answer, Answer::Error(fault), "{cell}");
            assert_eq!(cell.status, 500, "{cell}");
            assert_ne!(fault.code(), "Unauthorized", "{cell}");
        }
    }
}

#[test]
fn who_are_you_is_exactly_unauthorized_where_that_is_a_401() {
    for cell in cells() {
        let Decision::Refuse { refusal, .. } = cell.decision else { continue };
        let asked = refusal.kind() == RefusalKind::WhoAreYou && cell.kind.answers_401_by_error();
        assert_eq!(cell.answer == Answer::Unauthorized, asked, "{cell}: {:?}", cell.answer);
        assert_eq!(cell.status, if asked { 401 } else { 403 }, "{cell}: {:?}", cell.answer);
    }
}

/// An answer that the gateway reuses must be right for the caller's other routes; any other refuses
/// the credential, wherever it is shown.
#[test]
fn no_refusal_allows_anything_unless_the_answer_is_reused() {
    for cell in cells().filter(|cell| !cell.cached) {
        let Decision::Refuse { refusal, .. } = cell.decision else { continue };
        let Some(body) = cell.body() else { continue };
        assert!(!body.to_string().contains("Allow"), "{cell}: {body}");
        assert_ne!(body["isAuthorized"], true, "{cell}: {body}");
        assert_eq!(body["context"]["reason"], refusal.code(), "{cell}: {body}");
        for route in ["GET/items", "GET/", "PUT/elsewhere", "$connect"] {
            let arn = format!("arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod/{route}");
            assert_eq!(gateway::status(cell.kind, &arn, &reply(&cell.answer)), 403, "{cell}: {route}: {body}");
        }
    }
}

#[test]
fn an_allow_is_an_answer_that_the_gateway_takes() {
    for cell in cells() {
        let Decision::Allow(grant) = &cell.decision else { continue };
        let Some(body) = cell.body() else { panic!("{cell}: {:?}", cell.answer) };
        assert_eq!(cell.status, 200, "{cell}: {body}");
        assert_eq!(body["context"]["principal"], grant.principal(), "{cell}: {body}");
        let authorized = body["isAuthorized"] == true || effects(&body).contains("Allow");
        assert!(authorized, "{cell}: {body}");
    }
}

#[test]
fn only_payload_2_0_knows_simple_answers() {
    for scenario in scenarios() {
        for &kind in scenario.kinds.iter().filter(|&&kind| kind != Kind::Http2) {
            let answer = |form| (scenario.play)(kind).decide(form).map(|(_, answer)| answer);
            // Where results are cached, no deployment starts that could tell.
            if let Some(simple) = answer(HttpAnswer::Simple) {
                assert_eq!(answer(HttpAnswer::Policy), Some(simple), "{} on {kind:?}", scenario.name);
            }
        }
    }
}
