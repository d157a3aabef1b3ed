//! The authorizer: API Gateway asks, we answer. The decision itself is in `countersign-decision`;
//! here are the event, the look-ups, the answer and the audit line.

pub mod answer;
pub mod audit;
pub mod config;
pub mod event;
pub mod handler;
pub mod issuers;
pub mod mirror;
pub mod serve;
pub mod signing_keys;
pub mod start;
