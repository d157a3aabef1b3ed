//! Wiring only: the environment and the end of the process.

use std::process::ExitCode;

use countersign_authorizer::config::Config;
use countersign_authorizer::serve::serve;
use countersign_function::process;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let config = Config::read(|name| std::env::var(name).ok());
    process::run("the authorizer", config, serve).await
}
