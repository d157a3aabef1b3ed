//! The black-box suites: the real binary between fakes of everything it talks to.

#![allow(clippy::expect_used, clippy::print_stdout, clippy::unwrap_used)] // a test says what failed by failing

mod answers;
mod audit;
mod cloudflare;
mod crash;
mod edge_token;
mod edge_urls;
mod events;
mod flood;
mod forwarder;
mod freshness;
mod golden;
mod hostile;
mod https;
mod jobs;
mod mirror;
mod outage;
mod places;
mod recorded;
mod replay;
mod rfc9421;
mod rotation;
mod rotation_faults;
mod secrets_in_logs;
mod secrets_in_output;
mod start;
mod store;
mod sync;
mod tidy;
mod under_traffic;
mod vectors;
mod wycheproof;
