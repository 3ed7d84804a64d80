//! Every fuzz target for a bounded time.

use crate::run;
use anyhow::{Result, bail};
use std::path::Path;
use std::process::Command;

const DEFAULT_SECONDS: u32 = 30;

pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let seconds = match arguments {
        [] => DEFAULT_SECONDS,
        [seconds] => seconds.parse()?,
        _ => bail!("usage: cargo xtask fuzz [SECONDS]"),
    };
    let Ok(names) = run::output(&mut nightly(root, &["list"])) else {
        bail!(
            "needs nightly and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz"
        );
    };
    let limit = format!("-max_total_time={seconds}");
    for target in String::from_utf8(names)?.split_whitespace() {
        println!("fuzz: {target} for {seconds} s");
        run::checked(&mut nightly(root, &["run", target, "--", &limit]))?;
    }
    Ok(())
}

/// A `+toolchain` is understood by the proxy in PATH, not by the cargo that runs this.
fn nightly(root: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command
        .args(["+nightly", "fuzz"])
        .args(arguments)
        .current_dir(root);
    command.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    command
}
