//! `evault`: owner, auditor and operator commands.

mod approval_file;
mod aside;
mod asked;
mod cli;
mod client_key;
mod commands;
mod config;
mod context;
#[cfg(feature = "dev")]
mod demo;
#[cfg(feature = "dev")]
mod dev;
mod exit;
mod files;
mod fleet;
mod inputs;
mod interruptible;
mod key_ref;
mod manager_source;
mod output;
mod outputs;
mod pem;
mod place;
mod policy_source;
mod policy_text;
mod signals;
mod temporary;
mod time_text;
mod waiting;

use clap::Parser;
use cli::{AuditCommand, Cli, Command, OutputFormat};
use exit::Exit;
use output::Output;
use std::process::ExitCode;
use vault_client::{Error, ErrorCode, Result};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error).into(),
    };
    let format = cli.global.output;
    let exit = run(cli).unwrap_or_else(|error| cut_short(format, error));
    exit.into()
}

/// What is left behind may hold stderr, or the pipe that it is, and goes on until the process ends.
fn cut_short(format: OutputFormat, error: Error) -> Exit {
    let exit = error.code.into();
    interruptible::briefly(move || {
        temporary::remove_all();
        output::print_error(format, &error);
    });
    exit
}

fn failed(format: OutputFormat, error: &Error) -> Exit {
    output::print_error(format, error);
    error.code.into()
}

/// Help and version are no mistakes, and go to stdout.
fn misused(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Done;
    }
    if wants_json() {
        let error = context::usage(in_one_line(&error.to_string())).next("evault help");
        output::print_error(OutputFormat::Json, &error);
    } else {
        let _ = error.print();
    }
    Exit::Usage
}

/// Up to the empty line, behind which is how it is done right.
fn in_one_line(text: &str) -> String {
    let lines = text.lines().map(str::trim);
    let said: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    said.join(" ").trim_start_matches("error: ").to_owned()
}

/// What the command line asks for, although it does not parse.
fn wants_json() -> bool {
    let words: Vec<_> = std::env::args().collect();
    let flag = words.windows(2).any(|pair| pair == ["--output", "json"]);
    let joined = words.iter().any(|word| word == "--output=json");
    flag || joined || std::env::var("EVAULT_OUTPUT").is_ok_and(|value| value == "json")
}

fn finish(format: OutputFormat, outcome: Result<Output>) -> Exit {
    let output = match outcome {
        Ok(output) => output,
        Err(error) => return failed(format, &error),
    };
    match output.print(format) {
        Ok(()) => output.exit,
        // Whoever read the other end has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => output.exit,
        Err(_) => Exit::Internal,
    }
}

fn run(cli: Cli) -> Result<Exit> {
    let runtime = runtime().map_err(|error| Error::new(ErrorCode::Internal).detail(error))?;
    let format = cli.global.output;
    if !ends_itself(&cli.command) {
        let follows = matches!(cli.command, Command::Audit(AuditCommand::Follow(_)));
        let work = async move || finish(format, commands::run(cli).await);
        return match follows {
            true => Ok(interruptible::run_to_its_end(runtime, work)?.unwrap_or(Exit::Done)),
            false => interruptible::run(runtime, work),
        };
    }
    let outcome = runtime.block_on(commands::run(cli));
    // A thread that waits on stdin must not keep the process.
    runtime.shutdown_background();
    Ok(finish(format, outcome))
}

/// A vault may run in this process.
#[cfg(feature = "dev")]
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    vault_server::runtime()
}

#[cfg(not(feature = "dev"))]
fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new()
}

/// Commands for which a signal is the way to end, and that are waited for.
fn ends_itself(command: &Command) -> bool {
    match command {
        #[cfg(feature = "dev")]
        Command::Dev(_)
        | Command::VaultChild(_)
        | Command::IssuerChild(_)
        | Command::RegistryChild(_)
        | Command::RelayChild(_) => true,
        _ => false,
    }
}
