//! One cell of the ticks' matrix: something is left for a tick to repair, that tick dies at one of its
//! calls, and the next ones go on.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_tests::gate::When;
use serde_json::{Value, json};

use super::cell::{Back, mended_by_a_tick, roll_back, settle, up_to, world_with_a_past};
use super::world::{LEASE, STEPS, World};
use super::{clock, everywhere};

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub algorithm: &'static str,
    pub left: Left,
    /// At which of its calls the tick dies, from 1.
    pub call: usize,
    pub when: When,
}

/// What a tick finds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// Somebody has rolled the Worker back; `in_overlap`: while the last key has its label still.
    RolledBack { to: Back, in_overlap: bool },
    /// finishSecret died after this call of its own, which wrote down that the rotation is committed.
    Committed { call: usize },
    /// The new key was tested, and nobody has gone on since for two hours.
    NoProgress,
    /// The last key has its label still, and its overlap has run.
    OverlapRun,
}

/// In the end the labels are clean, and a rotation passes. `before`: the world that an earlier cell has
/// left.
pub async fn run(cell: Cell, before: Option<World>) -> World {
    let world = match before.filter(|world| world.algorithm == cell.algorithm) {
        Some(world) => world,
        None => world_with_a_past(cell.algorithm).await,
    };
    world.begin(format!("{cell:?}"));
    let current = leave(&world, cell.left).await;
    if !world.crash(&tick(), cell.call, cell.when).await {
        world.fail("the tick made fewer calls than the first time");
    }
    world.acceptors.bother(&current, world.algorithm).await;
    world.check("the crash").await;
    mended_by_a_tick(&world).await;
    settle(&world).await;
    if world.secrets.holder("AWSCURRENT").await.as_ref() != Some(&current) {
        world.fail(&format!("{current} is not AWSCURRENT in the end"));
    }
    // What comes next in this world mostly begins with a rotation anyway.
    if everywhere() {
        world.rotate().await;
        settle(&world).await;
    }
    world
}

/// The names of the calls that such a tick makes when nothing goes wrong.
pub async fn calls(algorithm: &'static str, left: Left) -> Vec<String> {
    let world = world_with_a_past(algorithm).await;
    leave(&world, left).await;
    world.gate.forget_calls();
    world.invoke(&tick()).await.unwrap_or_else(|error| world.fail(&error));
    world.gate.log()
}

fn tick() -> Value {
    json!({ "job": "tick" })
}

/// Brings this about; the version that is AWSCURRENT when all is repaired.
async fn leave(world: &World, left: Left) -> String {
    // What a tick does once in an hour is done: so all that find the same make the same calls.
    world.tick_after(HOUR).await;
    let before = world.secrets.holder("AWSCURRENT").await.unwrap_or_else(|| world.fail("nothing is AWSCURRENT"));
    match left {
        Left::RolledBack { to, in_overlap } => {
            let current = if in_overlap { world.rotate().await } else { before };
            roll_back(world, to).await;
            current
        }
        Left::Committed { call } => {
            let (finish, event) = (STEPS.len() - 1, STEPS[STEPS.len() - 1]);
            let token = up_to(world, finish).await;
            let died = world.crash(&world.event(event, &token), call, When::After).await;
            let is_committed = world.table.get("sync#rotation").is_some_and(|note| note["promoted"]["BOOL"] == true);
            if !died || !is_committed || world.active() != Some(before) {
                world.fail("finishSecret has not died between its word and its deed");
            }
            clock::advance(LEASE);
            token
        }
        Left::NoProgress => {
            up_to(world, STEPS.len() - 1).await;
            clock::advance(LIFETIMES.rotation_stuck + SECOND);
            before
        }
        Left::OverlapRun => {
            let current = world.rotate().await;
            clock::advance(LIFETIMES.overlap + SECOND);
            current
        }
    }
}
