//! The Lambda runtime's loop: one event in, one answer out.
//!
//! Refuses to know the environment: `main` has read the configuration.

mod streaming;

use std::sync::Arc;

use countersign_decision::time::Timestamp;
use countersign_function::clock::now;
use lambda_runtime::tower::layer::layer_fn;
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use serde_json::value::RawValue;

use self::streaming::Streaming;
use crate::answer::ResponseMode;
use crate::config::Config;
use crate::event::Unreadable;
use crate::handler::Invocation;
use crate::start;

/// Starts a forwarder and answers until the runtime ends.
///
/// # Errors
/// If the runtime itself cannot go on; no request ends it.
pub async fn serve(config: Config) -> Result<(), Error> {
    let mode = config.response;
    let (forwarder, noted) = start::forwarder(config, now()).await;
    for cause in noted.causes {
        eprintln!("not loaded before the first request: {cause}");
    }
    let forwarder = Arc::new(forwarder);
    let shared = Arc::clone(&forwarder);
    let runtime = Runtime::new(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let forwarder = Arc::clone(&forwarder);
        async move {
            let ends = Timestamp::from_millis(event.context.deadline);
            let invocation = Invocation { id: &event.context.request_id, now: now(), ends };
            forwarder.answer(event.payload.get(), &invocation).await.map_err(|_| error(Unreadable::CODE))
        }
    }));
    match mode {
        ResponseMode::Buffered => runtime.run().await,
        ResponseMode::Stream => {
            // Instead of the service that answers whole, not around it.
            let streaming = Streaming::new(shared);
            runtime.layer(layer_fn(|_| streaming.clone())).run().await
        }
    }
}

/// Why is in the log: an event's error message may reach whoever sent the event.
fn error(code: &str) -> Diagnostic {
    Diagnostic { error_type: "Fault".to_owned(), error_message: code.to_owned() }
}
