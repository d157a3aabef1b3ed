//! Wiring only: the environment and the end of the process.

use std::process::ExitCode;

use countersign_authorizer::config::Config;
use countersign_authorizer::serve::serve;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = match Config::read(|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("the authorizer cannot start:\n{problems}");
            return ExitCode::FAILURE;
        }
    };
    match serve(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
