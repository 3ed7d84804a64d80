//! `dev` itself: starts a constellation and keeps it until it is told to stop.

use super::layout::{CLIENTS, Layout};
use super::plan::Wanted;
use super::{Progress, Stack, control, reset, status};
use crate::cli::{DevArgs, DevCommand, OutputFormat};
use crate::context::{Context, usage};
use crate::output::{Human, Output};
use crate::signals::Signals;
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: DevArgs) -> Result<Output> {
    let wanted = Wanted {
        vaults: args.vaults,
        threshold: args.threshold,
    };
    match (args.command, args.dir) {
        (Some(DevCommand::Status { dir }), _) => status::status(context, &dir).await,
        (Some(DevCommand::Stop { dir }), _) => status::stop(&dir).await,
        (Some(DevCommand::Reset { dir, yes }), _) => reset::run(&dir, yes),
        (None, Some(dir)) => serve(context, &dir, wanted).await,
        (None, None) => Err(usage("dev needs --dir")),
    }
}

/// Runs until a signal or `dev stop`. A child that ends by itself is reported; the others go on.
async fn serve(context: &Context, dir: &Path, wanted: Wanted) -> Result<Output> {
    let mut signals = Signals::listen();
    let layout = Layout::prepare(dir)?;
    let _lock = layout.lock()?;
    let listener = control::listen(&layout)?;
    let progress = Progress::new(&context.global);
    let started = tokio::select! {
        stack = Stack::start(layout.clone(), wanted, &progress) => Some(stack?),
        () = signals.stop() => None,
    };
    drop(progress);
    let Some(mut stack) = started else {
        return Ok(ended());
    };
    let board = Arc::new(Mutex::new(stack.describe()));
    announce(context.global.output, &layout, &stack.describe());
    let asked = control::serve(&listener, &board);
    let signalled = signals.stop();
    tokio::pin!(asked, signalled);
    loop {
        tokio::select! {
            () = &mut signalled => break,
            () = &mut asked => break,
            (name, how) = stack.ended() => {
                report(&layout, &name, &how);
                *board.lock().unwrap_or_else(PoisonError::into_inner) = stack.describe();
            }
        }
    }
    stack.stop().await;
    Ok(ended())
}

/// On stderr, whatever the format: stdout has one line, and that was said.
fn report(layout: &Layout, name: &str, how: &str) {
    let logs = layout.file("logs");
    let _ = writeln!(
        std::io::stderr(),
        "{name} ended by itself: {how}; what it said is in {}. The others go on.",
        logs.display()
    );
}

fn ended() -> Output {
    Output {
        stdout_taken: true,
        ..Output::new(Value::Null, Human::Silent)
    }
}

fn announce(format: OutputFormat, layout: &Layout, status: &Value) {
    let text = match format {
        OutputFormat::Json => status.to_string(),
        OutputFormat::Table => story(layout, status),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn story(layout: &Layout, status: &Value) -> String {
    let mut children = String::new();
    let mut vaults = 0;
    for child in status::rows(status) {
        let status::Row {
            name,
            endpoint,
            vault,
            ..
        } = child;
        children.push_str(&format!("  {name:<9} {endpoint:<24} {vault}\n"));
        vaults += u64::from(!vault.is_empty());
    }
    let threshold = status.get("threshold").and_then(Value::as_u64);
    let split = match threshold.filter(|threshold| *threshold <= vaults) {
        Some(threshold) => format!(
            "  evault secret split backup --in FILE --threshold {threshold} --shares {vaults}\n"
        ),
        None => String::new(),
    };
    let profiles = CLIENTS.map(|(name, _)| name).join(", ");
    let wallet = status
        .get("wallet")
        .and_then(Value::as_str)
        .unwrap_or_default();
    format!(
        "SIMULATED: vaults over a software TEE. They protect NOTHING; use them to develop.\n\
         \n{children}  {:<9} {profiles}\n  {:<9} {wallet}/\n\
         \nIn another shell:\n\n  . {}\n  evault key create --type p256 --name release\n{split}\
         \nRuns until Ctrl-C, or: evault dev stop --dir {}",
        "profiles",
        "wallet",
        layout.file("env").display(),
        layout.dir().display(),
    )
}
