//! Fakes of everything the authorizer talks to, and builders of what it is asked.
//!
//! The fakes are small real servers on 127.0.0.1, so that the real binary meets them through its
//! real clients; nothing here shares code with what is under test.

// A fake that breaks must fail its test at once.
#![allow(clippy::expect_used, clippy::unwrap_used)]

pub mod aws;
pub mod binary;
pub mod deployment;
pub mod events;
pub mod function;
pub mod gateway;
pub mod http;
pub mod issuer;
pub mod runtime_api;
pub mod signer;
