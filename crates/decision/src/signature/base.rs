//! The signature base: the bytes that are signed (RFC 9421 §2).
//!
//! Generic: any request or response, any covered components and parameters in any order. Knows no
//! policy and no key. What is not implemented is an error, never skipped: the component parameters
//! `sf`, `key`, `bs`, `tr` and `req`. Every error of §2.5 is one here too.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::params::{Component, SignatureParams};
use crate::request::{Headers, Sent};
use crate::structured::BareItem;

/// The message that a signature covers.
#[derive(Clone, Copy)]
pub struct Message<'m> {
    pub start: Start<'m>,
    pub headers: &'m Headers<'m>,
}

/// What precedes the header fields.
#[derive(Clone, Copy)]
pub enum Start<'m> {
    Request {
        method: &'m str,
        /// `https` or `http`.
        scheme: &'m str,
        /// Host and port as sent; taken to lower case, and without the scheme's default port.
        authority: &'m str,
        /// `None` where the target on the wire is not known: then nothing derived from it is either.
        target: Option<Target<'m>>,
    },
    Response {
        status: u16,
    },
}

/// The request target in origin form, as on the wire.
#[derive(Clone, Copy)]
pub struct Target<'m> {
    pub path: &'m str,
    /// Without the `?`.
    pub query: Option<&'m str>,
}

/// Why there is no base for these components and this message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BaseError {
    /// A component is covered twice.
    Repeated,
    /// The message does not have the component.
    Absent,
    /// The query parameter is there more than once: no line can say which is meant.
    Ambiguous,
    /// No such component, or parameters that it does not have or that are not implemented.
    Unsupported,
    /// A value with a line break that is not obsolete folding, or anything else but visible ASCII.
    Characters,
}

const DERIVED: [&str; 8] =
    ["@status", "@method", "@scheme", "@authority", "@path", "@query", "@request-target", "@target-uri"];

/// What `application/x-www-form-urlencoded` leaves as it is (WHATWG URL §1.3).
const FORM_ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Room for the base of a usual request: a dozen lines, one of them a token.
const USUAL_BASE: usize = 1024;

/// The signature base of `message` for a signature with these parameters (§2.5).
///
/// # Errors
/// See `BaseError`. No base is ever built with a component left out.
pub fn signature_base(message: &Message<'_>, params: &SignatureParams<'_>) -> Result<String, BaseError> {
    if params.repeats_a_component() {
        return Err(BaseError::Repeated);
    }
    let mut base = String::with_capacity(USUAL_BASE);
    for component in &params.components {
        component.write(&mut base);
        base.push_str(": ");
        write_value(message, component, &mut base)?;
        base.push('\n');
    }
    base.push_str("\"@signature-params\": ");
    params.write(&mut base);
    Ok(base)
}

fn write_value(message: &Message<'_>, component: &Component<'_>, out: &mut String) -> Result<(), BaseError> {
    match (component.name(), component.parameters.as_slice()) {
        ("@query-param", [("name", BareItem::String(name))]) => write_query_param(message, name.text(), out),
        (name, []) if component.is_derived() => write_derived(message, name, out),
        (name, []) if is_field_name(name) => write_field(message.headers, name, out),
        _ => Err(BaseError::Unsupported),
    }
}

/// §2.2, derived components without parameters.
fn write_derived(message: &Message<'_>, name: &str, out: &mut String) -> Result<(), BaseError> {
    match (name, message.start) {
        ("@status", Start::Response { status }) => push_text(out, &status.to_string()),
        ("@method", Start::Request { method, .. }) => push_text(out, method),
        ("@scheme", Start::Request { scheme, .. }) => push_lower_case(out, scheme),
        ("@authority", Start::Request { scheme, authority, .. }) => push_authority(out, scheme, authority),
        ("@path", Start::Request { target: Some(target), .. }) => push_path(out, target.path),
        ("@query", Start::Request { target: Some(target), .. }) => {
            out.push('?');
            push_text(out, target.query.unwrap_or_default())
        }
        ("@request-target", Start::Request { target: Some(target), .. }) => push_target(out, target),
        ("@target-uri", Start::Request { scheme, authority, target: Some(target), .. }) => {
            push_lower_case(out, scheme)?;
            out.push_str("://");
            push_authority(out, scheme, authority)?;
            push_target(out, target)
        }
        (known, _) if DERIVED.contains(&known) => Err(BaseError::Absent),
        _ => Err(BaseError::Unsupported),
    }
}

