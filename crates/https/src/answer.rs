//! What comes back: the whole of it, within a bound.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::byte_stream::ByteStream;

use crate::{Failure, causes};

/// The whole answer, whatever its status.
pub struct Response {
    pub status: u16,
    headers: Headers,
    pub body: Vec<u8>,
}

impl Response {
    /// Reads a body of at most `largest_body` bytes. One that says that it has more is not read.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`]: it broke off. [`Failure::TooLarge`].
    pub(crate) async fn read(mut head: HttpResponse, largest_body: usize, url: &str) -> Result<Self, Failure> {
        let too_large = || Failure::TooLarge(format!("{url}: larger than {largest_body} bytes"));
        let mut coming = ByteStream::new(head.take_body());
        let announced = usize::try_from(coming.size_hint().0).unwrap_or(usize::MAX);
        if announced > largest_body {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(announced);
        let broke_off = |error| Failure::NoAnswer(format!("{url}: {}", causes(&error)));
        while let Some(piece) = coming.try_next().await.map_err(broke_off)? {
            if body.len() + piece.len() > largest_body {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(Self { status: head.status().as_u16(), headers: head.headers().clone(), body })
    }

    /// A header's value; `None` where it is absent or not UTF-8.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.try_get(name).and_then(Result::ok)
    }

    /// Every line, names in lower case. A value that is not UTF-8 is read as ISO-8859-1, which it then
    /// most likely is.
    pub fn headers(&self) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
        self.headers.iter_bytes().map(|(name, value)| {
            let text = std::str::from_utf8(value).map(Cow::Borrowed);
            (name, text.unwrap_or_else(|_| value.iter().map(|byte| char::from(*byte)).collect()))
        })
    }
}
