//! What look-ups have to say to the operator about one decision, whatever its outcome.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Default)]
pub struct Notes(Mutex<Noted>);

#[derive(Default)]
pub struct Noted {
    /// Why something was not to be had.
    pub causes: Vec<String>,
    /// What was used although its source failed.
    pub kept: Vec<&'static str>,
}

impl Notes {
    pub fn cause(&self, cause: &str) {
        self.noted().causes.push(cause.to_owned());
    }

    pub fn kept_if(&self, kept: bool, what: &'static str) {
        if kept {
            self.noted().kept.push(what);
        }
    }

    pub fn take(self) -> Noted {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
