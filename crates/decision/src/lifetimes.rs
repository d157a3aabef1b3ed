//! Every duration of the system in one value, and the relations between them.
//!
//! A rotation is safe because of these relations, not because of luck: they are asserted at compile
//! time for the default and checked at start for any other. Only tests use another.

use std::time::Duration;

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lifetimes {
    /// Tolerated difference between two clocks.
    pub skew: Duration,
    /// Oldest `created` of an edge signature.
    pub signature_age: Duration,
    /// Longest `expires - created` of an edge signature.
    pub signature_window: Duration,
    /// Longest `exp - iat` of an edge token.
    pub edge_token_life: Duration,
    /// Label map: older than this, it is looked at again, with half of the time that a decision has left.
    pub labels_soft: Duration,
    /// Label map: what is used when it is older than this, because looks fail, is told to the operator.
    pub labels_hard: Duration,
    /// Label map: how long it is used while Secrets Manager fails.
    pub labels_kept: Duration,
    /// An unknown `keyid` is refused only on a label map younger than this.
    pub labels_unknown: Duration,
    /// After a failed look at the labels, no further one for an unknown `keyid` for this long.
    pub labels_cooling: Duration,
    /// After a failed look at the labels, known keys go on without another one for this long.
    pub labels_rest: Duration,
    /// A labelled version without a value is asked for again after this.
    pub missing_value: Duration,
    /// The edge signs with a new key no sooner than this after its value is readable.
    pub activation_delay: Duration,
    /// A record of the key table is read again after this: the revocation bound.
    pub record_fresh: Duration,
    /// A record is used this long while the table fails.
    pub record_kept: Duration,
    /// A record that was not there is not asked for again for this long.
    pub record_unknown: Duration,
    /// After a failed read of the table, no further one of an unknown record for this long.
    pub record_cooling: Duration,
    /// After a failed read of the table, known records are used without another one for this long.
    pub record_rest: Duration,
    /// A route that is noted and not there is missed for this long: its new name may not be noted yet.
    pub route_gap: Duration,
    /// A key set is fetched again after this.
    pub jwks_soft: Duration,
    /// A key set is used this long while the issuer fails.
    pub jwks_kept: Duration,
    /// After a fetch that failed, or one that an unknown `kid` forced, no further one of its sort for this long.
    pub jwks_cooling: Duration,
    /// Longest `exp - iat` of a caller's token where the issuer's record says nothing.
    pub token_life: Duration,
    /// All look-ups of one decision together.
    pub deadline: Duration,
    /// Until every isolate of the edge signs with what was pushed: new ones do at once, old ones when they end.
    pub edge_spread: Duration,
    /// AWSPREVIOUS keeps its label this long after the edge has proved that it signs with AWSCURRENT.
    pub overlap: Duration,
    /// A rotation that has made no progress for this long, and whose key the edge does not use, is given up.
    pub rotation_stuck: Duration,
    /// Oldest `created` of a signature that asks the edge for its probe.
    pub probe_age: Duration,
    /// A writer that has not renewed its lease for this long is taken for dead.
    pub lease: Duration,
}

impl Lifetimes {
    pub const DEFAULT: Self = Self {
        skew: secs(5),
        signature_age: secs(60),
        signature_window: secs(300),
        edge_token_life: secs(300),
        labels_soft: secs(60),
        labels_hard: secs(120),
        labels_kept: secs(24 * 3600),
        labels_unknown: secs(10),
        labels_cooling: secs(1),
        labels_rest: secs(10),
        missing_value: secs(10),
        activation_delay: secs(15),
        record_fresh: secs(30),
        record_kept: secs(3 * 3600),
        record_unknown: secs(5),
        record_cooling: secs(1),
        record_rest: secs(10),
        route_gap: secs(15),
        jwks_soft: secs(600),
        jwks_kept: secs(24 * 3600),
        jwks_cooling: secs(30),
        token_life: secs(24 * 3600),
        deadline: Duration::from_millis(900),
        edge_spread: secs(300),
        overlap: secs(600),
        rotation_stuck: secs(2 * 3600),
        probe_age: secs(30),
        lease: secs(60),
    };

    /// The relations that the rest of the system stands on; `Err` names the one that is broken.
    pub const fn check(&self) -> Result<(), &'static str> {
        if self.labels_unknown.as_millis() + self.deadline.as_millis() >= self.activation_delay.as_millis() {
            return Err("labels_unknown + deadline must be shorter than activation_delay");
        }
        if self.missing_value.as_millis() + self.deadline.as_millis() >= self.activation_delay.as_millis() {
            return Err("missing_value + deadline must be shorter than activation_delay");
        }
        if self.labels_soft.as_millis() >= self.labels_hard.as_millis()
            || self.labels_hard.as_millis() >= self.labels_kept.as_millis()
        {
            return Err("labels_soft < labels_hard < labels_kept must hold");
        }
        if self.signature_age.as_millis() > self.signature_window.as_millis() {
            return Err("signature_age must not be longer than signature_window");
        }
        if self.record_fresh.as_millis() >= self.record_kept.as_millis()
            || self.jwks_soft.as_millis() >= self.jwks_kept.as_millis()
        {
            return Err("a record or key set must be kept longer than it is fresh");
        }
        if self.route_gap.as_millis() >= self.record_kept.as_millis() {
            return Err("route_gap must be shorter than record_kept");
        }
        if self.jwks_cooling.as_millis() >= self.jwks_soft.as_millis() {
            return Err("jwks_cooling must be shorter than jwks_soft");
        }
        if self.overlap.as_millis() >= self.rotation_stuck.as_millis() {
            return Err("overlap must be shorter than rotation_stuck");
        }
        Ok(())
    }

    /// How long a signature may still arrive that was made with a key which the edge has been told to
    /// leave. The overlap covers it; only tests, which send what they sign at once, run with a shorter one.
    pub const fn covers_late_signatures(&self) -> bool {
        let late = self.edge_spread.as_millis() + self.signature_age.as_millis() + self.skew.as_millis();
        self.overlap.as_millis() > late
    }
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self::DEFAULT
    }
}

const _: () = assert!(Lifetimes::DEFAULT.check().is_ok() && Lifetimes::DEFAULT.covers_late_signatures());
