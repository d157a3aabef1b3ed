//! A moment, as every rule receives it. Nothing here knows how to read a clock.

use std::time::Duration;

/// Moments of concurrent requests may be taken in another order than they are used in.
const CLOCK_NOISE: Duration = Duration::from_secs(2);

/// Milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded down.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// How old something is that was noted at `stamp`. A stamp from the future means that the clock
    /// was set back: then nothing is known about the age, and it counts as older than anything, lest
    /// what is remembered stay fresh until the clock has caught up.
    pub fn age_of(self, stamp: Self) -> Duration {
        if stamp > self.plus(CLOCK_NOISE) { Duration::MAX } else { self.since(stamp) }
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
    }
}
