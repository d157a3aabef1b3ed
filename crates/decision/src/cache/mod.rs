//! What is remembered between requests, as state machines: `now` and every result are arguments.

pub mod jwks;
pub mod labels;
pub mod records;
