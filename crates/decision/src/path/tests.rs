#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn ordinary_paths_are_not_hostile() {
    for path in [
        "",
        "/",
        "/prod/items/",
        "/a//b",
        "/space%20value",
        "/space value",
        "/a%2Fb",
        "/100%",
        "/%zz",
        "/time/12:30",
        "/v1.2/file.tar.gz",
        "/...",
        "/.well-known/x",
        "/a..b/..c/d..",
        "/caf%C3%A9",
        "/café",
        "/a%2Ab%24c%3Fd",
        "/once%2520more",
    ] {
        assert!(!is_hostile(path), "{path:?}");
    }
}

#[test]
fn dot_segments_are_hostile_plain_and_encoded() {
    for path in [
        "/.",
        "/..",
        "/a/../b",
        "/a/./b",
        "/a/..",
        "../a",
        "/%2e%2e/a",
        "/.%2E/a",
        "/a/%2e",
        "/a%2f..%2fb",
        "/a%2F%2e%2e%2Fb",
        r"/a\..\b",
        "/a%5c..%5Cb",
        "/%252e%252e/a",
        "/a%252f..%252fb",
        "/%25252e%25252e/a",
        "/%%32%65%%32%65/a",
        "/..;/admin",
        "/a/.;v=1/b",
        "/a/..%3bx/b",
    ] {
        assert!(is_hostile(path), "{path:?}");
        assert!(is_hostile_grant(path), "{path:?}");
    }
}

#[test]
fn literal_wildcards_are_hostile_except_in_grants() {
    for path in ["/*", "/a*", "/a?b", "/users/$count", "/a/$"] {
        assert!(is_hostile(path), "{path:?}");
        assert!(!is_hostile_grant(path), "{path:?}");
    }
}

#[test]
fn control_characters_are_hostile_plain_and_encoded() {
    for byte in (0..0x20).chain([0x7f]) {
        let plain = format!("/a{}b", char::from(byte));
        let encoded = format!("/a%{byte:02x}b");
        let twice = format!("/a%25{byte:02X}b");
        for path in [plain, encoded, twice] {
            assert!(is_hostile(&path), "{path:?}");
        }
    }
}

#[test]
fn a_path_encoded_again_and_again_is_hostile_whatever_it_hides() {
    assert!(!is_hostile("/a%2520b"));
    assert!(!is_hostile("/a%252520b"));
    assert!(is_hostile("/a%25252520b"));
    assert!(is_inside("/a%25252520b"));
}

#[test]
fn bytes_that_are_no_text_are_judged_like_others() {
    assert!(!is_hostile("/%ff%fe"));
    assert!(is_hostile("/%ff/%2e%2e"));
}

#[test]
fn inside_doors_are_recognised_in_every_disguise() {
    for path in [
        "/.countersign",
        "/.countersign/",
        "/.countersign/keys/0123",
        "//.countersign/probe",
        "/.COUNTERSIGN/probe",
        "/%2ecountersign",
        "/%2Ec%6Funtersign/x",
        "/%252ecountersign",
        "/%2f%2f.countersign",
        r"\.countersign\probe",
        "/%5c.countersign",
        "/.countersign%2Fprobe",
        "/.countersign;v=1/probe",
        ".countersign",
        "/a/.countersign",
        "/prod/.countersign/probe",
    ] {
        assert!(is_inside(path), "{path:?}");
    }
}

#[test]
fn other_paths_are_not_inside() {
    for path in ["", "/", "/countersign", "/.countersigned", "/.countersign.json", "/.counter/sign"] {
        assert!(!is_inside(path), "{path:?}");
    }
}
