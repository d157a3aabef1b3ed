//! Fakes of everything that the Lambdas talk to, and builders of what they are asked.
//!
//! The fakes are small real servers on 127.0.0.1, so that the real code meets them through its real
//! clients; none of them shares code with what is under test.

// A fake that breaks must fail its test at once.
#![allow(clippy::expect_used, clippy::unwrap_used)]

pub mod aws;
pub mod backend;
pub mod binary;
pub mod client;
pub mod cloudflare;
pub mod deployment;
pub mod edge;
pub mod events;
pub mod fake;
pub mod forwarder;
pub mod function;
pub mod gate;
pub mod gateway;
pub mod http;
pub mod issuer;
pub mod key_sync;
pub mod lifetimes;
pub mod port;
pub mod relay;
pub mod rotation;
pub mod runtime_api;
pub mod signer;
pub mod wire;
