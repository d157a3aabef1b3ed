//! What the build is made of: pinned dependencies, one TLS stack, no jitter entropy.

use std::collections::BTreeMap;

use super::{assert_none, text};

/// The workspace's dependencies from elsewhere, each with its version requirement.
pub fn dependencies() -> BTreeMap<String, String> {
    let manifest = text("Cargo.toml");
    let section = manifest.split("\n[").find(|section| section.starts_with("workspace.dependencies]"));
    let lines = section.expect("Cargo.toml: no [workspace.dependencies]").lines().skip(1);
    let entries = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    let from_elsewhere = entries.filter(|(_, value)| !value.contains("path ="));
    from_elsewhere.map(|(name, value)| (name.to_owned(), requirement(value).to_owned())).collect()
}

/// The first string: `"=1.2.3"`, or that of `version` in `{ version = "=1.2.3", … }`.
fn requirement(value: &str) -> &str {
    value.split('"').nth(1).unwrap_or_default()
}

#[test]
fn every_dependency_is_pinned() {
    let dependencies = dependencies();
    assert!(dependencies.len() > 10, "Cargo.toml is not read: {dependencies:?}");
    let loose: Vec<_> = dependencies.into_iter().filter(|(_, requirement)| !requirement.starts_with('=')).collect();
    assert!(loose.is_empty(), "write these as =x.y.z: {loose:?}");
}

/// The names and versions in the lock file.
fn locked() -> Vec<(String, String)> {
    let lock = text("Cargo.lock");
    let field = |package: &str, name: &str| {
        let line = package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    lock.split("[[package]]").skip(1).map(|package| (field(package, "name"), field(package, "version"))).collect()
}

/// A second one would be megabytes that nobody asked for, and another set of advisories.
#[test]
fn there_is_one_tls_stack() {
    let locked = locked();
    let rustls: Vec<_> = locked.iter().filter(|(name, _)| name == "rustls").map(|(_, version)| version).collect();
    assert!(matches!(rustls.as_slice(), [only] if !only.starts_with("0.21.")), "rustls: {rustls:?}");
    let others = ["native-tls", "openssl-sys", "s2n-tls"];
    let second: Vec<_> =
        locked.iter().map(|(name, _)| name.clone()).filter(|name| others.contains(&name.as_str())).collect();
    assert_none("Cargo.lock holds another TLS stack", &second);
}

/// CPU jitter as a source of entropy costs every cold start tens of milliseconds.
#[test]
fn aws_lc_is_built_without_jitter_entropy() {
    let config = text(".cargo/config.toml");
    let env = config.split("\n[").find(|section| section.trim_start_matches('[').starts_with("env]"));
    let set = env.is_some_and(|env| env.lines().any(|line| line == r#"AWS_LC_SYS_NO_JITTER_ENTROPY = "1""#));
    assert!(set, ".cargo/config.toml: [env] must set AWS_LC_SYS_NO_JITTER_ENTROPY = \"1\"");
}
