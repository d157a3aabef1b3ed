//! What comes back: the head first, then a body, which is read whole within a bound, or as it comes.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::http::Headers;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;

use crate::{Failure, causes};

/// An answer, whatever its status: the whole of it, or one whose body is still [`Coming`].
pub struct Response<B = Vec<u8>> {
    pub status: u16,
    headers: Headers,
    pub body: B,
}

impl<B> Response<B> {
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

impl Response<Coming> {
    pub(crate) fn begun(mut head: HttpResponse, url: &str) -> Self {
        let body = Coming { stream: ByteStream::new(head.take_body()), url: url.to_owned() };
        Self { status: head.status().as_u16(), headers: head.headers().clone(), body }
    }

    /// # Errors
    /// As [`Coming::whole`].
    pub(crate) async fn whole(self, largest_body: usize) -> Result<Response, Failure> {
        Ok(Response { status: self.status, headers: self.headers, body: self.body.whole(largest_body).await? })
    }
}

/// A body that has not been read to its end. Dropped before, it closes its connection.
pub struct Coming {
    stream: ByteStream,
    url: String,
}

impl Coming {
    /// The next piece, as large as the connection brings it; `None` after the last one. Nothing is read
    /// ahead but what the connection holds.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`]: it broke off.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = self.stream.try_next().await;
        let piece = piece.map_err(|error| Failure::NoAnswer(format!("{}: {}", self.url, causes(&error))))?;
        // HTTP/2 may end a stream in the middle without an error (RST_STREAM with NO_ERROR).
        let missing = self.stream.size_hint().0;
        if piece.is_none() && missing > 0 {
            return Err(Failure::NoAnswer(format!("{}: ended {missing} bytes before its announced end", self.url)));
        }
        Ok(piece)
    }

    /// The rest, of at most `largest` bytes. A body that says that it has more is not read.
    ///
    /// # Errors
    /// [`Failure::NoAnswer`]: it broke off. [`Failure::TooLarge`].
    pub async fn whole(mut self, largest: usize) -> Result<Vec<u8>, Failure> {
        let announced = usize::try_from(self.stream.size_hint().0).unwrap_or(usize::MAX);
        if announced > largest {
            return Err(self.too_large(largest));
        }
        let mut body = Vec::with_capacity(announced);
        while let Some(piece) = self.next().await? {
            if body.len() + piece.len() > largest {
                return Err(self.too_large(largest));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    fn too_large(&self, largest: usize) -> Failure {
        Failure::TooLarge(format!("{}: larger than {largest} bytes", self.url))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use aws_smithy_types::body::SdkBody;
    use hyper::body::{Body, Frame, SizeHint};

    use super::*;

    /// Announces ten bytes, and ends well after three, as a stream of HTTP/2 can.
    struct Short(Option<Bytes>);

    impl Body for Short {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.take().map(|piece| Ok(Frame::data(piece))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(if self.0.is_some() { 10 } else { 7 })
        }
    }

    #[tokio::test]
    async fn what_ends_before_its_announced_end_has_broken_off() {
        let stream = ByteStream::new(SdkBody::from_body_1_x(Short(Some("abc".into()))));
        let mut coming = Coming { stream, url: "https://backend.example".to_owned() };
        assert_eq!(coming.next().await.unwrap().unwrap(), "abc");
        let Err(Failure::NoAnswer(why)) = coming.next().await else { panic!("it was taken for whole") };
        assert!(why.contains("7 bytes"), "{why}");
    }
}
