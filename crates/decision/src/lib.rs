//! The decision: whom to let through, and why not.
//!
//! Pure by construction: no async, no AWS, no clock, no environment, no randomness (`clippy.toml`
//! bans them). What must be looked up is asked for, and `now` is always an argument:
//!
//! ```text
//! event ─► Request ─► Conversation::begin ─► Need(wants) ─► resume(found) ─► … ─► Done(Decision)
//! ```

#![warn(clippy::indexing_slicing)]

pub mod api_key;
pub mod cache;
pub mod content_digest;
pub mod context;
pub mod conversation;
pub mod credential;
pub mod decision;
pub mod edge_client;
pub mod grant;
pub mod lifetimes;
pub mod limits;
pub mod path;
pub mod path_map;
pub mod published;
pub mod record;
pub mod request;
pub mod routing;
pub mod rules;
pub mod signature;
mod structured;
pub mod target;
pub mod time;
pub mod token;
