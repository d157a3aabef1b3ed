//! The plan against a small world: labels, a Worker with versions, notes, a clock, and everything that
//! may happen to them between two runs and in the middle of one.

use std::time::Duration;

use countersign_decision::lifetimes::Lifetimes;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::edge_keys::layout::{Labels, Layout, Slot};
use crate::edge_keys::note::{EdgeNote, Proved, Seen};
use crate::emergency::EmergencyNote;
use crate::rotate::note::RotationNote;
use world::{Kill, World};

mod cases;
mod steps;
mod world;

const LIFETIMES: Lifetimes = Lifetimes::DEFAULT;
const TICK: Duration = Duration::from_secs(300);
/// Ticks after which anything must have ended: a stuck rotation's two hours, and an overlap or two.
const TICKS: usize = 24 + 12;

#[derive(Clone, Debug)]
enum Event {
    Pass(Duration),
    Tick(Kill),
    /// Secrets Manager starts a rotation, unless it says that one is under way.
    Rotate,
    /// The next step of the rotation that is under way; from the first one again after a failure.
    Step(Kill),
    /// Somebody deploys an earlier version of the Worker.
    RollBack(Index),
    /// Somebody deploys new code.
    Deploy,
    /// Somebody begins, or ends, a gradual deployment.
    Split(bool),
    /// Somebody stores a value without naming a label: it is AWSCURRENT at once.
    PutCurrent,
    /// Somebody takes AWSPENDING away.
    Cancel,
    EdgeDown(bool),
    /// `EDGE_URL` leads to somebody who accepts no key of ours.
    EdgeElsewhere(bool),
    CloudflareDown(bool),
    /// A push of a run that was killed is applied only now.
    LateWrite,
    Emergency,
}

fn kill() -> impl Strategy<Value = Kill> {
    prop_oneof![3 => Just(None), 2 => (0..60_u32).prop_map(Some)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..1200_u64).prop_map(|seconds| Event::Pass(Duration::from_secs(seconds))),
        6 => kill().prop_map(Event::Tick),
        4 => Just(Event::Rotate),
        16 => kill().prop_map(Event::Step),
        2 => any::<Index>().prop_map(Event::RollBack),
        1 => Just(Event::Deploy),
        1 => any::<bool>().prop_map(Event::Split),
        1 => Just(Event::PutCurrent),
        1 => Just(Event::Cancel),
        1 => any::<bool>().prop_map(Event::EdgeDown),
        1 => any::<bool>().prop_map(Event::EdgeElsewhere),
        1 => any::<bool>().prop_map(Event::CloudflareDown),
        2 => Just(Event::LateWrite),
        1 => Just(Event::Emergency),
    ]
}

