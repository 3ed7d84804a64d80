//! `sim-vault [identity] CONFIG SIM [MACHINE [MEASUREMENT]]`: a vault on a SIMULATED platform of the folder
//! SIM, by default machine `one` and measurement `sim-vault`, which are names. It ends when its
//! stdin is closed, so that it never outlives the test that started it. With `identity` it says
//! which vault it is, and ends. `SIM_VAULT_CLOCK` is a Unix time at which the host's clock stands.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tee_sim::{SimPlatform, SimRoot, measurement_named};
use vault_server::ServerConfig;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from).peekable();
    let identity = arguments.next_if(|first| first == Path::new("identity"));
    let config = ServerConfig::load(&arguments.next().context("no configuration")?)?;
    let root = SimRoot::open_or_create(&arguments.next().context("no folder of the simulator")?)?;
    let machine = name(arguments.next(), "one")?;
    let measurement = measurement_named(&name(arguments.next(), "sim-vault")?);
    let mut platform = SimPlatform::builder(&root.machine(&machine)?, measurement);
    if let Ok(stopped) = std::env::var("SIM_VAULT_CLOCK") {
        platform = platform.now(stopped.parse()?);
    }
    let platform = platform.build()?;
    if identity.is_some() {
        let fingerprint = vault_server::identity(&config, &platform)?;
        println!("{}", fingerprint.to_json());
        eprint!("{fingerprint}");
        return Ok(());
    }
    let runtime = vault_server::runtime()?;
    runtime.block_on(vault_server::run(
        config,
        Arc::new(platform),
        closed_stdin(),
    ))
}

fn name(argument: Option<PathBuf>, default: &str) -> Result<String> {
    let Some(argument) = argument else {
        return Ok(default.to_owned());
    };
    let name = argument.to_str().context("a name is not UTF-8")?;
    Ok(name.to_owned())
}

/// A thread of its own: a read of stdin cannot be cancelled.
async fn closed_stdin() {
    let (closed, told) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        drop(closed);
    });
    let _ = told.await;
}
