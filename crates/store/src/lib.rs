//! The key table and the signing secret: the one place that knows their AWS calls and conditions.
//!
//! Everything here answers with what was found, or with `Unavailable`: what could not be known and
//! why, for the operator. Nothing here decides. `KeyTable` has a file for each kind of item; every
//! read is consistent but a scan that need not be.

mod batch;
pub mod bookkeeping;
pub mod edge_keys;
pub mod entries;
pub mod key_sets;
pub mod lease;
pub mod records;
pub mod routes;
pub mod secret;
pub mod table;
pub mod text_secret;
mod unavailable;

pub use secret::SigningSecret;
pub use table::KeyTable;
pub use unavailable::Unavailable;
