//! Where the binaries under test are, built when they are missing or older than their sources.
//!
//! `AUTHORIZER_BIN` and `FORWARDER_BIN` name other ones, for instance release builds. The edge Worker is not built
//! here: `make` has it bundled, and names the bundle and a workerd to run it in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;
use std::{env, fs};

/// The authorizer: built once per test process, and not at all while it is fresh.
///
/// # Panics
/// If it cannot be built.
pub fn authorizer() -> &'static Path {
    static AUTHORIZER: OnceLock<PathBuf> = OnceLock::new();
    AUTHORIZER.get_or_init(|| named("AUTHORIZER_BIN").unwrap_or_else(|| fresh("authorizer")))
}

/// The forwarder: likewise.
///
/// # Panics
/// If it cannot be built.
pub fn forwarder() -> &'static Path {
    static FORWARDER: OnceLock<PathBuf> = OnceLock::new();
    FORWARDER.get_or_init(|| named("FORWARDER_BIN").unwrap_or_else(|| fresh("forwarder")))
}

/// The edge Worker as `wrangler` would upload it, and what runs it.
#[derive(Clone, Debug)]
pub struct EdgeWorker {
    pub workerd: PathBuf,
    pub bundle: PathBuf,
}

/// `None`: the environment names neither of the two.
///
/// # Panics
/// If it names one without the other.
pub fn edge_worker() -> Option<EdgeWorker> {
    match (named("COUNTERSIGN_WORKERD"), named("COUNTERSIGN_WORKER_BUNDLE")) {
        (Some(workerd), Some(bundle)) => Some(EdgeWorker { workerd, bundle }),
        (None, None) => None,
        _ => panic!("COUNTERSIGN_WORKERD and COUNTERSIGN_WORKER_BUNDLE: set both of them, or neither"),
    }
}

fn named(variable: &str) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from)
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests package lies in the repository")
}

/// A package of this name has the binary of this name.
fn fresh(name: &str) -> PathBuf {
    let binary = profile_directory().join(name);
    // Cargo leaves the binary as it is where a change, of a test for instance, does not reach it.
    let stamp = binary.with_extension("fresh");
    let checked = modified(&binary).map(|built| modified(&stamp).map_or(built, |stamped| built.max(stamped)));
    let sources = [name, "crates"].map(|directory| newest(&repository().join(directory)));
    if checked.is_none() || sources.into_iter().any(|changed| checked < changed) {
        let start = SystemTime::now();
        build(name, &binary);
        let stamped = File::create(&stamp).and_then(|file| file.set_modified(start));
        stamped.expect("the build directory can be written");
    }
    binary
}

/// Builds with the whole workspace selected, as the tests are: cargo then unifies features the same
/// way and reuses what it compiled for them.
fn build(name: &str, binary: &Path) {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository()).args(["build", "--quiet", "--workspace", "--bin", name]);
    if profile_directory().ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success() && binary.exists(), "the {name} does not build: {status}");
}

/// `target/<profile>`: the test binary itself runs from `target/<profile>/deps`.
fn profile_directory() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    test.ancestors().nth(2).expect("target/<profile>/deps/<test>").to_owned()
}

fn newest(directory: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(directory).expect("a source directory").flatten();
    entries
        .filter_map(|entry| if entry.path().is_dir() { newest(&entry.path()) } else { modified(&entry.path()) })
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
