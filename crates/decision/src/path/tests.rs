#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::*;

/// The edge is held to the same table.
#[test]
fn every_path_is_judged_as_the_table_says() {
    let table: Value = serde_json::from_str(include_str!("../../../../tests/vectors/paths.json")).unwrap();
    let rows = table["paths"].as_array().unwrap();
    for row in rows {
        let path = row["path"].as_str().unwrap();
        let judged = json!({
            "path": path,
            "hostile": is_hostile(path),
            "hostile_grant": is_hostile_grant(path),
            "inside": is_inside(path),
        });
        assert_eq!(judged, *row);
    }
    for judgement in ["hostile", "hostile_grant", "inside"] {
        let (yes, no): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row[judgement] == true);
        assert!(yes.len() >= 15 && no.len() >= 15, "{judgement}: {} and {}", yes.len(), no.len());
    }
}

#[test]
fn control_characters_are_hostile_plain_and_encoded() {
    for byte in (0..0x20).chain([0x7f]) {
        let plain = format!("/a{}b", char::from(byte));
        let encoded = format!("/a%{byte:02x}b");
        let twice = format!("/a%25{byte:02X}b");
        for path in [plain, encoded, twice] {
            assert!(is_hostile(&path) && is_hostile_grant(&path), "{path:?}");
        }
    }
}
