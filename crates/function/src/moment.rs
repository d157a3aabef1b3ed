//! The time of one decision: its `now`, and the deadline that all its look-ups share.

use std::fmt::Display;
use std::future::Future;
use std::time::Duration;

use countersign_decision::time::Timestamp;
use tokio::time::Instant;

#[derive(Clone, Copy)]
pub struct Moment {
    pub now: Timestamp,
    deadline: Instant,
}

impl Moment {
    /// `started` is the same moment on the clock that deadlines are kept by.
    pub fn new(now: Timestamp, started: Instant, patience: Duration) -> Self {
        Self { now, deadline: started + patience }
    }

    /// For a call that can be done without: half of the time that is left, so that a source that
    /// hangs does not use up what the other look-ups need.
    pub fn spare(self) -> Self {
        let left = self.deadline.saturating_duration_since(Instant::now());
        Self { now: self.now, deadline: Instant::now() + left / 2 }
    }

    /// Gives a call up at the deadline. `Err` says for the operator what did not answer, and why.
    pub async fn before_deadline<T, E: Display>(
        &self,
        call: &str,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, String> {
        match tokio::time::timeout_at(self.deadline, answer).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("{call}: no answer before the deadline")),
        }
    }
}
