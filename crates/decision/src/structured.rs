//! Structured fields (RFC 8941): dictionaries, the one form that the fields of a decision have.
//!
//! Read strictly, in one pass, borrowed from the field; written in the canonical form of §4.1, which
//! is what a signature covers. Dates and display strings (RFC 9651) are no values here: what a
//! verifier does not know it refuses. Equal names are kept, for those to refuse who can say why.

mod item;
#[cfg(test)]
mod tests;

use std::fmt;

pub use item::{BareItem, Quoted};

/// The field is not a dictionary, or one of another kind than it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a structured field of the form that it should have")
    }
}

impl std::error::Error for Malformed {}

/// The value of one name of a dictionary.
#[derive(Debug)]
pub enum Member<'a> {
    Item(Item<'a>),
    InnerList(InnerList<'a>),
}

#[derive(Debug)]
pub struct Item<'a> {
    pub bare: BareItem<'a>,
    pub parameters: Parameters<'a>,
}

#[derive(Debug)]
pub struct InnerList<'a> {
    pub items: Vec<Item<'a>>,
    pub parameters: Parameters<'a>,
}

/// Names and values in the order received.
#[derive(Debug, Default)]
pub struct Parameters<'a>(Vec<(&'a str, BareItem<'a>)>);

/// Items, and parameters, of a usual list.
const USUAL: usize = 8;

/// Reads a dictionary and gives each member in turn to `take` (§4.2.2).
///
/// # Errors
/// `Malformed`, and whatever `take` says.
pub fn dictionary<'a, E: From<Malformed>>(
    field: &'a str,
    mut take: impl FnMut(&'a str, Member<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = Reader { field, at: 0 };
    reader.run(|byte| byte == b' ');
    while !reader.is_done() {
        let name = reader.key()?;
        let member = if reader.takes(b'=') { reader.member()? } else { Member::Item(reader.parametrised(TRUE)?) };
        take(name, member)?;
        reader.run(is_ows);
        if reader.is_done() {
            break;
        }
        reader.expect(b',')?;
        reader.run(is_ows);
        if reader.is_done() {
            return Err(Malformed.into());
        }
    }
    Ok(())
}

/// What a name without a value stands for.
const TRUE: BareItem<'_> = BareItem::Boolean(true);

const fn is_ows(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// The field and how far it has been read: always up to a whole character.
struct Reader<'a> {
    field: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn member(&mut self) -> Result<Member<'a>, Malformed> {
        if self.takes(b'(') { self.inner_list().map(Member::InnerList) } else { self.item().map(Member::Item) }
    }

    /// What follows the opening parenthesis (§4.2.1.2).
    fn inner_list(&mut self) -> Result<InnerList<'a>, Malformed> {
        let mut items = Vec::with_capacity(USUAL);
        loop {
            self.run(|byte| byte == b' ');
            if self.takes(b')') {
                return Ok(InnerList { items, parameters: self.parameters()? });
            }
            items.push(self.item()?);
            if !matches!(self.peek(), Some(b' ' | b')')) {
                return Err(Malformed);
            }
        }
    }

    fn item(&mut self) -> Result<Item<'a>, Malformed> {
        let bare = self.bare_item()?;
        self.parametrised(bare)
    }

    fn parametrised(&mut self, bare: BareItem<'a>) -> Result<Item<'a>, Malformed> {
        Ok(Item { bare, parameters: self.parameters()? })
    }

    /// §4.2.3.2.
    fn parameters(&mut self) -> Result<Parameters<'a>, Malformed> {
        let mut parameters = Parameters::default();
        while self.takes(b';') {
            self.run(|byte| byte == b' ');
            let name = self.key()?;
            let value = if self.takes(b'=') { self.bare_item()? } else { TRUE };
            if parameters.0.is_empty() {
                parameters.0.reserve(USUAL);
            }
            parameters.0.push((name, value));
        }
        Ok(parameters)
    }

    /// §4.2.3.3.
    fn key(&mut self) -> Result<&'a str, Malformed> {
        match self.peek() {
            Some(b'a'..=b'z' | b'*') => {
                Ok(self.run(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*')))
            }
            _ => Err(Malformed),
        }
    }

    /// The longest run of such characters. One that is not ASCII is in it wholly or not at all.
    #[inline]
    fn run(&mut self, is_part: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.field.as_bytes().get(self.at..).unwrap_or_default();
        let len = rest.iter().position(|byte| !is_part(*byte)).unwrap_or(rest.len());
        let run = self.field.get(self.at..self.at + len).unwrap_or_default();
        self.at += run.len();
        run
    }

    fn peek(&self) -> Option<u8> {
        self.field.as_bytes().get(self.at).copied()
    }

    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.takes(byte) { Ok(()) } else { Err(Malformed) }
    }

    const fn is_done(&self) -> bool {
        self.at >= self.field.len()
    }
}

impl<'a> Parameters<'a> {
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &BareItem<'a>)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// Every value that was given for `name`.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &BareItem<'a>> {
        self.iter().filter(move |(own, _)| *own == name).map(|(_, value)| value)
    }

    /// Whether a name was given twice. Quadratic: for a bounded number of parameters.
    pub fn repeats_a_name(&self) -> bool {
        self.iter().any(|(name, _)| self.all(name).nth(1).is_some())
    }

    pub fn as_slice(&self) -> &[(&'a str, BareItem<'a>)] {
        &self.0
    }

    /// §4.1.1.2.
    pub fn write(&self, out: &mut String) {
        for (name, value) in self.iter() {
            out.push(';');
            out.push_str(name);
            if *value != TRUE {
                out.push('=');
                value.write(out);
            }
        }
    }
}
