//! `policy-diff CASES`: exits with 1 at the first disagreement of the two evaluators.

use std::process::ExitCode;

fn main() -> ExitCode {
    let cases = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(10_000);
    match policy_reference::compare::run(0, cases) {
        Ok(coverage) => {
            print!("{coverage}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}
