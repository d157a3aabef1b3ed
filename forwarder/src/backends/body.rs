//! The body of a back end's answer: there already, or still on its way.

use countersign_function::notes::Notes;
use countersign_https::Bytes;
use tokio::time::Instant;

use super::https::ComingBody;
use crate::failure::Failure;

pub enum Body {
    Whole(Bytes),
    /// Read as it is wanted: what nobody asks for stays with the back end.
    Coming(ComingBody),
}

impl Body {
    /// The next piece, waited for until `until`; `None` after the last one.
    ///
    /// # Errors
    /// `BackendAnswerInvalid` where it breaks off, and `BackendTimeout`; why is noted.
    pub async fn next(&mut self, until: Instant, notes: &Notes) -> Result<Option<Bytes>, Failure> {
        match self {
            Self::Whole(body) => Ok(Some(std::mem::take(body)).filter(|body| !body.is_empty())),
            Self::Coming(body) => body.next(until, notes).await,
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// As [`Body::next`], and `BackendAnswerTooLarge` for more than Lambda can answer at once.
    pub async fn whole(self, until: Instant, notes: &Notes) -> Result<Bytes, Failure> {
        match self {
            Self::Whole(body) => Ok(body),
            Self::Coming(body) => body.whole(until, notes).await,
        }
    }
}
