//! `evaultd`: a vault on the machine's TEE.

use anyhow::{Context, bail};
use std::path::Path;
use std::process::ExitCode;
use vault_server::ServerConfig;

const USAGE: &str =
    "usage: evaultd --config FILE | evaultd check-config FILE | evaultd identity FILE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--config", file] => start(Path::new(file)),
        ["check-config", file] => check(Path::new(file)),
        ["identity", file] => identity(Path::new(file)),
        ["--version"] => {
            println!("evaultd {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evaultd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Says what the file's certificates and settings come to: the trust root is what governance signs.
fn check(file: &Path) -> anyhow::Result<()> {
    let config = load(file)?;
    let roots = vault_server::config_roots(&config)?;
    println!("{}: good", file.display());
    println!("trust root        {}", roots.trust);
    println!("operational root  {}", roots.operational);
    Ok(())
}

fn load(file: &Path) -> anyhow::Result<ServerConfig> {
    ServerConfig::load(file).with_context(|| file.display().to_string())
}

fn start(file: &Path) -> anyhow::Result<()> {
    load(file)?;
    match platform()? {}
}

/// Which vault the folder holds: a line of JSON for `evault constellation init`, and the same for
/// people on stderr.
fn identity(file: &Path) -> anyhow::Result<()> {
    load(file)?;
    match platform()? {}
}

/// Backends are crates of their own; this build has none.
fn platform() -> anyhow::Result<std::convert::Infallible> {
    bail!(
        "this build has no TEE backend, and a vault without one protects nothing; \
         for development use `evault dev`, which runs a vault on the software TEE"
    )
}