impl World {
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Pass(span) => self.pass(*span),
            Event::Tick(kill) => drop(self.tick(*kill)),
            Event::Rotate => self.start_rotation(),
            Event::Step(kill) => drop(self.next_step(*kill)),
            Event::RollBack(index) => self.roll_back(*index),
            Event::Deploy => self.deploy_code(),
            Event::Split(split) => self.split = *split,
            Event::PutCurrent => self.put_current(),
            Event::Cancel => self.cancel_rotation(),
            Event::EdgeDown(down) => self.edge_down = *down,
            Event::EdgeElsewhere(elsewhere) => self.edge_elsewhere = *elsewhere,
            Event::CloudflareDown(down) => self.cloudflare_down = *down,
            Event::LateWrite => self.apply_late_write(),
            Event::Emergency => self.start_emergency(),
        }
    }

    /// All outages end, and only the schedule goes on.
    fn let_it_settle(&mut self) {
        (self.edge_down, self.edge_elsewhere, self.cloudflare_down, self.split) = (false, false, false, false);
        self.late_write = None;
        for _ in 0..TICKS {
            self.pass(TICK);
            let _ = self.tick(None);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What must never happen is asserted by the world itself, at every write.
    #[test]
    fn whatever_happens_is_safe_and_ends_well(
        asymmetric: bool,
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let mut world = World::new(asymmetric);
        world.bootstrap();
        for event in &events {
            world.happen(event);
        }
        world.let_it_settle();
        world.assert_settled();
    }

    #[test]
    fn a_rotation_killed_anywhere_is_finished_by_repetition(
        asymmetric: bool,
        kills in proptest::collection::vec(0..40_u32, 0..8),
    ) {
        let mut world = World::new(asymmetric);
        world.bootstrap();
        world.start_rotation();
        let token = world.labels.pending.clone();
        for kill in kills {
            let _ = world.next_step(Some(kill));
        }
        for _ in 0..8 {
            let _ = world.next_step(None);
        }
        prop_assert_eq!(&world.labels.current, &token);
        prop_assert!(world.labels.rotating().is_none());
    }

    #[test]
    fn from_any_state_the_ticks_find_the_way(start in any_state()) {
        let mut world = start;
        world.trusts_its_past = false;
        world.let_it_settle();
        world.assert_settled();
    }

    #[test]
    fn a_plan_that_was_carried_out_leaves_nothing_to_do(start in any_state()) {
        let mut world = start;
        world.trusts_its_past = false;
        world.tick(None).ok();
        let before = world.writes;
        world.tick(None).ok();
        // What time alone makes due may come; in the same moment nothing can.
        prop_assert_eq!(world.writes, before);
    }
}

fn keyid() -> impl Strategy<Value = String> {
    (0..5_u8).prop_map(|n| format!("key-{n}"))
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let slot = prop_oneof![Just(Slot::A), Just(Slot::B)];
    (slot, keyid(), proptest::option::of(keyid())).prop_map(|(slot, active, standby)| Layout {
        slot,
        standby: standby.filter(|standby| *standby != active),
        active,
    })
}

fn any_note() -> impl Strategy<Value = EdgeNote> {
    let ago = 0..10_000_000_u64;
    let seen = (ago.clone(), proptest::option::of(ago.clone()));
    (
        proptest::option::of(any_layout()),
        proptest::option::of(Just("an earlier deployment".to_owned())),
        proptest::option::of((keyid(), ago, proptest::option::of(Just("deployment-0".to_owned())))),
        proptest::collection::btree_map(keyid(), seen, 0..5),
    )
        .prop_map(|(layout, in_vain, proved, seen)| EdgeNote {
            layout,
            pushed_at: None,
            in_vain,
            proved: proved.map(|(keyid, ago, deployment)| Proved { keyid, at: world::START - ago, deployment }),
            seen: seen
                .into_iter()
                .map(|(keyid, (at, readable))| {
                    (keyid, Seen { at: world::START - at, readable_at: readable.map(|ago| world::START - ago) })
                })
                .collect(),
        })
}

/// Any labels on any versions, any of the other versions on the edge, any notes.
fn any_state() -> impl Strategy<Value = World> {
    let labels = (keyid(), proptest::option::of(keyid()), proptest::option::of(keyid()));
    let rotation = proptest::option::of((keyid(), any::<bool>(), any::<bool>()));
    let emergency = proptest::option::of(keyid());
    (any::<bool>(), labels, any::<u8>(), proptest::option::of(any_layout()), any_note(), rotation, emergency).prop_map(
        |(asymmetric, (current, pending, previous), placeholders, deployed, note, rotation, emergency)| {
            let mut world = World::new(asymmetric);
            let previous = previous.filter(|previous| *previous != current);
            world.labels = Labels { current: Some(current.clone()), pending, previous };
            world.values = (0..5_u8).map(|n| format!("key-{n}")).collect();
            // Only a version that is not AWSCURRENT may be without a value.
            world.values.retain(|key| *key == current || placeholders & (1 << (key.as_bytes()[4] - b'0')) == 0);
            world.versions = vec![deployed];
            world.note = note;
            world.rotation = rotation.map(|(keyid, tested, promoted)| RotationNote {
                tested_at: tested.then_some(world::START),
                promoted,
                ..RotationNote::new(&keyid, "setSecret", world.now())
            });
            world.emergency = emergency.map(|token| EmergencyNote { token, requested_at: world::START });
            world.watch_readability();
            world
        },
    )
}
