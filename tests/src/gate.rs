//! A crash at a chosen call: one gate stands before all the fakes that a job talks to, counts its calls
//! in the order in which they arrive, and lets none of them return once the chosen one is reached.
//!
//! ```text
//! gate.arm(3, When::After);
//! tokio::select! { _ = job => {}, () = gate.reached() => {} }   // the job's future is dropped: it crashed
//! ```
//!
//! Refuses to know what a call does. A fake passes each call through [`Gate::pass`].

use std::future::{Future, pending};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

/// On which side of its effect a call is stopped.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum When {
    /// Nothing was done.
    Before,
    /// It was done and nobody was told.
    After,
}

#[derive(Default)]
pub struct Gate {
    state: Mutex<State>,
    reached: Notify,
}

#[derive(Default)]
struct State {
    log: Vec<String>,
    armed: Option<Armed>,
    reached: bool,
}

#[derive(Clone, Copy)]
struct Armed {
    calls_left: usize,
    when: When,
}

impl Gate {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Stops at the `n`-th call from now; 1 is the next one. Once reached, the gate is open again.
    pub fn arm(&self, n: usize, when: When) {
        assert!(n > 0, "the next call is call 1");
        let mut state = self.state.lock().unwrap();
        (state.armed, state.reached) = (Some(Armed { calls_left: n, when }), false);
    }

    /// Lets every call through, whatever was armed; `true` if the armed call never came.
    pub fn disarm(&self) -> bool {
        self.state.lock().unwrap().armed.take().is_some()
    }

    /// Returns when the chosen call has come, once for each time the gate was armed.
    pub async fn reached(&self) {
        loop {
            let notified = self.reached.notified();
            if std::mem::take(&mut self.state.lock().unwrap().reached) {
                return;
            }
            notified.await;
        }
    }

    /// The names of all calls so far, the stopped ones included.
    pub fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }

    pub fn forget_calls(&self) {
        self.state.lock().unwrap().log.clear();
    }

    /// Performs a call, unless the gate stops it: then this never returns.
    pub async fn pass<T>(&self, call: &str, perform: impl Future<Output = T>) -> T {
        let stop = self.count(call);
        if stop == Some(When::Before) {
            self.stop().await;
        }
        let done = perform.await;
        if stop == Some(When::After) {
            self.stop().await;
        }
        done
    }

    fn count(&self, call: &str) -> Option<When> {
        let mut state = self.state.lock().unwrap();
        state.log.push(call.to_owned());
        let armed = state.armed.as_mut()?;
        armed.calls_left -= 1;
        if armed.calls_left > 0 {
            return None;
        }
        state.armed.take().map(|armed| armed.when)
    }

    async fn stop(&self) {
        self.state.lock().unwrap().reached = true;
        self.reached.notify_one();
        pending().await
    }
}
