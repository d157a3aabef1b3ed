//! The forwarder behind every form of gateway, between a key table and two back ends.

mod audit;
mod backends;
mod bodies;
mod config;
mod doors;
mod events;
mod failures;
mod hostile;
mod lambda;
mod moves;
mod remembered;
mod routes;
mod secrets;
mod smuggling;
mod ssrf;
mod streaming;
mod vectors;
