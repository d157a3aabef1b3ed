//! The crash matrix: a rotation is killed before and after each of the calls of each of its steps, and
//! is then repeated, or left to the ticks, or meets a rollback of the Worker besides.
//!
//! It ends well every time: one key with labels, which the edge signs with, and a further rotation
//! passes. At every point on the way a client's request, signed by the edge with whatever key is
//! active, passes authorizers that know the labels of different moments: refused is only what is
//! signed with a key that has lost its label, and only until the next tick.
//!
//! The ticks that repair what was left behind are killed in the same way, and left to the next ones.
//!
//! With `COUNTERSIGN_SECRETS_MANAGER_URL` the staging labels are those of an emulator.

use countersign_tests::gate::When;

use cell::{Back, Cell, Then};
use tick::Left;
use world::STEPS;

pub mod acceptors;
pub mod cell;
pub mod clock;
pub mod secrets;
pub mod threads;
mod tick;
pub mod world;

/// Whether what is left out because something else covers it is done as well: it takes minutes.
pub fn everywhere() -> bool {
    std::env::var("COUNTERSIGN_CRASHES_EVERYWHERE").is_ok()
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Where {
    AtEveryCall,
    /// Before the first call, and after each call that changes something.
    AtEveryChange,
}

impl Where {
    /// Killed after a call is killed before the next one, as far as anybody else can tell; so a run is
    /// killed before its first call and after each.
    fn among(self, calls: &[String]) -> Vec<(usize, When)> {
        let every_call = self == Self::AtEveryCall || everywhere();
        let killed = |call: &usize| every_call || changes_something(&calls[..*call]);
        let after = (1..=calls.len()).filter(killed).map(|call| (call, When::After));
        std::iter::once((1, When::Before)).chain(after).collect()
    }
}

fn cells(algorithm: &'static str, then: Then, places: Where) -> Vec<Cell> {
    let calls = threads::alone(cell::calls_of_each_step(algorithm));
    let mut cells = Vec::new();
    for (step, calls) in calls.iter().enumerate() {
        println!("{algorithm} {}: {}", STEPS[step], calls.join(", "));
        assert!(!calls.is_empty(), "{} makes no call", STEPS[step]);
        let killed = places.among(calls).into_iter();
        cells.extend(killed.map(|(call, when)| Cell { algorithm, step, call, when, then }));
    }
    cells
}

/// Whether the last of these calls does. To renew a lease is not to change anything: the time jumps
/// past it.
fn changes_something(calls: &[String]) -> bool {
    let (last, before) = calls.split_last().expect("a call");
    let reads = ["GetItem", "Scan", "DescribeSecret", "GetSecretValue", "GET ", "POST edge probe"];
    let renews = last.starts_with("PutItem sync#lease#") && before.contains(last);
    !renews && !reads.iter().any(|read| last.starts_with(read))
}

fn every_crash(algorithm: &'static str, then: Then, places: Where) {
    threads::run_all(threads::FEW, &cells(algorithm, then, places), async |cell, before| {
        cell::run(*cell, before).await
    });
}

#[test]
fn a_killed_step_is_repeated() {
    every_crash("hmac-sha256", Then::Repeated, Where::AtEveryCall);
}

#[test]
fn a_killed_step_is_left_to_the_ticks() {
    every_crash("hmac-sha256", Then::LeftToTicks, Where::AtEveryChange);
}

#[test]
fn a_killed_step_meets_a_rollback_by_one_version() {
    every_crash("hmac-sha256", Then::RolledBack(Back::OneVersion), Where::AtEveryChange);
}

#[test]
fn a_killed_step_meets_a_rollback_by_two_versions() {
    every_crash("hmac-sha256", Then::RolledBack(Back::TwoVersions), Where::AtEveryChange);
}

#[test]
fn a_killed_step_meets_a_rollback_to_a_retired_key() {
    every_crash("hmac-sha256", Then::RolledBack(Back::RetiredKey), Where::AtEveryChange);
}

#[test]
fn a_killed_step_meets_a_rollback_to_no_keys() {
    every_crash("hmac-sha256", Then::RolledBack(Back::NoKeys), Where::AtEveryChange);
}

#[test]
fn a_killed_step_meets_a_rollback_and_is_repeated() {
    every_crash("hmac-sha256", Then::RolledBackAndRepeated(Back::RetiredKey), Where::AtEveryChange);
    if everywhere() {
        every_crash("hmac-sha256", Then::RolledBackAndRepeated(Back::OneVersion), Where::AtEveryChange);
    }
}

#[test]
fn with_private_keys_of_ed25519() {
    every_crash("ed25519", Then::Repeated, Where::AtEveryChange);
    if everywhere() {
        every_crash("ed25519", Then::LeftToTicks, Where::AtEveryChange);
    }
}

#[test]
fn with_private_keys_of_p256() {
    every_crash("ecdsa-p256-sha256", Then::LeftToTicks, Where::AtEveryChange);
    if everywhere() {
        every_crash("ecdsa-p256-sha256", Then::Repeated, Where::AtEveryChange);
    }
}

/// The ticks that repair what is left: each dies at one of its calls.
fn every_tick(left: impl Fn(&'static str) -> Vec<Left>) {
    let all = ["hmac-sha256", "ed25519", "ecdsa-p256-sha256"];
    let mut cells = Vec::new();
    for algorithm in if everywhere() { &all[..] } else { &all[..1] } {
        for left in left(algorithm) {
            let calls = threads::alone(tick::calls(algorithm, left));
            println!("{algorithm} {left:?}: {}", calls.join(", "));
            let killed = Where::AtEveryChange.among(&calls).into_iter();
            cells.extend(killed.map(|(call, when)| tick::Cell { algorithm, left, call, when }));
        }
    }
    threads::run_all(threads::FEW, &cells, async |cell, before| tick::run(*cell, before).await);
}

#[test]
fn a_killed_tick_was_finishing_a_committed_rotation() {
    every_tick(|algorithm| {
        let [.., finish] = threads::alone(cell::calls_of_each_step(algorithm));
        let commits = finish.iter().position(|call| call == "PutItem sync#rotation");
        vec![Left::Committed { call: 1 + commits.expect("finishSecret commits") }]
    });
}

#[test]
fn a_killed_tick_was_giving_up_a_rotation() {
    every_tick(|_| vec![Left::NoProgress]);
}

#[test]
fn a_killed_tick_was_retiring_a_key() {
    every_tick(|_| vec![Left::OverlapRun]);
}

#[test]
fn a_killed_tick_was_undoing_a_rollback() {
    use Back::{NoKeys, OneVersion, RetiredKey, TwoVersions};
    let enough = [(OneVersion, true), (RetiredKey, false)];
    let all = [OneVersion, TwoVersions, RetiredKey, NoKeys].map(|to| [(to, true), (to, false)]).concat();
    let rollbacks = if everywhere() { &all } else { &enough[..] };
    every_tick(|_| rollbacks.iter().map(|&(to, in_overlap)| Left::RolledBack { to, in_overlap }).collect());
}
