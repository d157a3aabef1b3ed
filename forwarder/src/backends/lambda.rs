//! A back end that is a Lambda function: it gets the event that the gateway made, with other headers, and
//! answers as it would answer the gateway.

mod answer;
mod event;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::error::SdkError;
use aws_sdk_lambda::operation::invoke::{InvokeError, InvokeOutput};
use aws_sdk_lambda::primitives::Blob;
use countersign_decision::limits;
use countersign_function::notes::Notes;
use countersign_https::{Bytes, causes, for_sdk};

use super::{BackendAnswer, is_idempotent};
use crate::failure::Failure;
use crate::outgoing::Outgoing;

pub(super) struct LambdaBackend {
    function: String,
    client: Client,
}

/// Never tries again by itself, and waits as long as a request may take.
pub(super) fn client(aws: &SdkConfig) -> Client {
    let config = aws_sdk_lambda::config::Builder::from(aws)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .http_client(for_sdk())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    Client::from_conf(config.build())
}

impl LambdaBackend {
    pub fn new(function: String, client: Client) -> Self {
        Self { function, client }
    }

    pub async fn send(&self, outgoing: &Outgoing<'_>, notes: &Notes) -> Result<BackendAnswer<Bytes>, Failure> {
        let note = |what: &str| notes.cause(&format!("{}: {what}", self.function));
        let event = event::for_function(outgoing).map_err(|_| {
            note("not asked: the event cannot be written anew");
            Failure::BackendUnreachable
        })?;
        if event.len() > limits::LAMBDA_PAYLOAD {
            return Err(Failure::RequestTooLarge);
        }
        let event = Blob::new(event);
        let again = is_idempotent(&outgoing.request.method).then(|| event.clone());
        let mut output = self.invoke(event).await;
        if let (Err(error @ SdkError::DispatchFailure(_)), Some(event)) = (&output, again) {
            note(&format!("{}; asked once more", causes(error)));
            output = self.invoke(event).await;
        }
        let output = output.map_err(|error| {
            note(&causes(&error));
            failure(&error)
        })?;
        if output.function_error().is_some() {
            note("the function ended in an error");
            return Err(Failure::BackendAnswerInvalid);
        }
        let payload = output.payload().map(AsRef::as_ref).unwrap_or_default();
        answer::parse(payload, outgoing.request.format).map_err(|what| {
            note(&what);
            Failure::BackendAnswerInvalid
        })
    }

    async fn invoke(&self, event: Blob) -> Result<InvokeOutput, SdkError<InvokeError>> {
        self.client.invoke().function_name(&self.function).payload(event).send().await
    }
}

fn failure(error: &SdkError<InvokeError>) -> Failure {
    match error {
        SdkError::ServiceError(answered) if answered.err().is_request_too_large_exception() => Failure::RequestTooLarge,
        SdkError::ResponseError(_) => Failure::BackendAnswerInvalid,
        _ => Failure::BackendUnreachable,
    }
}
