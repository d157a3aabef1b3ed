//! Text that a caller may have written: bounded, and one line whatever it holds.

use countersign_decision::limits;
use serde::{Serialize, Serializer};

/// One value: a name, an id, a header.
pub struct Quoted<'a>(pub &'a str);

/// A sentence for the operator that may quote several such values.
pub struct Long<'a>(pub &'a str);

impl Serialize for Quoted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        quote(self.0, limits::QUOTED, serializer)
    }
}

impl Serialize for Long<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        quote(self.0, 4 * limits::QUOTED, serializer)
    }
}

fn quote<S: Serializer>(text: &str, length: usize, serializer: S) -> Result<S::Ok, S::Error> {
    if text.len() <= length && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return serializer.serialize_str(text);
    }
    // Besides control characters, some readers of logs end a line at U+2028 or U+2029.
    let harmless = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { '\u{fffd}' } else { c };
    serializer.serialize_str(&text.chars().take(length).map(harmless).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn quoted(text: &str) -> String {
        serde_json::from_str(&serde_json::to_string(&Quoted(text)).unwrap()).unwrap()
    }

    #[test]
    fn nothing_quoted_ends_a_line() {
        assert_eq!(quoted("plain \"text\" ~"), "plain \"text\" ~");
        assert_eq!(quoted("a\nb\u{2028}c\u{2029}d\u{85}é"), "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}é");
    }

    #[test]
    fn what_is_quoted_is_bounded() {
        assert_eq!(quoted(&"x".repeat(limits::QUOTED + 1)).len(), limits::QUOTED);
        assert_eq!(quoted(&"é".repeat(limits::QUOTED + 1)).chars().count(), limits::QUOTED);
        let long = serde_json::to_string(&Long(&"x".repeat(10_000))).unwrap();
        assert_eq!(long.len(), 4 * limits::QUOTED + 2);
    }
}
