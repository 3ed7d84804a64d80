//! Signatures per server core, as a share of `openssl speed`, in the same run.

use crate::run;
use anyhow::Result;
use std::path::Path;

/// Builds the release programs and lets `vault-bench` measure: it starts the server in a
/// process of its own and drives it over loopback.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let mut line = vec![
        "cargo",
        "run",
        "--release",
        "--locked",
        "--package",
        "vault-test",
        "--bin",
        "vault-bench",
        "--",
    ];
    line.extend(arguments.iter().map(String::as_str));
    run::checked(&mut run::command(root, &line))
}