/// §2.2.8: the one value of a form parameter, encoded anew; `name` is in encoded form too, which has
/// neither quote nor backslash.
fn write_query_param(message: &Message<'_>, name: &str, out: &mut String) -> Result<(), BaseError> {
    let Start::Request { target: Some(target), .. } = message.start else { return Err(BaseError::Absent) };
    let mut values = target.query.unwrap_or_default().split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (!pair.is_empty() && form_encoded_anew(key) == name).then_some(value)
    });
    match (values.next(), values.next()) {
        (None, _) => Err(BaseError::Absent),
        (Some(value), None) => push_text(out, &form_encoded_anew(value)),
        (Some(_), Some(_)) => Err(BaseError::Ambiguous),
    }
}

fn form_encoded_anew(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode(spaced.as_bytes()).decode_utf8_lossy();
    utf8_percent_encode(&decoded, FORM_ENCODED).to_string()
}

/// §2.1: every line of the field, stripped and unfolded, in order.
fn write_field(headers: &Headers<'_>, name: &str, out: &mut String) -> Result<(), BaseError> {
    match headers.sent(name) {
        Sent::Never => Err(BaseError::Absent),
        Sent::Once(line) => push_field_line(out, line),
        Sent::Repeatedly => headers.all(name).enumerate().try_for_each(|(i, line)| {
            out.push_str(if i > 0 { ", " } else { "" });
            push_field_line(out, line)
        }),
    }
}

fn push_field_line(out: &mut String, line: &str) -> Result<(), BaseError> {
    let line = line.trim_matches(OWS);
    if !is_field_text(line) {
        return push_unfolded(out, line);
    }
    out.push_str(line);
    Ok(())
}

/// Obsolete folding (RFC 9112 §5.2) counts as one space. A line break that no white space follows
/// would end the field, and so is none.
fn push_unfolded(out: &mut String, line: &str) -> Result<(), BaseError> {
    let mut parts = line.split("\r\n");
    push_text(out, parts.next().unwrap_or_default().trim_end_matches(OWS))?;
    for part in parts {
        let part = part.strip_prefix(OWS).ok_or(BaseError::Characters)?;
        out.push(' ');
        push_text(out, part.trim_matches(OWS))?;
    }
    Ok(())
}

const OWS: [char; 2] = [' ', '\t'];

fn push_target(out: &mut String, target: Target<'_>) -> Result<(), BaseError> {
    push_path(out, target.path)?;
    let Some(query) = target.query else { return Ok(()) };
    out.push('?');
    push_text(out, query)
}

fn push_path(out: &mut String, path: &str) -> Result<(), BaseError> {
    push_text(out, if path.is_empty() { "/" } else { path })
}

fn push_authority(out: &mut String, scheme: &str, authority: &str) -> Result<(), BaseError> {
    let default_port = if scheme.eq_ignore_ascii_case("https") { ":443" } else { ":80" };
    push_lower_case(out, authority.strip_suffix(default_port).unwrap_or(authority))
}

fn push_lower_case(out: &mut String, text: &str) -> Result<(), BaseError> {
    let start = out.len();
    push_text(out, text)?;
    if let Some(pushed) = out.get_mut(start..) {
        pushed.make_ascii_lowercase();
    }
    Ok(())
}

fn push_text(out: &mut String, text: &str) -> Result<(), BaseError> {
    if !is_field_text(text) {
        return Err(BaseError::Characters);
    }
    out.push_str(text);
    Ok(())
}

/// Visible ASCII, space and tab: what may stand in a line of the base.
pub(super) fn is_field_text(text: &str) -> bool {
    // Without an early end, so that it compiles to a few instructions for many bytes.
    text.bytes().fold(true, |all, byte| all & (matches!(byte, b' '..=b'~') | (byte == b'\t')))
}

/// A field name in the one case that an identifier may have (§2.1).
pub(super) fn is_field_name(name: &str) -> bool {
    let is_lower_tchar =
        |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.') || b"!#$%&'*+^`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_lower_tchar)
}
