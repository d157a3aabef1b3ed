//! Wiring only: the environment and the end of the process.

use std::process::ExitCode;

fn main() -> ExitCode {
    eprintln!("the forwarder cannot start:\nnothing is served yet");
    ExitCode::FAILURE
}
