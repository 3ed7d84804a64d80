//! `completion`

use crate::cli::Cli;
use crate::output::{Human, Output};
use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;
use vault_client::Result;

pub(crate) fn run(shell: Shell) -> Result<Output> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "evault", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Ok(Output::new(
        json!({ "script": script }),
        Human::Text(script),
    ))
}
