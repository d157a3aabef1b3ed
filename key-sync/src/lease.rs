//! The right to write, as a value: whoever has a [`Lease`] renews it before each write.
//!
//! Two of them: `rotation` for labels and signing keys, `kv` for what is published of the table. One
//! would do, but a comparison of a million keys must not hold up a rotation.

use aws_lc_rs::rand;
use tokio::time::{Instant, sleep};

use crate::report::{Code, JobError};
use crate::start::KeySync;

pub const ROTATION: &str = "rotation";
pub const KV: &str = "kv";

/// How often a held lease is asked for while it lasts.
const LOOKS: u32 = 60;

pub struct Lease<'k> {
    key_sync: &'k KeySync,
    name: &'static str,
    /// This run, and no other.
    owner: String,
}

impl<'k> Lease<'k> {
    /// Waits for another run to end, for as long as a dead one keeps its lease.
    ///
    /// # Errors
    /// `LeaseHeld`, where that does not help or `until` comes first.
    pub async fn take(key_sync: &'k KeySync, name: &'static str, until: Instant) -> Result<Self, JobError> {
        let lease = Self { key_sync, name, owner: owner()? };
        let span = key_sync.lifetimes.lease;
        let pause = span / LOOKS;
        let patience = (Instant::now() + span + pause).min(until);
        while !lease.try_take().await? {
            if Instant::now() + pause > patience {
                let ends = format!("it ends by itself within {} s of its last write; try again then", span.as_secs());
                let message = format!("another run of key-sync holds the lease \"{name}\"; {ends}");
                return Err(JobError::new(Code::LeaseHeld, message));
            }
            sleep(pause).await;
        }
        Ok(lease)
    }

    async fn try_take(&self) -> Result<bool, JobError> {
        let KeySync { table, lifetimes, .. } = self.key_sync;
        let taken = table.take_lease(self.name, &self.owner, self.key_sync.now(), lifetimes.lease).await;
        taken.map_err(|error| JobError::table(&error))
    }

    /// Before each write, which must have ended at the moment that is answered: a write that goes on
    /// after the lease has ended would land on top of another run's.
    ///
    /// # Errors
    /// `LeaseLost`: another run writes now, and this one must not.
    pub async fn renew(&self) -> Result<Instant, JobError> {
        let KeySync { table, lifetimes, .. } = self.key_sync;
        let safe = Instant::now() + lifetimes.lease / 6 * 5;
        let renewed = table.renew_lease(self.name, &self.owner, self.key_sync.now(), lifetimes.lease).await;
        if renewed.map_err(|error| JobError::table(&error))? {
            return Ok(safe);
        }
        let message = format!("another run of key-sync has taken the lease \"{}\"; this one stops here", self.name);
        Err(JobError::new(Code::LeaseLost, message))
    }

    /// A release that fails costs the next run a wait and nothing else.
    pub async fn release(self) {
        let _ = self.key_sync.table.release_lease(self.name, &self.owner).await;
    }
}

fn owner() -> Result<String, JobError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(|_| JobError::new(Code::Defect, "no random bytes for the owner of a lease"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
