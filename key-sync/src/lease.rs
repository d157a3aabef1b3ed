//! The right to write, as a value: whoever has a [`Lease`] renews it before each write.
//!
//! Three of them: `rotation` for labels and signing keys, `kv` for what is published of the table,
//! `reconcile` for the comparison of table and edge, its note and its budget. One would do, but a
//! comparison of a million keys must hold up neither a rotation nor a revocation.

use std::future::Future;

use aws_lc_rs::rand;
use tokio::time::{Instant, sleep};

use crate::report::{Code, JobError};
use crate::start::KeySync;

pub const ROTATION: &str = "rotation";
pub const KV: &str = "kv";
pub const RECONCILE: &str = "reconcile";

/// How often a held lease is asked for while it lasts.
const LOOKS: u32 = 60;

/// The part of its span for which a lease is waited for beyond its end: the last call of an owner that
/// died may arrive late.
const LATE: u32 = 6;

/// How often a lease is renewed in its span beside work that takes longer.
const RENEWALS: u32 = 4;

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
        let patience = (Instant::now() + span + span / LATE).min(until);
        while !lease.try_take().await? {
            if Instant::now() + pause > patience {
                let ends =
                    format!("it ends with that run, and {} s after one that died; try again then", span.as_secs());
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

    /// Work that may take longer than the lease lasts: it is renewed meanwhile, whatever the work waits
    /// for. Where that fails the work stops where it stands, as by a crash.
    ///
    /// # Errors
    /// Those of the work, and those of [`Self::renew`].
    pub async fn during<T>(&self, work: impl Future<Output = Result<T, JobError>>) -> Result<T, JobError> {
        tokio::select! {
            done = work => done,
            error = self.keep() => Err(error),
        }
    }

    /// Ends only when the lease cannot be kept.
    async fn keep(&self) -> JobError {
        loop {
            sleep(self.key_sync.lifetimes.lease / RENEWALS).await;
            if let Err(error) = self.renew().await {
                return error;
            }
        }
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
