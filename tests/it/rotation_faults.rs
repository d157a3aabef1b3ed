//! Every call of every step of a rotation meets every way in which a service fails, and a lease that
//! somebody else takes. The step retries through it, or fails and says where; a repeat or the ticks
//! that follow bring edge, table and labels to agreement, and say what they repaired.

mod disturbance;

use std::sync::Arc;

use countersign_tests::cloudflare::Cloudflare;
use serde_json::json;

use crate::crash::cell::{repeat, settle, tick_until_given_up, up_to, world_with_a_past};
use crate::crash::world::{LEASE, STEPS, World};
use crate::crash::{clock, everywhere, threads};
use disturbance::{Doors, Fault, Lasting, Plan};

#[derive(Clone, Copy, Debug)]
struct Cell {
    step: usize,
    /// From 1.
    call: usize,
    fault: Fault,
    lasting: Lasting,
    repeated: bool,
}

/// What changes something outside of the table.
const WRITES: [&str; 3] = ["PutSecretValue", "UpdateSecretVersionStage", "PATCH secrets-bulk"];

/// A world whose services misbehave when they are told to.
struct Disturbed {
    world: World,
    plan: Arc<Plan>,
    _doors: Doors,
}

impl Disturbed {
    /// `before`: what an earlier cell has left.
    async fn or_start(before: Option<Self>) -> Self {
        if let Some(before) = before {
            return before;
        }
        let mut world = world_with_a_past("hmac-sha256").await;
        let plan = Plan::new();
        let _doors = Doors::before(&mut world.urls, &plan).await;
        Self { world, plan, _doors }
    }
}

fn calls_of_each_step() -> [Vec<String>; 4] {
    threads::alone(async {
        let Disturbed { world, plan, .. } = &Disturbed::or_start(None).await;
        let token = up_to(world, 0).await;
        let mut calls = [const { Vec::new() }; 4];
        for (step, calls) in STEPS.iter().zip(&mut calls) {
            plan.forget_calls();
            world.step(step, &token).await.unwrap_or_else(|error| world.fail(&error));
            *calls = plan.calls();
            assert!(!calls.is_empty(), "{step} makes no call");
        }
        calls
    })
}

/// `which`: of the calls of one step, by their names, the ones that are disturbed. Of the faults they
/// meet one each, in turn, or everywhere all.
fn every_call(faults: &[Fault], lasting: Lasting, which: fn(&[String], usize) -> bool) {
    let mut cells = Vec::new();
    for (step, calls) in calls_of_each_step().iter().enumerate() {
        for call in (1..=calls.len()).filter(|call| everywhere() || which(calls, *call)) {
            let in_turn = faults[(step + call) % faults.len()];
            for &fault in faults.iter().filter(|fault| everywhere() || **fault == in_turn) {
                // Half of them are repeated, half are left to the ticks.
                cells.push(Cell { step, call, fault, lasting, repeated: cells.len() % 2 == 0 });
            }
        }
    }
    let waits = faults.contains(&Fault::AppliedThenSilent);
    let at_once = if waits { threads::MANY } else { threads::FEW };
    threads::run_all(at_once, &cells, async |cell, before| run(cell, before).await);
}

/// The first and the last of those of one name: between them the same fails in the same way.
fn the_outer_ones(calls: &[String], call: usize) -> bool {
    let (before, from) = calls.split_at(call - 1);
    !before.contains(&from[0]) || !from[1..].contains(&from[0])
}

/// What changes something: after anything else a loss is just a second look.
fn the_writes(calls: &[String], call: usize) -> bool {
    let writes = ["PutItem", "DeleteItem", "PutSecretValue", "UpdateSecretVersionStage", "PATCH"];
    writes.iter().any(|write| calls[call - 1].starts_with(write))
}

async fn run(cell: &Cell, before: Option<Disturbed>) -> Disturbed {
    let disturbed = Disturbed::or_start(before).await;
    let Disturbed { world, plan, .. } = &disturbed;
    world.begin(format!("{cell:?}"));
    let token = up_to(world, cell.step).await;
    let step = STEPS[cell.step];
    plan.fail(cell.call, cell.fault, cell.lasting);
    let ended = world.invoke(&world.event(step, &token)).await;
    world.note(format!("{step}: {ended:?}"));
    if !plan.recover() {
        world.fail("the step made fewer calls than the first time");
    }
    if let Err(error) = &ended
        && !error.contains(step)
    {
        world.fail(&format!("the error does not name the step {step}: {error}"));
    }
    world.check("the fault").await;
    if cell.repeated {
        repeat(world, &token).await;
    } else {
        tick_until_given_up(world).await;
    }
    settle(world).await;
    rotate_undisturbed(world).await;
    disturbed
}

/// What comes next begins as every rotation does.
async fn rotate_undisturbed(world: &World) {
    world.rotate().await;
    settle(world).await;
}

#[test]
fn refused_until_it_gives_up() {
    let faults = [Fault::Throttled, Fault::ServerError, Fault::Forbidden, Fault::Garbage];
    every_call(&faults, Lasting::UntilRecovery, the_outer_ones);
}

