//! The shape of the sources: files that can be read in one sitting, and bytes that become values in
//! few places.

use super::{assert_none, files_in, text};

const LONGEST: usize = 400;

#[test]
fn no_file_is_longer_than_one_can_read() {
    let lengths = files_in("", ".rs").map(|file| (file, text(file).lines().count()));
    let long: Vec<_> = lengths.filter(|(_, lines)| *lines > LONGEST).map(|(file, n)| format!("{file}: {n}")).collect();
    assert_none("these files have more than 400 lines", &long);
}

/// Where text from outside becomes a value of the decision: records, tokens, and the edge's key. A
/// `Grant`, a `Decision` or a verified token that could be read from JSON could be forged in JSON.
const READ_FROM_OUTSIDE: [&str; 9] = [
    "crates/decision/src/grant.rs",
    "crates/decision/src/record/issuer.rs",
    "crates/decision/src/record/key.rs",
    "crates/decision/src/record/route.rs",
    "crates/decision/src/record/route/parts.rs",
    "crates/decision/src/signature/key.rs",
    "crates/decision/src/token/algorithm.rs",
    "crates/decision/src/token/object.rs",
    "crates/decision/src/token/unverified.rs",
];

#[test]
fn nothing_is_deserialized_but_what_comes_from_outside() {
    let sources = files_in("crates/decision/src/", ".rs");
    let readers: Vec<_> = sources.filter(|file| text(file).contains("Deserialize")).collect();
    assert_eq!(readers, READ_FROM_OUTSIDE, "left: the files of `decision` that deserialize, right: those that may");
}
