//! What the documents say about the repository: the paths that they name exist, the dependencies
//! have their reasons, and nothing is about one developer's machine.

use super::{FILES, ROOT, assert_none, build, text};

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "SECURITY.md", "CHANGELOG.md"];

/// Where a path of ours begins, if it does not end in one of [`ENDINGS`].
const PLACES: [&str; 9] = ["authorizer", "cli", "crates", "forwarder", "infra", "key-sync", "tests", ".cargo", ".ci"];
const ENDINGS: [&str; 12] =
    [".json", ".jsonc", ".lock", ".md", ".mjs", ".py", ".rs", ".toml", ".ts", ".txt", ".yaml", ".yml"];
/// Made by a build, and so not in a checkout.
const MADE: [&str; 2] = [".stack/", "target/"];

#[test]
fn the_paths_that_documents_name_exist() {
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let document_text = text(document);
        let linked = links(&document_text).map(|(path, _)| path).filter(|path| !path.is_empty());
        let named = code_spans(&document_text).filter(|span| is_path(span)).chain(linked);
        wrong.extend(named.filter(|path| !exists(path)).map(|path| format!("{document}: {path}")));
    }
    assert_none("these paths do not exist", &wrong);
}

#[test]
fn the_headings_that_documents_link_to_exist() {
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        for (path, fragment) in links(&text(document)).filter(|(_, fragment)| !fragment.is_empty()) {
            let target = text(if path.is_empty() { document } else { path });
            let headings = prose(&target).filter(|line| line.starts_with('#')).filter_map(|line| line.split_once(' '));
            if !headings.map(|(_, heading)| anchor(heading)).any(|anchor| anchor == fragment) {
                wrong.push(format!("{document}: {path}#{fragment}"));
            }
        }
    }
    assert_none("these headings do not exist", &wrong);
}

/// A heading as the fragment that leads to it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}

/// What stands between backticks, outside of fenced blocks.
fn code_spans(document: &str) -> impl Iterator<Item = &str> {
    prose(document).flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// Links that stay in the repository: `(path, fragment)`, either of them possibly empty.
fn links(document: &str) -> impl Iterator<Item = (&str, &str)> {
    let targets = prose(document).flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"));
    inside.map(|target| target.split_once('#').unwrap_or((target, "")))
}

fn prose(document: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    document.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        !fenced && !fence
    })
}

fn is_path(span: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._/*{},-".contains(c);
    let place = span.split_once('/').is_some_and(|(first, _)| PLACES.contains(&first));
    let made = MADE.iter().any(|place| span.starts_with(place));
    let ending = ENDINGS.iter().any(|ending| span.len() > ending.len() && span.ends_with(ending));
    span.chars().all(plain) && !span.starts_with('/') && !made && (place || ending)
}

/// From the root, or from anywhere below it. Of a pattern only the part before it must exist.
fn exists(path: &str) -> bool {
    let fixed = match path.find(['*', '{']) {
        Some(at) => path[..at].rsplit_once('/').map_or("", |(directory, _)| directory),
        None => path.trim_end_matches('/'),
    };
    ROOT.join(fixed).exists()
        || FILES.iter().any(|file| file.strip_suffix(fixed).is_some_and(|rest| rest.ends_with('/')))
}

#[test]
fn every_dependency_has_its_reason() {
    let architecture = text("ARCHITECTURE.md");
    let is_reason = |line: &str| {
        let outside_code = line.split('`').step_by(2);
        outside_code.flat_map(str::split_whitespace).filter(|word| word.chars().any(char::is_alphabetic)).count() >= 2
    };
    let has_reason = |name: &String| {
        let named = format!("`{name}`");
        architecture.lines().any(|line| line.contains(&named) && is_reason(line))
    };
    let without: Vec<_> = build::dependencies().into_keys().filter(|name| !has_reason(name)).collect();
    assert_none("ARCHITECTURE.md does not say what these dependencies are for", &without);
}

/// The checkout, what is beside it, and homes: whoever reads the file elsewhere has none of them.
#[test]
fn nothing_names_a_place_on_one_machine() {
    let checkout = ROOT.to_str().unwrap().to_owned();
    let beside = ROOT.parent().and_then(|parent| parent.to_str()).unwrap_or_default().to_owned();
    let home = std::env::var("HOME").unwrap_or_default();
    let shared = ["", "/", "/app", "/opt", "/src", "/srv", "/tmp", "/usr", "/var"];
    let places: Vec<_> = [checkout, beside, home, "/home".to_owned(), "/Users".to_owned()]
        .into_iter()
        .filter(|place| !shared.contains(&place.as_str()))
        .map(|place| place + "/")
        .collect();
    let mut wrong = Vec::new();
    for file in FILES.iter() {
        // What is not text names no place that anyone would read.
        let Ok(content) = std::fs::read_to_string(ROOT.join(file)) else { continue };
        for (number, line) in content.lines().enumerate() {
            if places.iter().any(|place| names_place(line, place)) {
                wrong.push(format!("{file}:{}", number + 1));
            }
        }
    }
    assert_none("these lines name a place on one machine", &wrong);
}

/// Whether an absolute path that begins with `place` stands in a line, and not a longer one around it.
fn names_place(line: &str, place: &str) -> bool {
    let of_a_path = |c: char| c.is_ascii_alphanumeric() || "._-*}$>)]/".contains(c);
    line.match_indices(place).any(|(at, _)| !line[..at].chars().next_back().is_some_and(of_a_path))
}

#[test]
fn paths_are_told_from_other_code() {
    for path in ["crates/decision/src/lib.rs", "template.yaml", "lib.rs", "tests/it/{golden,tidy}.rs", ".ci/"] {
        assert!(is_path(path), "{path}");
    }
    for other in ["apiId/stage", "GET /items", "application/json", "make test", "/prod/a.json", ".stack/log.txt", ".rs"]
    {
        assert!(!is_path(other), "{other}");
    }
    assert!(exists("tests/it/tidy.rs") && exists("it/tidy.rs") && exists("tests/it/*.rs") && exists("tests/it/"));
    assert!(!exists("tests/it/absent.rs") && !exists("tests/absent/*.rs") && !exists("idy.rs"));
}

#[test]
fn spans_and_links_are_those_of_the_prose() {
    let document = "see `a` and [b](c.md#d) [e](https://f/) [g](#h)\n```\n`i` [j](k)\n```\n`l`";
    assert_eq!(code_spans(document).collect::<Vec<_>>(), ["a", "l"]);
    assert_eq!(links(document).collect::<Vec<_>>(), [("c.md", "d"), ("", "h")]);
    assert_eq!(anchor("What a `Grant` is, really"), "what-a-grant-is-really");
}
