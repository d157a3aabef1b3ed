//! The Lambda runtime's loop: one event in, one decision, one answer out.
//!
//! Refuses to know the environment: `main` has read the configuration.

use std::sync::Arc;

use countersign_function::clock::now;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::config::Config;
use crate::start;

/// Starts an authorizer and answers until the runtime ends.
///
/// # Errors
/// If the runtime itself cannot go on; no decision ends it.
pub async fn serve(config: Config) -> Result<(), Error> {
    let (authorizer, noted) = start::authorizer(config, now()).await;
    for cause in noted.causes {
        eprintln!("not loaded before the first request: {cause}");
    }
    let authorizer = Arc::new(authorizer);
    let runtime = Runtime::new(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let authorizer = Arc::clone(&authorizer);
        async move {
            let invocation = &event.context.request_id;
            reply(authorizer.answer(event.payload.get(), invocation, now()).await)
        }
    }));
    runtime.run().await
}

fn reply(answer: Answer) -> Result<Box<RawValue>, Diagnostic> {
    let error = |error_type: &str, message: &str| Diagnostic {
        error_type: error_type.to_owned(),
        error_message: message.to_owned(),
    };
    match answer {
        Answer::Body(body) => RawValue::from_string(body).map_err(|_| error("Fault", "answer_unwritable")),
        Answer::Unauthorized => Err(error("Refusal", "Unauthorized")),
        Answer::Error(fault) => Err(error("Fault", fault.code())),
    }
}
