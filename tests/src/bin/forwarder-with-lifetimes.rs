//! The forwarder as it is, but for its own waits, which are a hundred times as short. The one that is
//! deployed cannot be told to.

use std::process::ExitCode;

use countersign_forwarder::config::Config;
use countersign_forwarder::serve::serve;
use countersign_function::process;
use countersign_tests::lifetimes;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut config = Config::read(|name| std::env::var(name).ok());
    if let Ok(config) = &mut config {
        config.lifetimes = lifetimes::scaled();
    }
    process::run("the forwarder", config, serve).await
}
