//! A body on its way to the Runtime API: one piece at a time, and how it ends.
//!
//! Only who says so ends it as whole. Whoever goes without a word, by error or by panic, has ended it in the
//! middle, and trailers tell Lambda so.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::HeaderMap;
use hyper::body::{Body, Bytes, Frame};
use hyper::header::HeaderValue;
use tokio::sync::mpsc;

/// The names of the trailers, to be announced in a `Trailer` header.
pub const TRAILERS: &str = "lambda-runtime-function-error-type, lambda-runtime-function-error-body";

/// What the trailers say: why is in the audit line, and what is told to Lambda may reach the client.
const ERROR_TYPE: &str = "Fault.answer_cut";
const ERROR: &str = r#"{"errorType":"Fault","errorMessage":"answer_cut"}"#;

/// At most one piece waits in between: whoever is faster waits for the other.
pub fn pieces() -> (Outlet, Pieces) {
    let (sender, receiver) = mpsc::channel(1);
    (Outlet(sender), Pieces { receiver, ended: false })
}

pub struct Outlet(mpsc::Sender<Sent>);

enum Sent {
    Piece(Bytes),
    End,
}

/// Nobody takes the body any more.
#[derive(Debug)]
pub struct Gone;

impl Outlet {
    /// Waits until the piece before it is taken.
    pub async fn send(&self, piece: Bytes) -> Result<(), Gone> {
        self.0.send(Sent::Piece(piece)).await.map_err(|_| Gone)
    }

    /// Says that the body is whole.
    pub async fn end(&self) -> Result<(), Gone> {
        self.0.send(Sent::End).await.map_err(|_| Gone)
    }

    /// Waits until nobody takes the body any more.
    pub async fn gone(&self) {
        self.0.closed().await;
    }
}

pub struct Pieces {
    receiver: mpsc::Receiver<Sent>,
    ended: bool,
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(self.receiver.poll_recv(cx)) {
            Some(Sent::Piece(piece)) => return Poll::Ready(Some(Ok(Frame::data(piece)))),
            Some(Sent::End) => None,
            None => Some(Ok(Frame::trailers(trailers()))),
        };
        self.ended = true;
        Poll::Ready(frame)
    }
}

fn trailers() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    let body = HeaderValue::try_from(STANDARD.encode(ERROR)).unwrap_or(HeaderValue::from_static(""));
    trailers.insert("lambda-runtime-function-error-type", HeaderValue::from_static(ERROR_TYPE));
    trailers.insert("lambda-runtime-function-error-body", body);
    trailers
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::future::poll_fn;

    use super::*;

    /// The next frame: data, or the trailers' error type.
    async fn next(pieces: &mut Pieces) -> Option<Result<Bytes, String>> {
        let frame = poll_fn(|cx| Pin::new(&mut *pieces).poll_frame(cx)).await?.unwrap();
        Some(frame.into_data().map_err(|frame| {
            let trailers = frame.into_trailers().unwrap();
            assert!(trailers.keys().all(|name| TRAILERS.split(", ").any(|announced| announced == name)));
            trailers["lambda-runtime-function-error-type"].to_str().unwrap().to_owned()
        }))
    }

    #[tokio::test]
    async fn what_ends_with_a_word_is_whole() {
        let (outlet, mut pieces) = pieces();
        let sending = async {
            outlet.send("a".into()).await.unwrap();
            outlet.send("b".into()).await.unwrap();
            outlet.end().await.unwrap();
        };
        let receiving = async {
            assert_eq!(next(&mut pieces).await, Some(Ok("a".into())));
            assert_eq!(next(&mut pieces).await, Some(Ok("b".into())));
            assert_eq!(next(&mut pieces).await, None);
        };
        tokio::join!(sending, receiving);
        drop(outlet);
        assert_eq!(next(&mut pieces).await, None, "it has ended");
    }

    #[tokio::test]
    async fn what_ends_without_a_word_is_cut() {
        let (outlet, mut pieces) = pieces();
        let sending = tokio::spawn(async move {
            outlet.send("a".into()).await.unwrap();
            panic!("on purpose");
        });
        assert_eq!(next(&mut pieces).await, Some(Ok("a".into())));
        assert_eq!(next(&mut pieces).await, Some(Err("Fault.answer_cut".to_owned())));
        assert_eq!(next(&mut pieces).await, None);
        assert!(sending.await.is_err());
    }
}
