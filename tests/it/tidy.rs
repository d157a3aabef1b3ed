//! The repository agrees with itself: what one file says about another is so.
//!
//! Reads files and nothing else. Each module holds one kind of agreement; here is how they read.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

mod build;
mod documents;
mod sources;
mod templates;
mod variables;
mod yaml;

/// The root of the checkout.
static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the package lies in the checkout").to_owned()
});

/// Every file that could be committed, relative to the root, in order.
static FILES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut found = Vec::new();
    walk("", &(text(".gitignore") + "/.git/\n"), &mut found);
    found.sort_unstable();
    found
});

/// Collects the files of a directory, `""` or with a slash at its end. `ignored` is in the form of
/// `.gitignore`: a directory a line, those with a slash in front at the root only.
fn walk(directory: &str, ignored: &str, found: &mut Vec<String>) {
    for entry in ROOT.join(directory).read_dir().unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{directory}{name}");
        if !entry.file_type().unwrap().is_dir() {
            found.push(path);
        } else if !ignored.lines().any(|line| line == format!("{name}/") || line == format!("/{path}/")) {
            walk(&format!("{path}/"), ignored, found);
        }
    }
}

/// The files below a directory whose names end so.
fn files_in(directory: &str, end: &str) -> impl Iterator<Item = &'static str> {
    FILES.iter().map(String::as_str).filter(move |file| file.starts_with(directory) && file.ends_with(end))
}

/// The text of a file that must be there.
fn text(file: &str) -> String {
    std::fs::read_to_string(ROOT.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Fails with everything that is wrong, one a line.
fn assert_none(what: &str, wrong: &[String]) {
    assert!(wrong.is_empty(), "{what}:\n{}", wrong.join("\n"));
}
