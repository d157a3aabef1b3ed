//! What one signature says it covers: the parsed value of `@signature-params` (RFC 9421 §2.3).
//!
//! An inner list of component identifiers with the signature's parameters, all in the order in which
//! they were received: the order is signed. Knows no policy: duplicates and unknown names are kept as
//! they came, for those to refuse who can name the reason.

use crate::structured::{BareItem, InnerList, Item, Malformed, Parameters, Quoted};

/// The covered components and the parameters of one signature.
#[derive(Debug)]
pub struct SignatureParams<'a> {
    pub(super) components: Vec<Component<'a>>,
    pub(super) parameters: Parameters<'a>,
}

/// A component identifier: the name of a field or, from its `@`, of a derived component.
#[derive(Debug)]
pub(super) struct Component<'a> {
    name: Quoted<'a>,
    pub parameters: Parameters<'a>,
}

impl<'a> SignatureParams<'a> {
    /// Takes a list of strings, whatever they say.
    pub(super) fn new(list: InnerList<'a>) -> Result<Self, Malformed> {
        let components = list.items.into_iter().map(Component::new).collect::<Result<_, _>>()?;
        Ok(Self { components, parameters: list.parameters })
    }

    /// Appends the canonical form, as it stands in the last line of the signature base.
    pub(super) fn write(&self, out: &mut String) {
        out.push('(');
        for (i, component) in self.components.iter().enumerate() {
            if i > 0 {
                out.push(' ');
            }
            component.write(out);
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

impl<'a> Component<'a> {
    fn new(item: Item<'a>) -> Result<Self, Malformed> {
        let BareItem::String(name) = item.bare else { return Err(Malformed) };
        Ok(Self { name, parameters: item.parameters })
    }

    /// No name has an escape, so one that has is left as it came and is the name of nothing.
    pub const fn name(&self) -> &'a str {
        self.name.text()
    }

    /// Not a field but something else about the message (§2.2).
    pub fn is_derived(&self) -> bool {
        self.name().starts_with('@')
    }

    /// Appends the canonical form, as it stands at the start of a line of the signature base.
    pub fn write(&self, out: &mut String) {
        self.name.write(out);
        self.parameters.write(out);
    }

    /// Same name and same parameters, in whatever order (§2).
    fn is(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.parameters.as_slice(), other.parameters.as_slice());
        self.name == other.name && ours.len() == theirs.len() && ours.iter().all(|parameter| theirs.contains(parameter))
    }
}
