//! Rotations in a row under traffic, each with its ticks, and what the clients saw of them.

use std::fmt;
use std::time::Duration;

use countersign_tests::deployment::READER;
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::clients::Clients;
use super::counts::{Counts, rate};
use super::world::{CLIENTS, World};

/// How often the label is looked for that says that a rotation has begun.
const LOOK: Duration = Duration::from_millis(20);

pub struct Series {
    algorithm: &'static str,
    rotations: usize,
    counts: Counts,
    took: Duration,
    renewed: usize,
    /// Steps that Secrets Manager had to repeat.
    repeated: usize,
}

impl Series {
    /// Clients send from before the first rotation until after the last. In the middle of every
    /// rotation the oldest environment is replaced by a cold one.
    pub async fn run(world: &World, rotations: usize) -> Self {
        Self::with(world, rotations, async |_| {}).await
    }

    /// `after_each` comes after a rotation and its tick, while the old key still has its label.
    pub async fn with(world: &World, rotations: usize, after_each: impl AsyncFn(usize)) -> Self {
        let start = Instant::now();
        let clients = Clients::start(&world.edges(), READER);
        let mut repeated = 0;
        for n in 1..=rotations {
            let (failed, ()) = tokio::join!(world.rotate(), renew_in_the_middle(world));
            repeated += failed;
            let promoted = Instant::now();
            world.job(json!({ "job": "tick" })).await;
            after_each(n).await;
            // The last one ends as the others did; that is worth waiting for where there is but one.
            if n < rotations || rotations == 1 {
                world.retire_since(promoted).await;
            }
        }
        let mut counts = clients.stop().await;
        let took = start.elapsed();
        let fleet = world.fleet.counts();
        (counts.signed, counts.retired) = (fleet.signed, fleet.retired);
        counts.why.extend(fleet.why);
        let algorithm = world.deployment.edge.algorithm();
        Self { algorithm, rotations, counts, took, renewed: world.fleet.renewed(), repeated }
    }

    /// # Panics
    /// If anybody was refused, the edge's own probes with a labelled key included, anything failed, or a key
    /// was not used.
    pub fn assert_harmless(&self) {
        let Counts { sent, allowed, refused, faults, why, signed, .. } = &self.counts;
        assert_eq!((*refused, *faults, allowed, why.len()), (0, 0, sent, 0), "{self}");
        assert_eq!(signed.len(), self.rotations + 1, "each rotation brings one key to use: {self}");
        assert!(self.renewed >= self.rotations, "{self}");
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { algorithm, rotations, counts, took, renewed, repeated } = self;
        write!(f, "{rotations} rotations of {algorithm} in {:.0} s, {CLIENTS} clients: ", took.as_secs_f64())?;
        write!(f, "{counts}; {:.0} a second; ", rate(counts.sent, *took))?;
        write!(f, "{renewed} authorizers started cold meanwhile, {repeated} rotations repeated")
    }
}

/// Waits until a version is AWSPENDING and puts a cold environment in the oldest one's place.
async fn renew_in_the_middle(world: &World) {
    while world.deployment.secret.holder("AWSPENDING").is_none() {
        sleep(LOOK).await;
    }
    world.fleet.renew_oldest().await;
}
