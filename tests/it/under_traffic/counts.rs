//! What became of every request: one count for each client's view, and one for each key that signed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How one request ended for the client that sent it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    Allowed,
    Refused,
    /// Ours, or no answer at all.
    Fault,
}

impl End {
    pub const fn of_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Allowed,
            400..=499 => Self::Refused,
            _ => Self::Fault,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Counts {
    pub sent: u64,
    pub allowed: u64,
    pub refused: u64,
    pub faults: u64,
    /// What was not allowed, in the words of whoever did not: the edge's status, or the code of an
    /// authorizer's audit line.
    pub why: BTreeMap<String, u64>,
    /// By `keyid`: how many requests of clients it signed.
    pub signed: BTreeMap<String, u64>,
    /// Probes that were refused because their key had lost its label: key-sync asks for the standby until the
    /// push that takes it away has arrived. No client's request is signed with it.
    pub retired: u64,
}

impl Counts {
    pub const fn count(&mut self, end: End) {
        self.sent += 1;
        match end {
            End::Allowed => self.allowed += 1,
            End::Refused => self.refused += 1,
            End::Fault => self.faults += 1,
        }
    }

    pub fn because(&mut self, why: impl Into<String>) {
        *self.why.entry(why.into()).or_default() += 1;
    }

    /// Takes back so many for this reason: rightly they were not allowed.
    pub fn excuse(&mut self, why: &str, times: u64) {
        if let Some(count) = self.why.get_mut(why) {
            *count = count.saturating_sub(times);
        }
        self.why.retain(|_, count| *count > 0);
    }

    /// What was counted since `before`.
    pub fn since(&self, before: &Self) -> Self {
        let rest = |now: &BTreeMap<String, u64>, then: &BTreeMap<String, u64>| {
            let left = |name: &String, n: &u64| n - then.get(name).copied().unwrap_or_default();
            now.iter().map(|(name, n)| (name.clone(), left(name, n))).filter(|(_, n)| *n > 0).collect()
        };
        Self {
            sent: self.sent - before.sent,
            allowed: self.allowed - before.allowed,
            refused: self.refused - before.refused,
            faults: self.faults - before.faults,
            why: rest(&self.why, &before.why),
            signed: rest(&self.signed, &before.signed),
            retired: self.retired - before.retired,
        }
    }
}

/// For one line: `8123 sent, 8123 allowed, 0 refused, 0 faults`, and why, where there is a why.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, allowed, refused, faults, why, signed, retired } = self;
        write!(f, "{sent} sent, {allowed} allowed, {refused} refused, {faults} faults")?;
        for (why, count) in why {
            write!(f, " [{count} x {why}]")?;
        }
        if let (Some(least), Some(most)) = (signed.values().min(), signed.values().max()) {
            write!(f, "; {} keys signed {least} to {most} each", signed.len())?;
        }
        if *retired > 0 {
            write!(f, "; {retired} probes of retired keys refused")?;
        }
        Ok(())
    }
}

/// Requests a second.
#[allow(clippy::cast_precision_loss)] // counts of a test
pub fn rate(count: u64, span: Duration) -> f64 {
    count as f64 / span.as_secs_f64()
}
