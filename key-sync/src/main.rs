//! Wiring only: the environment, the clock and the Lambda runtime.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use countersign_decision::lifetimes::Lifetimes;
use countersign_decision::time::Timestamp;
use countersign_key_sync::config::Config;
use countersign_key_sync::handler::{self, Done};
use countersign_key_sync::start::{self, KeySync};
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = match Config::read(|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("key-sync cannot start:\n{problems}");
            return ExitCode::FAILURE;
        }
    };
    let key_sync = Arc::new(KeySync::new(config, &start::aws().await, Lifetimes::DEFAULT, now));
    let runtime = Runtime::new(service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let key_sync = Arc::clone(&key_sync);
        async move {
            let deadline = Timestamp::from_millis(event.context.deadline);
            let left = deadline.since(now());
            reply(handler::handle(&key_sync, event.payload.get(), &event.context.request_id, left).await)
        }
    }));
    match runtime.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Lines that cannot be written are lost; what was done is not.
fn reply(done: Done) -> Result<Value, Diagnostic> {
    let _ = std::io::stdout().lock().write_all(done.lines.as_bytes());
    done.answer.map_err(|error| Diagnostic { error_type: error.code.name().to_owned(), error_message: error.message })
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
