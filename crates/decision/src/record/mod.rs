//! Records of the key table, as they are stored and as they are judged.

pub mod issuer;
pub mod key;
