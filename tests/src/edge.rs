//! The edge, which knows callers by KV and signs what it sends on to a gateway.
//!
//! It is the Worker in workerd where the environment names both, as `make` has it, else a stand-in that remembers
//! nothing and costs no process. Suites with a clock of their own and thousands of worlds (`crash`,
//! `rotation_faults`) always have the stand-in: what they kill is key-sync, and never the edge.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;

use crate::binary;
use crate::cloudflare::Cloudflare;
use crate::fake::Door;
use crate::gate::Gate;

mod origin;
mod stand_in;
pub mod worker;

pub use origin::{Answered, Ask, Exchange, Gateway, Origin};
use stand_in::StandIn;
use worker::Worker;

pub enum Edge {
    Worker(Worker),
    StandIn(StandIn),
}

const PROBE: &str = "/.countersign/probe";

impl Edge {
    pub async fn start(cloudflare: Arc<Cloudflare>, before: impl Into<Origin>) -> Self {
        match binary::edge_worker() {
            Some(build) => Self::Worker(Worker::before(build, cloudflare, before.into(), None).await),
            None => Self::stand_in(cloudflare, before, now).await,
        }
    }

    /// `clock` tells milliseconds since the Unix epoch: what is signed is dated by it, and the age of a
    /// probe's question is judged by it.
    pub async fn start_at(cloudflare: Arc<Cloudflare>, before: impl Into<Origin>, clock: fn() -> u64) -> Self {
        match binary::edge_worker() {
            Some(build) => Self::Worker(Worker::before(build, cloudflare, before.into(), Some(clock)).await),
            None => Self::stand_in(cloudflare, before, clock).await,
        }
    }

    pub async fn stand_in(cloudflare: Arc<Cloudflare>, before: impl Into<Origin>, clock: fn() -> u64) -> Self {
        Self::StandIn(StandIn::start(cloudflare, before.into(), clock).await)
    }

    /// `127.0.0.1:port`.
    pub fn authority(&self) -> String {
        match self {
            Self::Worker(worker) => worker.authority(),
            Self::StandIn(stand_in) => stand_in.authority(),
        }
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.authority())
    }

    /// Opens a further port, whose calls pass the gate, probes as `POST edge probe`.
    pub async fn with_gate(&self, gate: &Arc<Gate>) -> Door {
        match self {
            Self::Worker(worker) => worker.with_gate(gate).await,
            Self::StandIn(stand_in) => stand_in.with_gate(gate).await,
        }
    }

    /// Returns when what Cloudflare has deployed by now is what answers.
    pub async fn arrived(&self) {
        if let Self::Worker(worker) = self {
            worker.arrived().await;
        }
    }

    /// For how long it goes by what it has read in KV.
    pub const fn memory(&self) -> Duration {
        match self {
            Self::Worker(_) => worker::MEMORY,
            Self::StandIn(_) => Duration::ZERO,
        }
    }

    /// What it has told a log of its own.
    pub fn said(&self) -> String {
        match self {
            Self::Worker(worker) => worker.said(),
            Self::StandIn(_) => String::new(),
        }
    }

    /// Sends the log lines that have gathered through the inside door. `None`: there are none, or nothing to
    /// sign with, or it is the Worker, which sends its own a while after the first.
    pub async fn send_logs(&self) -> Option<Answered> {
        match self {
            Self::Worker(_) => None,
            Self::StandIn(stand_in) => stand_in.send_logs().await,
        }
    }
}

/// What a gate calls a request.
fn name_of(target: &str) -> String {
    let name = if target == PROBE { "POST edge probe" } else { "a client's request" };
    name.to_owned()
}

/// The name of one request, as Cloudflare gives it: 16 hexadecimal digits and a place.
fn ray() -> String {
    let mut bytes = [0; 8];
    rand::fill(&mut bytes).expect("random bytes");
    format!("{:016x}-LHR", u64::from_be_bytes(bytes))
}

/// The real clock, in milliseconds.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    u64::try_from(since.as_millis()).expect("a clock before the year 500000000")
}
