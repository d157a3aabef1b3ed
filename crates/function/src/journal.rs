//! A function's log on standard output: JSON lines, each of them written in one piece, which are also
//! its metrics. The shape of a line is its function's own.

mod audit;
pub mod metrics;
mod quote;

use std::io::Write as _;

use serde::Serialize;

pub use audit::{Audit, Sampling, Told};
pub use quote::{Long, Quoted};

/// A line with its line feed.
pub fn line(members: &impl Serialize) -> Option<String> {
    let mut text = serde_json::to_string(members).ok()?;
    text.push('\n');
    Some(text)
}

/// Writes whole lines in one call. Lines that cannot be written are lost; what they tell is not.
pub fn write(lines: &str) {
    let _ = std::io::stdout().lock().write_all(lines.as_bytes());
}
