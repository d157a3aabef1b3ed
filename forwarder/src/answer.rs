//! The answer in the form that API Gateway takes from an integration: the only file that knows its JSON.
//!
//! In a whole answer a body that is UTF-8 goes as text, whatever its type says: so every gateway passes it
//! on byte for byte. Any other goes as base64, which a REST API decodes only for its binary media types. In
//! a streamed one the body follows the JSON as it is.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_decision::limits;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::event::Format;
use crate::failure::Failure;

/// Names in lower case; of a name that comes twice, each value is a line of its own.
pub type Headers = Vec<(String, String)>;

pub struct Answer {
    format: Format,
    status: u16,
    headers: Headers,
    body: Bytes,
}

impl Answer {
    /// # Errors
    /// `BackendAnswerTooLarge` for more than Lambda can answer.
    pub fn new(format: Format, status: u16, headers: Headers, body: Bytes) -> Result<Self, Failure> {
        let answer = Self { format, status, headers, body };
        if answer.is_too_large() { Err(Failure::BackendAnswerTooLarge) } else { Ok(answer) }
    }

    /// What a request that is not forwarded gets. It must not be kept: the next one may be answered.
    pub fn refusing(format: Format, failure: Failure, request_id: Option<&str>) -> Self {
        let mut headers = vec![json_type(), no_store()];
        if let Failure::InsideMethod(allowed) = failure {
            headers.push(("allow".to_owned(), allowed.to_owned()));
        }
        Self { format, status: failure.status(), headers, body: failure.body(request_id).into() }
    }

    pub const fn status(&self) -> u16 {
        self.status
    }

    pub fn into_parts(self) -> (u16, Headers, Bytes) {
        (self.status, self.headers, self.body)
    }

    /// Written out only where it could matter: no byte of a body takes more than six as JSON.
    fn is_too_large(&self) -> bool {
        struct Counter(usize);

        impl io::Write for Counter {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += bytes.len();
                Ok(bytes.len())
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }

        let size = self.headers.iter().fold(self.body.len(), |size, (name, value)| size + name.len() + value.len());
        let mut written = Counter(0);
        size > limits::LAMBDA_PAYLOAD / 8
            && (serde_json::to_writer(&mut written, self).is_err() || written.0 > limits::LAMBDA_PAYLOAD)
    }
}

/// How the integrations of REST APIs are set to take answers. No event says it, and neither takes the other
/// form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResponseMode {
    Buffered,
    Stream,
}

impl ResponseMode {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "buffered" => Some(Self::Buffered),
            "stream" => Some(Self::Stream),
            _ => None,
        }
    }
}

/// What stands before the body of a streamed answer.
///
/// # Errors
/// `BackendAnswerTooLarge` for more than the gateway looks for it in.
pub fn prelude(status: u16, headers: &Headers) -> Result<Bytes, Failure> {
    let prelude = Prelude { status_code: status, multi_value_headers: Lists(headers) };
    let mut written = serde_json::to_vec(&prelude).map_err(|_| Failure::BackendAnswerInvalid)?;
    written.extend_from_slice(&[0; 8]);
    if written.len() > limits::STREAM_PRELUDE { Err(Failure::BackendAnswerTooLarge) } else { Ok(written.into()) }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Prelude<'a> {
    status_code: u16,
    multi_value_headers: Lists<'a>,
}

pub fn json_type() -> (String, String) {
    ("content-type".to_owned(), "application/json".to_owned())
}

pub fn no_store() -> (String, String) {
    ("cache-control".to_owned(), "no-store".to_owned())
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("statusCode", &self.status)?;
        match self.format {
            Format::V1 => map.serialize_entry("multiValueHeaders", &Lists(&self.headers))?,
            Format::V2 => {
                map.serialize_entry("headers", &Joined(&self.headers))?;
                let cookies: Vec<_> = values(&self.headers, COOKIE).collect();
                if !cookies.is_empty() {
                    map.serialize_entry("cookies", &cookies)?;
                }
            }
        }
        match std::str::from_utf8(&self.body) {
            Ok(text) => {
                map.serialize_entry("body", text)?;
                map.serialize_entry("isBase64Encoded", &false)?;
            }
            Err(_) => {
                map.serialize_entry("body", &STANDARD.encode(&self.body))?;
                map.serialize_entry("isBase64Encoded", &true)?;
            }
        }
        map.end()
    }
}

/// The one header whose lines cannot be joined (RFC 9110 §5.3).
const COOKIE: &str = "set-cookie";

/// `{"name": ["first", "second"]}`
struct Lists<'a>(&'a Headers);

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(names(self.0).map(|name| (name, values(self.0, name).collect::<Vec<_>>())))
    }
}

/// `{"name": "first,second"}`, without cookies.
struct Joined<'a>(&'a Headers);

impl Serialize for Joined<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = names(self.0).filter(|name| *name != COOKIE);
        serializer.collect_map(names.map(|name| (name, values(self.0, name).collect::<Vec<_>>().join(","))))
    }
}

