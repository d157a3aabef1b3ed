//! Answers invocations so that an answer can begin before it is whole, in the place of the runtime's own
//! service: that one writes what goes wrong in the middle into the body, as text, and ends it as if it were
//! whole.
//!
//! The runtime still has the loop: one invocation after the other.

use std::sync::Arc;
use std::task::{Context, Poll};

use countersign_decision::time::Timestamp;
use countersign_function::clock::now;
use hyper::Request;
use hyper::header::HeaderValue;
use hyper::http::request::Builder;
use lambda_runtime::streaming::Body;
use lambda_runtime::{BoxFuture, Error, LambdaInvocation, Service};
use lambda_runtime_api_client::{PooledClient, build_request};
use tokio::sync::oneshot;

use super::error;
use crate::answer::Answer;
use crate::event::Unreadable;
use crate::handler::{Forwarder, Invocation};
use crate::stream::{Pieces, Reply, TRAILERS};

#[derive(Clone)]
pub struct Streaming {
    forwarder: Arc<Forwarder>,
    runtime_api: Arc<PooledClient>,
}

impl Streaming {
    pub fn new(forwarder: Arc<Forwarder>) -> Self {
        Self { forwarder, runtime_api: Arc::new(PooledClient::builder().build()) }
    }

    async fn answer(self, invocation: LambdaInvocation) -> Result<(), Error> {
        let invoked = Invoked::of(&invocation);
        let (reply, replied) = oneshot::channel();
        let forwarder = Arc::clone(&self.forwarder);
        // A task of its own: it goes on while the reply is sent, and its panic ends this invocation only.
        let answering = tokio::spawn(async move {
            let (context, now) = (&invocation.context, now());
            let ends = Timestamp::from_millis(context.deadline);
            // What is not UTF-8 is no event either.
            let payload = str::from_utf8(&invocation.body).unwrap_or_default();
            forwarder.stream(payload, &Invocation { id: &context.request_id, now, ends }, reply).await
        });
        let posted = match replied.await {
            Ok(Reply::Whole(answer)) => self.post(invoked.whole(&answer)?).await,
            Ok(Reply::Stream(pieces)) => {
                // A stream that is not taken to its end is no reason to end: if nothing else is taken either,
                // asking for the next event shows it.
                let posted = self.post(invoked.streamed(pieces)?).await;
                posted.or_else(|error| {
                    eprintln!("the Lambda Runtime API took no more of an answer: {error}");
                    Ok(())
                })
            }
            Err(_) => {
                let code = answering.await.map_or("panicked", |_| Unreadable::CODE);
                return self.post(invoked.error(code)?).await;
            }
        };
        // Who asks for the next event may be frozen: the line is written before.
        let _ = answering.await;
        posted
    }

    async fn post(&self, request: Request<Body>) -> Result<(), Error> {
        let status = self.runtime_api.call(request).await?.status();
        if !status.is_success() {
            eprintln!("the Lambda Runtime API does not take what came of an event: {status}");
        }
        Ok(())
    }
}

impl Service<LambdaInvocation> for Streaming {
    type Response = ();
    type Error = Error;
    type Future = BoxFuture<'static, Result<(), Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        Box::pin(self.clone().answer(invocation))
    }
}

/// One invocation, and the requests that can end it.
struct Invoked {
    id: String,
    /// Sent back, so that Lambda knows an answer that comes too late from one to a later event.
    invocation_id: Option<HeaderValue>,
}

const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

impl Invoked {
    fn of(invocation: &LambdaInvocation) -> Self {
        let invocation_id = invocation.parts.headers.get(INVOCATION_ID).cloned();
        Self { id: invocation.context.request_id.clone(), invocation_id }
    }

    fn whole(&self, answer: &Answer) -> Result<Request<Body>, Error> {
        Ok(self.request("response").body(serde_json::to_vec(answer)?.into())?)
    }

    fn streamed(&self, pieces: Pieces) -> Result<Request<Body>, Error> {
        let request = self
            .request("response")
            .header("content-type", "application/vnd.awslambda.http-integration-response")
            .header("lambda-runtime-function-response-mode", "streaming")
            .header("trailer", TRAILERS);
        Ok(request.body(Body::new(pieces))?)
    }

    fn error(&self, code: &'static str) -> Result<Request<Body>, Error> {
        let request = self.request("error").header("lambda-runtime-function-error-type", "unhandled");
        Ok(request.body(serde_json::to_vec(&error(code))?.into())?)
    }

    fn request(&self, what: &str) -> Builder {
        let id = &self.id;
        let request = build_request().method("POST").uri(format!("/2018-06-01/runtime/invocation/{id}/{what}"));
        match &self.invocation_id {
            Some(own) => request.header(INVOCATION_ID, own),
            None => request,
        }
    }
}
