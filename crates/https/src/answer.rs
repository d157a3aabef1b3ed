//! What comes back: a head with a body that is still coming, or the whole of it within a bound.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;

use crate::{Failure, causes};

/// An answer that has begun.
pub struct Arriving<'a> {
    pub status: u16,
    headers: Headers,
    body: ByteStream,
    url: &'a str,
}

/// The whole answer, whatever its status.
pub struct Response {
    pub status: u16,
    headers: Headers,
    pub body: Vec<u8>,
}

impl<'a> Arriving<'a> {
    pub(crate) fn new(mut response: HttpResponse, url: &'a str) -> Self {
        let body = ByteStream::new(response.take_body());
        Self { status: response.status().as_u16(), headers: response.headers().clone(), body, url }
    }

    /// Every line, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        lines(&self.headers)
    }

    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`]: it broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.body.try_next().await.map_err(|error| Failure::NoAnswer(format!("{}: {}", self.url, causes(&error))))
    }

    /// The whole body, if it has at most `largest_body` bytes. One that says that it has more is not read.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`]: it broke off. [`Failure::TooLarge`].
    pub async fn whole(mut self, largest_body: usize) -> Result<Response, Failure> {
        let url = self.url;
        let too_large = || Failure::TooLarge(format!("{url}: larger than {largest_body} bytes"));
        let announced = usize::try_from(self.body.size_hint().0).unwrap_or(usize::MAX);
        if announced > largest_body {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(chunk) = self.next().await? {
            if body.len() + chunk.len() > largest_body {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response { status: self.status, headers: self.headers, body })
    }
}

impl Response {
    /// A header's value; `None` where it is absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.try_get(name).and_then(Result::ok)
    }

    /// Every line, names in lower case.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        lines(&self.headers)
    }
}

/// A value that is not UTF-8 is read as ISO-8859-1, which it then most likely is.
fn lines(headers: &Headers) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    headers.iter_bytes().map(|(name, value)| {
        let text = std::str::from_utf8(value).map(Cow::Borrowed);
        (name, text.unwrap_or_else(|_| value.iter().map(|byte| char::from(*byte)).collect()))
    })
}
