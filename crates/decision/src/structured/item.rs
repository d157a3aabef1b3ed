//! The bare items of a structured field (RFC 8941 §3.3): what each is, reads as and is written as.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::{Malformed, Reader};

#[derive(Debug, PartialEq)]
pub enum BareItem<'a> {
    Integer(i64),
    /// In thousandths: three digits after the point are all that there may be.
    Decimal(i64),
    String(Quoted<'a>),
    Token(&'a str),
    Bytes(ByteSequence),
    Boolean(bool),
}

/// A string as it stands between its quotes. Only quote and backslash have escapes and neither stands
/// without one, so the text is canonical, and equal texts are equal strings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Quoted<'a> {
    text: &'a str,
    escaped: bool,
}

impl<'a> Quoted<'a> {
    /// The string, if it has no escape.
    pub const fn plain(self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.text) }
    }

    /// The text between the quotes. With an escape it has a backslash, as few names do.
    pub const fn text(self) -> &'a str {
        self.text
    }

    pub fn unescaped(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.text);
        }
        let mut characters = self.text.chars();
        let unescaped = std::iter::from_fn(|| match characters.next() {
            Some('\\') => characters.next(),
            other => other,
        });
        Cow::Owned(unescaped.collect())
    }

    pub fn write(self, out: &mut String) {
        out.push('"');
        out.push_str(self.text);
        out.push('"');
    }
}

/// Bytes, however they were spelt: padding may be missing, bits before it may be stray (§4.2.7).
#[derive(Debug)]
pub struct ByteSequence {
    pub bytes: Vec<u8>,
    /// Spelt as RFC 4648 §3.5 has it, which only one text is.
    pub canonical: bool,
}

impl PartialEq for ByteSequence {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl ByteSequence {
    fn parse(text: &str) -> Result<Self, Malformed> {
        match STANDARD.decode(text) {
            Ok(bytes) => Ok(Self { bytes, canonical: true }),
            Err(_) => LENIENT.decode(text).map(|bytes| Self { bytes, canonical: false }).map_err(|_| Malformed),
        }
    }
}

/// Digits of an integer; of a decimal before its point and behind it.
const INTEGER: usize = 15;
const WHOLE: usize = 12;
const FRACTION: usize = 3;

impl<'a> Reader<'a> {
    /// §4.2.3.1.
    pub(super) fn bare_item(&mut self) -> Result<BareItem<'a>, Malformed> {
        match self.peek().ok_or(Malformed)? {
            b'"' => self.quoted().map(BareItem::String),
            b'-' | b'0'..=b'9' => self.number(),
            b':' => self.byte_sequence().map(BareItem::Bytes),
            b'?' => self.boolean().map(BareItem::Boolean),
            b'a'..=b'z' | b'A'..=b'Z' | b'*' => Ok(BareItem::Token(self.run(is_token_character))),
            _ => Err(Malformed),
        }
    }

    fn quoted(&mut self) -> Result<Quoted<'a>, Malformed> {
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let run = self.run(|byte| !matches!(byte, b'"' | b'\\'));
            // Without an early end, so that it compiles to a few instructions for many bytes.
            if !run.bytes().fold(true, |all, byte| all & matches!(byte, b' '..=b'~')) {
                return Err(Malformed);
            }
            if self.takes(b'"') {
                break;
            }
            self.expect(b'\\')?;
            if !self.takes(b'"') {
                self.expect(b'\\')?;
            }
            escaped = true;
        }
        let text = self.field.get(start..self.at - 1).ok_or(Malformed)?;
        Ok(Quoted { text, escaped })
    }

    fn number(&mut self) -> Result<BareItem<'a>, Malformed> {
        let sign = if self.takes(b'-') { -1 } else { 1 };
        let whole = self.digits(INTEGER)?;
        if !self.takes(b'.') {
            return Ok(BareItem::Integer(sign * value(whole)));
        }
        let fraction = self.digits(FRACTION)?;
        if whole.len() > WHOLE {
            return Err(Malformed);
        }
        let missing = FRACTION.saturating_sub(fraction.len());
        let thousandths = (0..missing).fold(value(fraction), |value, _| value * 10);
        Ok(BareItem::Decimal(sign * (value(whole) * 1000 + thousandths)))
    }

    fn digits(&mut self, most: usize) -> Result<&'a str, Malformed> {
        let digits = self.run(|byte| byte.is_ascii_digit());
        if (1..=most).contains(&digits.len()) { Ok(digits) } else { Err(Malformed) }
    }

    fn byte_sequence(&mut self) -> Result<ByteSequence, Malformed> {
        self.expect(b':')?;
        let text = self.run(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        self.expect(b':')?;
        ByteSequence::parse(text)
    }

    fn boolean(&mut self) -> Result<bool, Malformed> {
        self.expect(b'?')?;
        if self.takes(b'1') {
            return Ok(true);
        }
        self.expect(b'0').map(|()| false)
    }
}

/// Of at most 15 digits, so that nothing overflows.
fn value(digits: &str) -> i64 {
    digits.bytes().fold(0, |value, digit| value * 10 + i64::from(digit & 0xf))
}

const fn is_token_character(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^' | b'_' | b'`' | b'|' | b'~' | b':' | b'/')
}

impl BareItem<'_> {
    /// Appends the canonical form (§4.1.3.1).
    pub fn write(&self, out: &mut String) {
        // Writing to a `String` cannot fail.
        let _ = match self {
            Self::Integer(integer) => write!(out, "{integer}"),
            Self::Decimal(thousandths) => write_decimal(*thousandths, out),
            Self::String(string) => {
                string.write(out);
                Ok(())
            }
            Self::Token(token) => out.write_str(token),
            Self::Bytes(sequence) => write!(out, ":{}:", STANDARD.encode(&sequence.bytes)),
            Self::Boolean(boolean) => write!(out, "?{}", u8::from(*boolean)),
        };
    }
}

/// As few digits behind the point as there can be, but one.
fn write_decimal(thousandths: i64, out: &mut String) -> std::fmt::Result {
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, fraction) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    match fraction {
        _ if fraction % 100 == 0 => write!(out, "{sign}{whole}.{}", fraction / 100),
        _ if fraction % 10 == 0 => write!(out, "{sign}{whole}.{:02}", fraction / 10),
        _ => write!(out, "{sign}{whole}.{fraction:03}"),
    }
}
