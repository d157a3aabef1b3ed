//! Cases worth naming: what the plan does with one thing out of order, and what it says about it.

use std::collections::BTreeSet;
use std::time::Duration;

use countersign_decision::time::Timestamp;

use super::LIFETIMES;
use super::world::START;
use crate::edge_keys::layout::{Labels, Layout, Slot, expected};
use crate::edge_keys::note::{EdgeNote, Proved, Seen};
use crate::emergency::EmergencyNote;
use crate::repair::edge::{Answer, Difference, EdgeState};
use crate::repair::plan::{Next, Observed, Repair, Stuck, plan};
use crate::rotate::note::RotationNote;

const NOW: Timestamp = Timestamp::from_millis(START);

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn usable(keys: &[&str]) -> BTreeSet<String> {
    keys.iter().map(|&key| key.to_owned()).collect()
}

fn proved(keyid: &str) -> Answer {
    Answer::Proved { keyid: keyid.to_owned(), gateway_status: 204 }
}

fn ago(span: Duration) -> u64 {
    START - u64::try_from(span.as_millis()).unwrap()
}

/// AWSCURRENT is `new` and AWSPREVIOUS `old`; the edge has both, and has proved `new` this long ago.
fn after_a_rotation(proved_for: Duration) -> Observed {
    let layout = Layout { slot: Slot::B, active: "new".to_owned(), standby: some("old") };
    let seen = Seen { at: ago(Duration::from_secs(9000)), readable_at: Some(ago(Duration::from_secs(9000))) };
    Observed {
        labels: Labels { current: some("new"), pending: None, previous: some("old") },
        usable: usable(&["new", "old"]),
        note: EdgeNote {
            layout: Some(layout),
            pushed_at: None,
            in_vain: None,
            proved: Some(Proved { keyid: "new".to_owned(), at: ago(proved_for), deployment: some("d1") }),
            seen: [("new".to_owned(), seen), ("old".to_owned(), seen)].into(),
        },
        edge: EdgeState::Answered { active: proved("new"), standby: Some(proved("old")), deployment: some("d1") },
        ..Observed::default()
    }
}

fn next(seen: &Observed) -> Next {
    plan(seen, &LIFETIMES, NOW)
}

fn drops_previous(seen: &Observed) -> bool {
    matches!(next(seen), Next::Do(Repair::DropPrevious(_), _))
}

#[test]
fn what_the_labels_ask_for() {
    let all = usable(&["a", "b", "c"]);
    let labels = |current, pending: Option<&str>, previous: Option<&str>| Labels {
        current: some(current),
        pending: pending.map(str::to_owned),
        previous: previous.map(str::to_owned),
    };
    for (labels, usable, promoted, active, standby) in [
        (labels("a", None, None), &all, None, "a", None),
        (labels("b", None, Some("a")), &all, None, "b", some("a")),
        (labels("b", Some("c"), Some("a")), &all, None, "b", some("c")),
        (labels("b", Some("c"), None), &all, Some("c"), "c", some("b")),
        // Promoted is what is pending, and nothing else.
        (labels("b", Some("c"), None), &all, Some("a"), "b", some("c")),
        // AWSPENDING stays on the version after some rotations.
        (labels("b", Some("b"), Some("a")), &all, Some("b"), "b", some("a")),
        // A placeholder is no key.
        (labels("b", Some("z"), Some("a")), &all, Some("z"), "b", some("a")),
        (labels("b", None, Some("z")), &all, None, "b", None),
        (labels("a", Some("a"), Some("a")), &all, None, "a", None),
    ] {
        let layout = expected(&labels, usable, promoted, None).unwrap();
        assert_eq!((layout.active.as_str(), layout.standby), (active, standby), "{labels:?} {promoted:?}");
    }
    assert_eq!(expected(&Labels::default(), &all, None, None), None);
    assert_eq!(expected(&labels("z", None, Some("a")), &all, None, None), None, "no key to sign with is no layout");
}

#[test]
fn a_key_stays_in_its_slot() {
    let labels = Labels { current: some("a"), pending: some("b"), previous: None };
    let all = usable(&["a", "b"]);
    let first = expected(&labels, &all, None, None).unwrap();
    assert_eq!((first.slot, first.key_in(Slot::B)), (Slot::A, Some("b")));
    let promoted = expected(&labels, &all, Some("b"), Some(&first)).unwrap();
    assert_eq!((promoted.slot, promoted.key_in(Slot::A), promoted.key_in(Slot::B)), (Slot::B, Some("a"), Some("b")));
    assert_eq!(expected(&labels, &all, Some("b"), Some(&promoted)), Some(promoted));
}