#[test]
fn applied_and_the_answer_lost_once() {
    every_call(&[Fault::AppliedThenCut], Lasting::OneCall, the_writes);
}

#[test]
fn applied_and_no_answer_until_it_gives_up() {
    every_call(&[Fault::AppliedThenSilent], Lasting::UntilRecovery, the_outer_ones);
}

/// Before any write of a step another run takes the lease. What is under way is finished, and nothing
/// is written after it.
#[test]
fn a_lost_lease_ends_the_writing() {
    let calls = calls_of_each_step();
    let mut cells = Vec::new();
    for (step, calls) in calls.iter().enumerate() {
        let disturbed = (2..=calls.len()).filter(|call| everywhere() || the_writes(calls, *call));
        cells.extend(disturbed.map(|call| (step, call)));
    }
    threads::run_all(threads::FEW, &cells, async |&(step, call), before| {
        let disturbed = Disturbed::or_start(before).await;
        let Disturbed { world, plan, .. } = &disturbed;
        world.begin(format!("the lease is lost before call {call} of {}", STEPS[step]));
        let token = up_to(world, step).await;
        let until = clock::now_millis() + 60_000;
        let thief = json!({ "pk": "sync#lease#rotation", "owner": "another run", "until": until });
        let table = world.table.clone();
        plan.forget_calls();
        plan.meanwhile(call, move || table.put(&thief));
        let ended = world.invoke(&world.event(STEPS[step], &token)).await;
        world.note(format!("{}: {ended:?}", STEPS[step]));
        if !plan.recover() {
            world.fail("the step made fewer calls than the first time");
        }
        let calls = plan.calls();
        if let Some(write) = calls[call..].iter().find(|call| WRITES.contains(&call.as_str())) {
            world.fail(&format!("{write} although the lease was lost at call {call} of {calls:?}"));
        }
        if let Err(error) = ended
            && !(error.contains("lease_lost") && error.contains(STEPS[step]))
        {
            world.fail(&format!("a lost lease and the step are not named: {error}"));
        }
        world.check("the lost lease").await;
        tick_until_given_up(world).await;
        settle(world).await;
        rotate_undisturbed(world).await;
        disturbed
    });
}

/// Cloudflare changes secrets only where the newest version is the deployed one. Nothing that key-sync
/// could do helps, so it says so, at every turn, and goes on once somebody has deployed.
#[test]
fn a_worker_that_only_its_operator_can_deploy() {
    threads::alone(async {
        for (step, unsettle) in [
            (2, roll_back as fn(&Cloudflare)),
            (1, |cloudflare: &Cloudflare| _ = cloudflare.upload_undeployed_version()),
            (0, |cloudflare: &Cloudflare| _ = cloudflare.split_deployment()),
        ] {
            let world = world_with_a_past("hmac-sha256").await;
            world.cloudflare.rollback_locks_secrets(true);
            let token = up_to(&world, step).await;
            unsettle(&world.cloudflare);
            let error = world.step(STEPS[step], &token).await.expect_err("the Worker cannot be changed");
            assert!(error.contains(STEPS[step]), "{error}");
            // With the old standby on the edge the test fails by itself; what a tick cannot repair, it says.
            let error = if step == 2 { world.job("tick").await.expect_err("it cannot be repaired") } else { error };
            assert!(error.contains("needs_operator"), "{error}");
            world.check("the operator was asked for").await;
            world.cloudflare.deploy_newest();
            repeat(&world, &token).await;
            settle(&world).await;
        }
    });
}

/// Right after a push somebody rolls the Worker back. What the edge then shows is not what the push
/// has made of it, so the next tick pushes again.
#[test]
fn a_rollback_on_the_heels_of_a_push_is_undone_by_the_next_tick() {
    threads::alone(async {
        let Disturbed { world, plan, .. } = &Disturbed::or_start(None).await;
        let cloudflare = world.cloudflare.clone();
        let to_a_retired_key = move || cloudflare.rollback(&cloudflare.versions()[1]);
        to_a_retired_key();
        plan.forget_calls();
        world.tick_after(LEASE).await;
        let push = plan.calls().iter().position(|call| call == "PATCH secrets-bulk").expect("the tick pushes");

        to_a_retired_key();
        // Calls count from 1, and this is before the one after the push.
        plan.meanwhile(push + 2, to_a_retired_key);
        let error = world.job("tick").await.expect_err("the edge does not show what was pushed");
        assert!(plan.recover() && error.contains("edge_wrong_key"), "{error}");
        assert!(!world.check("a rollback on the heels of a push").await.labelled, "it is in effect");
        world.tick_after(LEASE).await;
        assert!(world.check("the next tick").await.labelled, "it is not undone");
        settle(world).await;
    });
}

fn roll_back(cloudflare: &Cloudflare) {
    let versions = cloudflare.versions();
    cloudflare.rollback(&versions[versions.len() - 2]);
}
