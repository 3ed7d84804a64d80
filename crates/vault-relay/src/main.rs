//! `evault-relay CONFIG`: a relay, until it is interrupted or told to end.

use anyhow::Context;
use std::path::Path;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use vault_relay::RelayConfig;

const USAGE: &str = "usage: evault-relay CONFIG";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--version"] => {
            println!("evault-relay {}", env!("CARGO_PKG_VERSION"));
            Ok(())
        }
        [file] if !file.starts_with('-') => start(Path::new(file)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("evault-relay: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(file: &Path) -> anyhow::Result<()> {
    let config = RelayConfig::load(file).with_context(|| file.display().to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (mut term, mut int) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let told = async move {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
        };
        vault_relay::run(config, told).await
    })
}
