//! What every one of our Lambda functions does alike: it reads its settings, gives calls up in time,
//! remembers records, and tells in its log what it did.
//!
//! Nothing here knows what an event asks for, or an answer; each function keeps its own, and the shape
//! of its lines.

pub mod aws;
pub mod clock;
pub mod event;
pub mod journal;
pub mod lines;
pub mod moment;
pub mod notes;
pub mod process;
pub mod records;
mod settings;
pub mod url;
pub mod variables;
