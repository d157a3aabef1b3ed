//! Wiring only: the environment and the end of the process.

use std::process::ExitCode;

use countersign_forwarder::config::Config;
use countersign_forwarder::serve::serve;
use countersign_function::process;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    process::run("the forwarder", Config::read(|name| std::env::var(name).ok()), serve).await
}
