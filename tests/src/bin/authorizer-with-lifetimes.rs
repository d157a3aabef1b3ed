//! The authorizer as it is, but for its own waits, which are a hundred times as short. The one that is
//! deployed cannot be told to.

use std::process::ExitCode;

use countersign_authorizer::config::Config;
use countersign_authorizer::serve::serve;
use countersign_tests::lifetimes;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut config = match Config::read(|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("the authorizer cannot start:\n{problems}");
            return ExitCode::FAILURE;
        }
    };
    config.rules.lifetimes = lifetimes::scaled();
    match serve(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the Lambda runtime ended: {error}");
            ExitCode::FAILURE
        }
    }
}
