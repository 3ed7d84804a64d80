//! A vault under load, killed and started again and again, for a bounded time.

use crate::run;
use anyhow::Result;
use std::path::Path;

/// Builds the release programs and lets `vault-soak` work; ten minutes, if nothing else is said.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let package = ["--release", "--locked", "--package", "vault-test"];
    let build = [&["cargo", "build"], &package[..], &["--bins"]].concat();
    run::checked(&mut run::command(root, &build))?;
    let start = [
        &["cargo", "run"],
        &package[..],
        &["--bin", "vault-soak", "--"],
    ]
    .concat();
    let mut start: Vec<&str> = start;
    start.extend(arguments.iter().map(String::as_str));
    run::checked(&mut run::command(root, &start))
}
