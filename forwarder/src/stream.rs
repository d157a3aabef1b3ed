//! An answer that goes on its way while its back end still sends it. Only REST APIs take one: whatever an
//! HTTP API asks is answered whole, for its gateway knows no other form.
//!
//! Nothing is kept of a body but the piece that is passed on. Once its head is out no failure can become an
//! answer of its own; what breaks off then is cut where it is, for Lambda and the client to see.

mod pieces;

use std::future::Future;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use self::pieces::{Gone, Outlet, pieces};
pub use self::pieces::{Pieces, TRAILERS};
use crate::answer::{Answer, prelude};
use crate::audit::{Outcome, Trace};
use crate::backends::Body;
use crate::event::{Kind, Unreadable};
use crate::handler::{Conversation, Forwarder, Invocation, Served};

/// How a request is answered.
pub enum Reply {
    Whole(Answer),
    /// Head and body as a streaming integration takes them.
    Stream(Pieces),
}

/// It was cut at the other end: by who asked, or by Lambda.
const UNTAKEN: Outcome = Outcome { outcome: "fault", code: "answer_untaken" };

impl Forwarder {
    /// Hands a reply out as soon as it begins, and returns when it is over and its line is written. Whoever
    /// drops the other end of `reply` hangs up.
    ///
    /// # Errors
    /// [`Unreadable`], where there is no request to answer: the function's error.
    pub async fn stream(
        &self,
        payload: &str,
        invocation: &Invocation<'_>,
        reply: oneshot::Sender<Reply>,
    ) -> Result<(), Unreadable> {
        let about = self.begin(payload, invocation)?;
        if about.request.kind == Kind::Http {
            let _ = reply.send(Reply::Whole(self.answer_whole(about).await));
            return Ok(());
        }
        let mut trace = Trace::default();
        let (head, served) = self.open_stream(&about, &mut trace).await;
        let (outlet, pieces) = pieces();
        let _ = reply.send(Reply::Stream(pieces));
        let outcome = match self.pass_on(&about, head, served.body, &outlet, &mut trace).await {
            Ok(()) => served.outcome,
            Err(outcome) => outcome,
        };
        self.tell(about, &trace, outcome, served.status);
        Ok(())
    }

    /// What stands before the body, which is the last that can still become a failure's answer.
    async fn open_stream(&self, about: &Conversation<'_>, trace: &mut Trace) -> (Bytes, Served) {
        let opened = self.serve(about, trace).await.and_then(|served| {
            let head = prelude(served.status, &served.headers)
                .inspect_err(|_| about.notes.cause("headers of more than 16 kB"))?;
            Ok((head, served))
        });
        opened.unwrap_or_else(|failure| {
            let (status, headers, body) = about.refusing(failure).into_parts();
            let served = Served { outcome: failure.into(), status, headers, body: Body::Whole(body) };
            (prelude(status, &served.headers).unwrap_or_default(), served)
        })
    }

    /// The whole of it, or as much as there is to be had and anyone takes.
    async fn pass_on(
        &self,
        about: &Conversation<'_>,
        head: Bytes,
        mut body: Body,
        outlet: &Outlet,
        trace: &mut Trace,
    ) -> Result<(), Outcome> {
        let passed = trace.bytes.insert(0);
        about.taken(outlet.send(head)).await?;
        loop {
            let until = about.ends.min(Instant::now() + self.patience);
            let piece = tokio::select! {
                piece = body.next(until, &about.notes) => piece?,
                () = outlet.gone() => return Err(about.untaken(GONE)),
            };
            let Some(piece) = piece else { return about.taken(outlet.end()).await };
            let length = piece.len() as u64;
            about.taken(outlet.send(piece)).await?;
            *passed += length;
        }
    }
}

const GONE: &str = "nobody takes the answer any more";

impl Conversation<'_> {
    /// Waits until a piece is taken, but no longer than the invocation lasts.
    async fn taken(&self, sent: impl Future<Output = Result<(), Gone>>) -> Result<(), Outcome> {
        match timeout_at(self.ends, sent).await {
            Ok(sent) => sent.map_err(|Gone| self.untaken(GONE)),
            Err(_) => Err(self.untaken("the answer was not taken before the function has to end")),
        }
    }

    fn untaken(&self, cause: &str) -> Outcome {
        self.notes.cause(cause);
        UNTAKEN
    }
}
