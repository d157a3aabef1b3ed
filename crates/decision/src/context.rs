//! What a back end is told about the caller: names with flat values, bounded, each one plain line.
//!
//! Which entries there are is the conversation's to say. All values stand in one text, since every
//! allowed request makes one of these and throws it away.

use std::borrow::Cow;

use crate::limits;

#[derive(Clone, Debug)]
pub struct Context {
    /// The values, one behind the other.
    text: String,
    /// Most names are ours and fixed. With each, where its value ends.
    entries: Vec<(Cow<'static, str>, usize)>,
}

impl Context {
    /// Room for the entries of a usual request, and their values.
    pub(crate) fn usual() -> Self {
        Self { text: String::with_capacity(256), entries: Vec::with_capacity(10) }
    }

    pub(crate) fn add(&mut self, name: impl Into<Cow<'static, str>>, value: &str) {
        self.text.push_str(value);
        self.entries.push((name.into(), self.text.len()));
    }

    /// Whether API Gateway takes it: small enough, and without control characters.
    pub(crate) fn is_acceptable(&self) -> bool {
        let names: usize = self.entries.iter().map(|(name, _)| name.len()).sum();
        names + self.text.len() <= limits::CONTEXT && self.is_plain()
    }

    fn is_plain(&self) -> bool {
        // Without an early end, so that it compiles to a few instructions for many bytes.
        let is_visible = self.text.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~'));
        is_visible || !self.text.chars().any(char::is_control)
    }

    /// Names and values, in the order of the answer.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.entries.iter().map(move |(name, end)| {
            let value = self.text.get(start..*end).unwrap_or_default();
            start = *end;
            (name.as_ref(), value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_under_their_names() {
        let mut context = Context::usual();
        context.add("a", "");
        context.add("b".to_owned(), "x é");
        context.add("c", "7");
        assert_eq!(context.iter().collect::<Vec<_>>(), [("a", ""), ("b", "x é"), ("c", "7")]);
        assert!(context.is_acceptable());
    }

    #[test]
    fn neither_too_much_nor_control_characters() {
        for (value, acceptable) in [
            ("x".repeat(limits::CONTEXT - 1), true),
            ("x".repeat(limits::CONTEXT), false),
            ("tab\t".to_owned(), false),
            ("\u{7f}".to_owned(), false),
            ("é\u{85}".to_owned(), false),
            ("日本".to_owned(), true),
        ] {
            let mut context = Context::usual();
            context.add("n", &value);
            assert_eq!(context.is_acceptable(), acceptable, "{value:.9}");
        }
    }
}
