//! A function's process: it starts with a configuration or says what is wrong with it, and ends with
//! the Lambda runtime.

use std::process::ExitCode;

use lambda_runtime::Error;

/// What `main` comes to. `who` names the function in what it says on standard error.
pub async fn run<C>(who: &str, config: Result<C, String>, serve: impl AsyncFnOnce(C) -> Result<(), Error>) -> ExitCode {
    let config = match config {
        Ok(config) => config,
        Err(problems) => {
            eprintln!("{who} cannot start:\n{problems}");
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