#[test]
fn the_overlap_runs_before_aws_previous_goes() {
    let early = after_a_rotation(LIFETIMES.overlap - Duration::from_secs(1));
    assert_eq!(next(&early), Next::Rest(some("AWSPREVIOUS stays on old: its overlap ends in 1 s")));
    assert!(drops_previous(&after_a_rotation(LIFETIMES.overlap)));
}

#[test]
fn no_label_goes_without_the_edges_word() {
    let due = after_a_rotation(LIFETIMES.overlap);
    let deployment = some("d1");
    for (edge, expected) in [
        (EdgeState::Unreachable("it is down".to_owned()), Next::Stuck(Stuck::EdgeUnreachable("it is down".to_owned()))),
        (
            EdgeState::NotAsked,
            Next::Rest(some("AWSPREVIOUS stays on old: without EDGE_URL the edge cannot prove its key")),
        ),
        (
            EdgeState::Answered {
                active: Answer::Proved { keyid: "new".to_owned(), gateway_status: 503 },
                standby: Some(proved("old")),
                deployment: deployment.clone(),
            },
            Next::Stuck(Stuck::GatewayRefused(503)),
        ),
        (
            EdgeState::Answered { active: proved("new"), standby: Some(proved("old")), deployment: None },
            Next::Rest(some(
                "AWSPREVIOUS stays on old: the edge runs more than one version of the Worker; deploy one at 100 %",
            )),
        ),
    ] {
        assert_eq!(next(&Observed { edge, ..due.clone() }), expected);
    }
}

#[test]
fn a_rollback_that_was_undone_begins_the_overlap_again() {
    let mut seen = after_a_rotation(LIFETIMES.overlap);
    seen.edge = EdgeState::Answered { active: proved("new"), standby: Some(proved("old")), deployment: some("d3") };
    let proof = Proved { keyid: "new".to_owned(), at: START, deployment: some("d3") };
    let Next::Do(Repair::NoteProof(noted), _) = next(&seen) else { panic!("{:?}", next(&seen)) };
    assert_eq!(noted, proof);
    seen.note.proved = Some(proof);
    assert!(!drops_previous(&seen));
}

#[test]
fn a_rollback_is_undone_and_what_it_did_is_pushed_once() {
    let mut seen = after_a_rotation(LIFETIMES.overlap);
    for (active, standby, difference) in [
        (proved("old"), Answer::Empty, Difference::Active { found: "old".to_owned() }),
        (Answer::Other { keyid: "z".to_owned() }, proved("old"), Difference::Active { found: "z".to_owned() }),
        (Answer::Unverified, Answer::Unverified, Difference::Lost),
        (proved("new"), Answer::Empty, Difference::Standby { found: None }),
        (proved("new"), proved("new"), Difference::Standby { found: some("new") }),
    ] {
        seen.edge = EdgeState::Answered { active, standby: Some(standby), deployment: some("d2") };
        seen.pushed = None;
        let Next::Do(Repair::Push(layout), because) = next(&seen) else { panic!("{:?}", next(&seen)) };
        assert_eq!((Some(&layout), because), (seen.note.layout.as_ref(), difference.reason()));
        seen.pushed = Some(layout);
        assert_eq!(next(&seen), Next::Stuck(Stuck::EdgeWrongKey(difference)), "not again in the same run");
    }
}

#[test]
fn what_was_pushed_in_vain_is_pushed_again_only_over_another_deployment() {
    let mut seen = after_a_rotation(LIFETIMES.overlap);
    let elsewhere = |deployment: Option<&str>| EdgeState::Answered {
        active: Answer::Unverified,
        standby: Some(Answer::Unverified),
        deployment: deployment.map(str::to_owned),
    };
    seen.note.in_vain = some("d2");
    seen.edge = elsewhere(Some("d2"));
    assert_eq!(next(&seen), Next::Stuck(Stuck::PushedInVain(Difference::Lost)));
    for deployment in [Some("d3"), None] {
        seen.edge = elsewhere(deployment);
        assert!(matches!(next(&seen), Next::Do(Repair::Push(_), _)), "over {deployment:?}: {:?}", next(&seen));
    }
    seen.edge = elsewhere(Some("d2"));
    seen.labels.previous = None;
    assert!(matches!(next(&seen), Next::Do(Repair::Push(_), _)), "other keys are another push");
    seen.note.in_vain = None;
    assert!(matches!(next(&seen), Next::Do(Repair::Push(_), _)), "it was not pushed in vain");
}

