//! One cell of the matrix: a rotation that dies at one call of one step, and what happens then.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use countersign_tests::gate::When;

use super::world::{LEASE, STEPS, World};

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug)]
pub struct Cell {
    pub algorithm: &'static str,
    /// Which of [`STEPS`] dies.
    pub step: usize,
    /// At which of its calls, from 1.
    pub call: usize,
    pub when: When,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Then {
    /// Secrets Manager starts again from the first step, with the same token.
    Repeated,
    LeftToTicks,
    /// Somebody rolls the Worker back; the ticks go on.
    RolledBack(Back),
    /// Somebody rolls the Worker back, and Secrets Manager starts again before any tick.
    RolledBackAndRepeated(Back),
}

/// How far a Worker is rolled back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Back {
    OneVersion,
    TwoVersions,
    /// To the first version with keys. The key that it signs with was retired long ago.
    RetiredKey,
    /// To a version from before there were keys.
    NoKeys,
}

/// In the end a rotation has passed. `before`: the world that an earlier cell has left.
pub async fn run(cell: Cell, before: Option<World>) -> World {
    let world = match before {
        Some(world) => world,
        None => world_with_a_past(cell.algorithm).await,
    };
    world.begin(format!("{cell:?}"));
    let token = up_to(&world, cell.step).await;
    let step = STEPS[cell.step];
    if !world.crash(&world.event(step, &token), cell.call, cell.when).await {
        world.fail("the step made fewer calls than the first time");
    }
    world.acceptors.bother(&token, world.algorithm).await;
    world.check("the crash").await;
    match cell.then {
        Then::Repeated => repeat(&world, &token).await,
        Then::LeftToTicks => {
            let rotation = world.table.get("sync#rotation");
            let report = tick_until_given_up(&world).await;
            // Where a step has left word, so does the tick that closes the matter.
            let step = rotation.as_ref().and_then(|note| note["step"]["S"].as_str());
            if !report.contains(&token) || step.is_some_and(|step| !report.contains(step)) {
                world.fail(&format!("no tick names the rotation {token} and its step {step:?}: {report}"));
            }
        }
        Then::RolledBack(back) => {
            roll_back(&world, back).await;
            // One that retired a key long ago refuses until the next tick, and no longer.
            mended_by_a_tick(&world).await;
            tick_until_given_up(&world).await;
        }
        Then::RolledBackAndRepeated(back) => {
            roll_back(&world, back).await;
            repeat(&world, &token).await;
        }
    }
    settle(&world).await;
    if cell.then != Then::Repeated {
        world.rotate().await;
        settle(&world).await;
    }
    world
}

/// A world whose first key is retired already.
pub async fn world_with_a_past(algorithm: &'static str) -> World {
    with_a_past(World::start(algorithm).await).await
}

pub async fn with_a_past(world: World) -> World {
    world.rotate().await;
    settle(&world).await;
    world
}

/// Starts a rotation and takes the steps before this one.
pub async fn up_to(world: &World, step: usize) -> String {
    let token = world.secrets.rotate().await.unwrap_or_else(|error| world.fail(&error));
    world.acceptors.bother(&token, world.algorithm).await;
    for step in &STEPS[..step] {
        world.step(step, &token).await.unwrap_or_else(|error| world.fail(&format!("{step}: {error}")));
        world.acceptors.bother(&token, world.algorithm).await;
        world.check(step).await;
    }
    world.prepare(STEPS[step]).await;
    token
}

/// The names of the calls that each step makes when nothing goes wrong.
pub async fn calls_of_each_step(algorithm: &'static str) -> [Vec<String>; 4] {
    let world = world_with_a_past(algorithm).await;
    let token = world.secrets.rotate().await.unwrap_or_else(|error| world.fail(&error));
    let mut calls = [const { Vec::new() }; 4];
    for (step, calls) in STEPS.iter().zip(&mut calls) {
        world.gate.forget_calls();
        world.step(step, &token).await.unwrap_or_else(|error| world.fail(&format!("{step}: {error}")));
        *calls = world.gate.log();
    }
    calls
}

/// As Secrets Manager does it: from the start, with the same token. It would try several times; once
/// the dead run's lease has ended, the first must do.
pub async fn repeat(world: &World, token: &str) {
    super::clock::advance(LEASE);
    world.note("the rotation is repeated");
    world.steps(token).await;
    let current = world.secrets.holder("AWSCURRENT").await;
    if current.as_deref() != Some(token) {
        world.fail(&format!("repeated, the rotation ends with {current:?} as AWSCURRENT"));
    }
}

pub async fn roll_back(world: &World, back: Back) {
    let versions = world.cloudflare.versions();
    let to = match back {
        Back::OneVersion => versions.len() - 2,
        Back::TwoVersions => versions.len() - 3,
        Back::RetiredKey => 1,
        Back::NoKeys => 0,
    };
    world.cloudflare.rollback(&versions[to]);
    world.note(format!("rolled back to version {to} of {}", versions.len()));
    world.check("the rollback").await;
}

/// Once the dead run's lease has ended, one tick is enough for every request to pass again.
pub async fn mended_by_a_tick(world: &World) {
    world.tick_after(LEASE).await;
    let served = world.check("the next tick").await;
    if !served.labelled || served.status != 200 {
        world.fail("a tick has not mended what the edge signs with");
    }
}

/// Ticks until a rotation that nobody goes on with is either finished or given up; what they say.
pub async fn tick_until_given_up(world: &World) -> String {
    let mut reports = String::new();
    for span in [LEASE, LIFETIMES.rotation_stuck + SECOND] {
        reports += &world.tick_after(span).await;
        world.check("a tick").await;
    }
    reports
}

/// The overlap runs, a tick comes, and everything is as it should be.
pub async fn settle(world: &World) {
    world.tick_after(LIFETIMES.overlap + SECOND).await;
    settled(world).await;
}

/// One key with labels, which are clean; the edge signs with it and has no other, and nothing is left
/// of a rotation.
async fn settled(world: &World) {
    let labels = world.secrets.labels().await;
    let current = world.secrets.holder("AWSCURRENT").await.unwrap_or_else(|| world.fail("nothing is AWSCURRENT"));
    let clean =
        labels.len() == 1 && labels[&current].iter().all(|label| label == "AWSCURRENT" || label == "AWSPENDING");
    if !clean {
        world.fail(&format!("the labels are not clean: {labels:?}"));
    }
    let served = world.check("everything").await;
    if served.keyid.as_deref() != Some(&current) {
        world.fail(&format!("the edge signs with {:?}, and {current} is AWSCURRENT", served.keyid));
    }
    let bindings: Vec<_> = world.cloudflare.deployed().into_keys().collect();
    let published = world.table.keys("edgekey#");
    let rotation = world.table.get("sync#rotation");
    if bindings.len() != 2 || published.iter().any(|key| !key.ends_with(&current)) || rotation.is_some() {
        world.fail(&format!("left behind: {bindings:?} at the edge, {published:?} and {rotation:?} in the table"));
    }
}
