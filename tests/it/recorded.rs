//! Events and vectors that others recorded or published, read in place where they are present.

use std::path::PathBuf;

use serde_json::Value;

/// The directory, or `None` after saying so in one line.
pub fn directory() -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/vectors");
    let directory = std::env::var_os("VECTORS_DIR").map_or_else(|| PathBuf::from(default), PathBuf::from);
    if directory.is_dir() {
        return Some(directory);
    }
    eprintln!("no recorded vectors at {}: set VECTORS_DIR to read some", directory.display());
    None
}

pub fn read(name: &str) -> Option<Value> {
    let path = directory()?.join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(serde_json::from_slice(&text).unwrap())
}