#[test]
fn what_was_pushed_in_vain_is_waited_for_while_it_may_be_on_its_way() {
    let mut note = after_a_rotation(Duration::ZERO).note;
    note.pushed_at = Some(START);
    assert_eq!(note.arriving(LIFETIMES.edge_spread, NOW), None, "it has arrived");
    note.in_vain = some("d2");
    assert_eq!(note.arriving(LIFETIMES.edge_spread, NOW), note.layout.as_ref());
    assert_eq!(note.arriving(LIFETIMES.edge_spread, NOW.plus(LIFETIMES.edge_spread)), None);
}

#[test]
fn a_standby_is_not_asked_before_the_authorizer_can_know_it() {
    let mut seen = after_a_rotation(Duration::ZERO);
    assert!(seen.may_ask_standby(&LIFETIMES, NOW));
    seen.note.seen.insert("old".to_owned(), Seen { at: START, readable_at: Some(START) });
    assert!(!seen.may_ask_standby(&LIFETIMES, NOW));
    assert!(seen.may_ask_standby(&LIFETIMES, NOW.plus(LIFETIMES.activation_delay)));
    seen.edge = EdgeState::Answered { active: proved("new"), standby: None, deployment: some("d1") };
    assert!(matches!(next(&seen), Next::Rest(Some(_))), "what was not asked is no difference");
}

#[test]
fn an_emergency_waits_for_no_overlap() {
    let mut seen = after_a_rotation(Duration::ZERO);
    assert!(!drops_previous(&seen));
    seen.emergency = Some(EmergencyNote { token: "old".to_owned(), requested_at: START });
    assert!(!drops_previous(&seen), "it is another rotation's");
    seen.emergency = Some(EmergencyNote { token: "new".to_owned(), requested_at: START });
    assert!(drops_previous(&seen));
    seen.labels.previous = None;
    seen.usable = usable(&["new"]);
    seen.note.layout = Some(Layout { slot: Slot::B, active: "new".to_owned(), standby: None });
    seen.note.seen.remove("old");
    seen.edge = EdgeState::Answered { active: proved("new"), standby: Some(Answer::Empty), deployment: None };
    assert!(matches!(next(&seen), Next::Do(Repair::EndEmergency { replace: true }, _)));
}

#[test]
fn a_rotation_without_progress_is_given_up() {
    let mut seen = after_a_rotation(LIFETIMES.overlap);
    let long = ago(LIFETIMES.rotation_stuck);
    seen.labels = Labels { current: some("new"), pending: some("next"), previous: None };
    seen.usable = usable(&["new", "next"]);
    seen.note.layout = Some(Layout { slot: Slot::B, active: "new".to_owned(), standby: some("next") });
    seen.note.seen.remove("old");
    seen.note.seen.insert("next".to_owned(), Seen { at: long, readable_at: Some(long) });
    seen.edge = EdgeState::Answered { active: proved("new"), standby: Some(proved("next")), deployment: some("d1") };
    let gives_up = |seen: &Observed| matches!(next(seen), Next::Do(Repair::DropPending(_), _));
    assert!(gives_up(&seen));
    let recent = RotationNote { progressed_at: long + 1, ..RotationNote::new("next", "setSecret", NOW) };
    seen.rotation = Some(recent.clone());
    assert!(!gives_up(&seen), "it came further later");
    seen.rotation = Some(RotationNote { progressed_at: long, promoted: true, ..recent });
    assert!(!gives_up(&seen), "it is committed");
}

#[test]
fn a_new_key_is_not_used_before_the_authorizer_can_know_it() {
    let mut seen = after_a_rotation(LIFETIMES.overlap);
    let readable = ago(LIFETIMES.activation_delay) + 1;
    seen.labels = Labels { current: some("put"), pending: None, previous: some("new") };
    seen.usable = usable(&["put", "new"]);
    seen.note.seen.insert("put".to_owned(), Seen { at: readable, readable_at: Some(readable) });
    let until = Timestamp::from_millis(START + 1);
    assert!(matches!(next(&seen), Next::Do(Repair::Wait { until: when }, _) if when == until), "{:?}", next(&seen));
    let then = plan(&seen, &LIFETIMES, until);
    assert!(matches!(then, Next::Do(Repair::Push(_), _)), "{then:?}");
}
