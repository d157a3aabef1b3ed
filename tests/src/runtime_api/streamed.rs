//! A response that comes in pieces, with what Lambda demands of one: how it is announced, and how it ends.

use std::io;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use http_body_util::BodyExt as _;
use hyper::HeaderMap;
use tokio::sync::mpsc;

use super::{Part, Reply};
use crate::http::{Answer, Unread};

pub const MODE: &str = "lambda-runtime-function-response-mode";
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";
const ERROR_BODY: &str = "lambda-runtime-function-error-body";
const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";

/// How a streamed response ended. Only one that is whole may be taken for whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum End {
    Whole,
    /// By its trailers it was cut in the middle; the body of the error is decoded.
    Cut {
        error_type: String,
        error_body: String,
    },
    /// The connection ended first.
    Broken,
}

/// Reads pieces as fast as they are asked for. Who asks for no more closes the connection.
pub async fn take(request: Unread, parts: &mpsc::Sender<Part>) -> io::Result<Answer> {
    if let Some(wrong) = wrong(&request) {
        let error = Reply::Error { error_type: "Runtime.InvalidResponse".to_owned(), error_message: wrong };
        return Ok(super::reply(parts, error).await);
    }
    let (mut body, mut end) = (request.body, End::Whole);
    loop {
        let frame = tokio::select! {
            frame = body.frame() => frame,
            () = parts.closed() => return Err(nobody()),
        };
        match frame.map(|frame| frame.map(|frame| frame.into_data())) {
            None => break,
            Some(Ok(Ok(piece))) => parts.send(Part::Piece(piece.to_vec())).await.map_err(|_| nobody())?,
            Some(Ok(Err(frame))) => end = cut(&frame.into_trailers().expect("data or trailers")),
            Some(Err(_)) => {
                end = End::Broken;
                break;
            }
        }
    }
    let _ = parts.send(Part::End(end)).await;
    Ok(Answer::status(202))
}

fn nobody() -> io::Error {
    io::Error::other("nobody asks for more")
}

/// What Lambda would not take it for.
fn wrong(request: &Unread) -> Option<String> {
    let trailers = request.header("trailer").to_ascii_lowercase();
    let announced: Vec<_> = trailers.split(',').map(str::trim).collect();
    let wrong = if request.header(MODE) != "streaming" {
        "the mode of the response"
    } else if request.header("transfer-encoding") != "chunked" {
        "no chunks"
    } else if request.header("content-type") != CONTENT_TYPE {
        "the type of the response"
    } else if !announced.contains(&ERROR_TYPE) || !announced.contains(&ERROR_BODY) {
        "trailers that are not announced"
    } else {
        return None;
    };
    Some(format!("{wrong}: {:?}", request.headers))
}

fn cut(trailers: &HeaderMap) -> End {
    let text = |name: &str| trailers.get(name).map_or("", |value| value.to_str().expect("ASCII")).to_owned();
    let body = BASE64.decode(text(ERROR_BODY)).expect("base64");
    End::Cut { error_type: text(ERROR_TYPE), error_body: String::from_utf8(body).expect("UTF-8") }
}
