//! The black-box suites: the real binary between fakes of everything it talks to.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)] // a test says what failed by failing

mod answers;
mod audit;
mod edge_token;
mod events;
mod flood;
mod freshness;
mod golden;
mod hostile;
mod outage;
mod places;
mod recorded;
mod replay;
mod rfc9421;
mod secrets_in_logs;
mod start;
mod tidy;
mod vectors;
mod wycheproof;