/// Each name once, in the order of its first line.
fn names(headers: &Headers) -> impl Iterator<Item = &str> {
    let first = |(place, (name, _)): &(usize, &(String, String))| {
        !headers.iter().take(*place).any(|(earlier, _)| earlier == name)
    };
    headers.iter().enumerate().filter(first).map(|(_, (name, _))| name.as_str())
}

fn values<'h>(headers: &'h Headers, name: &'h str) -> impl Iterator<Item = &'h str> {
    headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use serde_json::{Value, json};

    use super::*;

    fn written(format: Format, headers: &[(&str, &str)], body: &[u8]) -> Value {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let answer = Answer::new(format, 201, headers, Bytes::copy_from_slice(body)).unwrap();
        serde_json::to_value(answer).unwrap()
    }

    const HEADERS: &[(&str, &str)] =
        &[("vary", "accept"), ("set-cookie", "a=1"), ("vary", "origin"), ("x", ""), ("set-cookie", "b=2, c")];

    #[test]
    fn repeated_headers_in_either_format() {
        assert_eq!(
            written(Format::V1, HEADERS, b"hi"),
            json!({
                "statusCode": 201,
                "multiValueHeaders": { "vary": ["accept", "origin"], "set-cookie": ["a=1", "b=2, c"], "x": [""] },
                "body": "hi",
                "isBase64Encoded": false,
            })
        );
        assert_eq!(
            written(Format::V2, HEADERS, b""),
            json!({
                "statusCode": 201,
                "headers": { "vary": "accept,origin", "x": "" },
                "cookies": ["a=1", "b=2, c"],
                "body": "",
                "isBase64Encoded": false,
            })
        );
        assert_eq!(written(Format::V2, &[], b"")["cookies"], Value::Null);
    }

    #[test]
    fn every_byte_comes_through() {
        let text = "\u{0}\u{1f}\"\\\u{2028}é日本\u{10ffff}";
        let answer = written(Format::V1, &[("content-type", "application/octet-stream")], text.as_bytes());
        assert_eq!((&answer["body"], &answer["isBase64Encoded"]), (&json!(text), &json!(false)));
        let all: Vec<u8> = (0..=255).collect();
        let answer = written(Format::V2, &[("content-type", "text/plain")], &all);
        assert_eq!(STANDARD.decode(answer["body"].as_str().unwrap()).unwrap(), all);
        assert_eq!(answer["isBase64Encoded"], json!(true));
    }

    #[test]
    fn a_streamed_answer_begins_with_its_head() {
        let headers = HEADERS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let written = prelude(201, &headers).unwrap();
        let (head, zeros) = written.split_at(written.len() - 8);
        assert_eq!(zeros, [0; 8]);
        assert_eq!(
            serde_json::from_slice::<Value>(head).unwrap(),
            json!({
                "statusCode": 201,
                "multiValueHeaders": { "vary": ["accept", "origin"], "set-cookie": ["a=1", "b=2, c"], "x": [""] },
            })
        );
        // Whatever a value holds, the zeros come once.
        let odd = prelude(200, &vec![("x".to_owned(), "\0".repeat(9))]).unwrap();
        assert_eq!(odd.windows(8).filter(|window| *window == [0; 8]).count(), 1);
    }

    #[test]
    fn no_head_is_larger_than_the_gateway_looks_for() {
        let head = |length: usize| prelude(200, &vec![("x".to_owned(), "y".repeat(length))]);
        let frame = head(0).unwrap().len();
        assert_eq!(head(limits::STREAM_PRELUDE - frame).unwrap().len(), limits::STREAM_PRELUDE);
        assert_eq!(head(limits::STREAM_PRELUDE - frame + 1), Err(Failure::BackendAnswerTooLarge));
    }

    #[test]
    fn no_answer_is_larger_than_lambda_takes() {
        let fits = |body: Vec<u8>| Answer::new(Format::V2, 200, Vec::new(), body.into()).is_ok();
        let frame = serde_json::to_string(&Answer::new(Format::V2, 200, Vec::new(), Bytes::new()).unwrap()).unwrap();
        let room = limits::LAMBDA_PAYLOAD - frame.len();
        assert!(fits(vec![b'x'; room]) && !fits(vec![b'x'; room + 1]));
        assert!(fits(vec![b'"'; room / 2]) && !fits(vec![b'"'; room / 2 + 1]));
        assert!(fits(vec![1; room / 6]) && !fits(vec![1; room / 6 + 1]));
        // `false` is a byte longer than `true`.
        assert!(fits(vec![0xff; (room + 1) / 4 * 3]) && !fits(vec![0xff; (room + 1) / 4 * 3 + 3]));
        let long = vec![("x".to_owned(), "y".repeat(limits::LAMBDA_PAYLOAD))];
        assert_eq!(Answer::new(Format::V1, 200, long, Bytes::new()).err(), Some(Failure::BackendAnswerTooLarge));
    }
}
