//! The forwarder: it does what an authorizer cannot, because it stands behind the gateway and sees
//! bodies. It checks them against what the edge signed, chooses the back end by the table's routes, and
//! serves the edge's own doors.

pub mod answer;
pub mod audit;
pub mod backends;
pub mod body;
pub mod config;
pub mod doors;
pub mod event;
pub mod failure;
pub mod handler;
pub mod identity;
pub mod outgoing;
pub mod routes;
pub mod serve;
pub mod start;
pub mod stream;
pub mod wire;
