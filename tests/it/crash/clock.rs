//! A clock that jumps: the real one, and how far this thread has gone ahead of it.
//!
//! Everything in a world asks it, so hours of lifetimes pass at once. A world lives on one thread.

use std::cell::Cell;
use std::time::Duration;

use countersign_decision::time::Timestamp;
use countersign_tests::key_sync;

thread_local! {
    static AHEAD: Cell<u64> = const { Cell::new(0) };
}

pub fn now() -> Timestamp {
    Timestamp::from_millis(now_millis())
}

pub fn now_millis() -> u64 {
    key_sync::now().as_millis() + AHEAD.get()
}

pub fn advance(by: Duration) {
    AHEAD.set(AHEAD.get() + u64::try_from(by.as_millis()).expect("a span of hours"));
}
