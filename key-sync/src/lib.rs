//! key-sync: keys are born, published, promoted and retired; the edge learns what the table says.
//!
//! One binary, one [`job::Job`] from each event. What must agree with the authorizer is in
//! `countersign-decision`; the AWS calls are in `countersign-store`, Cloudflare's in
//! `countersign-cloudflare`.

pub mod budget;
pub mod compare;
pub mod config;
pub mod edge_keys;
pub mod emergency;
pub mod event;
pub mod handler;
pub mod job;
pub mod lease;
pub mod metrics;
pub mod mirror;
pub mod plan;
pub mod probe;
pub mod publish;
pub mod put_keys;
pub mod reconcile;
pub mod repair;
pub mod report;
pub mod rotate;
pub mod signing_key;
pub mod start;
pub mod status;
pub mod stream;
