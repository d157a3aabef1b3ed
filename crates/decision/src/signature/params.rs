//! What one signature says it covers: the parsed value of `@signature-params` (RFC 9421 §2.3).
//!
//! An inner list of component identifiers with the signature's parameters, all in the order in which
//! they were received: the order is signed. Knows no policy: duplicates and unknown names are kept as
//! they came, for those to refuse who can name the reason.

use std::borrow::Cow;

use sfv::{BareItemFromInput, ItemSerializer, KeyRef, StringRef};

/// The covered components and the parameters of one signature.
#[derive(Debug, Default)]
pub struct SignatureParams<'a> {
    pub(super) components: Vec<Component<'a>>,
    pub(super) parameters: Parameters<'a>,
}

/// A component identifier: the name of a field or, from its `@`, of a derived component.
#[derive(Debug)]
pub(super) struct Component<'a> {
    pub name: Cow<'a, StringRef>,
    pub parameters: Parameters<'a>,
}

/// Parameters of a component or of the signature, values as typed by the structured field.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a>(pub Vec<(&'a KeyRef, BareItemFromInput<'a>)>);

impl SignatureParams<'_> {
    /// Appends the canonical form, as it stands in the last line of the signature base.
    pub(super) fn write(&self, out: &mut String) {
        out.push('(');
        let mut separator = "";
        for component in &self.components {
            out.push_str(separator);
            component.write(out);
            separator = " ";
        }
        out.push(')');
        self.parameters.write(out);
    }

    /// Whether two identifiers are the same component, which no signature may cover twice (§2.5).
    pub(super) fn repeats_a_component(&self) -> bool {
        let mut rest = self.components.as_slice();
        while let [component, others @ ..] = rest {
            if others.iter().any(|other| component.is(other)) {
                return true;
            }
            rest = others;
        }
        false
    }
}

impl Component<'_> {
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Not a field but something else about the message (§2.2).
    pub fn is_derived(&self) -> bool {
        self.name().starts_with('@')
    }

    /// Appends the canonical form, as it stands at the start of a line of the signature base.
    pub fn write(&self, out: &mut String) {
        write_string(&self.name, out);
        self.parameters.write(out);
    }

    /// Same name and same parameters, in whatever order (§2).
    fn is(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.parameters.0, &other.parameters.0);
        self.name == other.name && ours.len() == theirs.len() && ours.iter().all(|parameter| theirs.contains(parameter))
    }
}

impl<'a> Parameters<'a> {
    pub fn iter(&self) -> impl Iterator<Item = (&'a KeyRef, &BareItemFromInput<'a>)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    fn write(&self, out: &mut String) {
        for (name, value) in self.iter() {
            out.push(';');
            out.push_str(name.as_str());
            if !matches!(value, BareItemFromInput::Boolean(true)) {
                out.push('=');
                write_value(value, out);
            }
        }
    }

    /// Whether a name was given twice. Quadratic: for a bounded number of parameters.
    pub fn repeats_a_name(&self) -> bool {
        self.iter().any(|(name, _)| self.all(name.as_str()).nth(1).is_some())
    }

    /// Every value that was given for `name`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &BareItemFromInput<'a>> {
        self.iter().filter(move |(key, _)| key.as_str() == name).map(|(_, value)| value)
    }
}

fn write_value(value: &BareItemFromInput<'_>, out: &mut String) {
    match value {
        BareItemFromInput::String(text) => write_string(text, out),
        other => {
            let _ = ItemSerializer::with_buffer(out).bare_item(other);
        }
    }
}

/// A string without escapes at once: `sfv` goes character by character, and most are such.
fn write_string(text: &StringRef, out: &mut String) {
    let needs_escape = text.as_str().bytes().fold(false, |any, byte| any | matches!(byte, b'"' | b'\\'));
    if needs_escape {
        let _ = ItemSerializer::with_buffer(out).bare_item(text);
    } else {
        out.push('"');
        out.push_str(text.as_str());
        out.push('"');
    }
}
