//! Wiring only: the environment, the clock and the Lambda runtime.

use std::process::ExitCode;
use std::sync::Arc;

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_function::clock::now;
use countersign_function::{aws, journal, process};
use countersign_key_sync::config::Config;
use countersign_key_sync::handler::{self, Done};
use countersign_key_sync::start::{KeySync, PATIENCE};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::read(|name| std::env::var(name).ok());
    process::run("key-sync", config, serve).await
}

async fn serve(config: Config) -> Result<(), Error> {
    let aws = aws::config(PATIENCE).await;
    let key_sync = Arc::new(KeySync::new(config, &aws, Lifetimes::DEFAULT, now));
    let runtime = Runtime::new(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let key_sync = Arc::clone(&key_sync);
        async move {
            let deadline = Timestamp::from_millis(event.context.deadline);
            let left = deadline.since(now());
            reply(handler::handle(&key_sync, event.payload.get(), &event.context.request_id, left).await)
        }
    }));
    runtime.run().await
}

fn reply(done: Done) -> Result<Value, Diagnostic> {
    journal::write(&done.lines);
    done.answer.map_err(|error| Diagnostic { error_type: error.code.name().to_owned(), error_message: error.message })
}
