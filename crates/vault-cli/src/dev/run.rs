//! `dev`, `dev status`, `dev stop`.

use super::layout::Layout;
use super::{Progress, Stack, control};
use crate::cli::{DevArgs, DevCommand, OutputFormat};
use crate::config::Config;
use crate::context::{Context, usage};
use crate::output::{Human, Output};
use crate::signals;
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use vault_client::Result;

pub(crate) async fn run(context: &Context, args: DevArgs) -> Result<Output> {
    match (args.command, args.dir) {
        (Some(DevCommand::Status { dir }), _) => status(&dir, false).await,
        (Some(DevCommand::Stop { dir }), _) => status(&dir, true).await,
        (None, Some(dir)) => serve(context, &dir).await,
        (None, None) => Err(usage("dev needs --dir")),
    }
}

async fn status(dir: &Path, stop: bool) -> Result<Output> {
    let layout = Layout::existing(dir)?;
    let mut answer = control::ask(&layout, stop).await?;
    let state = if stop { "stopping" } else { "running" };
    if let Some(object) = answer.as_object_mut() {
        object.insert("state".into(), json!(state));
    }
    let human = Human::Fields(vec![
        ("state", state.to_owned()),
        ("endpoint", member(&answer, "endpoint")),
        ("vault", member(&answer, "vault_id")),
    ]);
    Ok(Output::new(answer, human))
}

fn member(value: &Value, name: &str) -> String {
    value
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// Runs until a signal, `dev stop`, or a child that ends by itself.
async fn serve(context: &Context, dir: &Path) -> Result<Output> {
    let layout = Layout::prepare(dir)?;
    let _lock = layout.lock()?;
    let listener = control::listen(&layout)?;
    let progress = Progress::new(&context.global);
    let started = tokio::select! {
        stack = Stack::start(layout.clone(), &progress) => Some(stack?),
        () = signals::stop() => None,
    };
    drop(progress);
    let Some(mut stack) = started else {
        return Ok(ended());
    };
    let status = describe(&layout)?;
    announce(context.global.output, &layout, &status);
    let broken = tokio::select! {
        () = signals::stop() => None,
        () = control::serve(&listener, &status) => None,
        broken = stack.broken() => Some(broken),
    };
    stack.stop().await;
    match broken {
        None => Ok(ended()),
        Some(what) => Err(super::failed(format_args!(
            "{what}; what it said is in {}",
            layout.file("logs").display()
        ))),
    }
}

fn ended() -> Output {
    Output {
        stdout_taken: true,
        ..Output::new(Value::Null, Human::Silent)
    }
}

fn describe(layout: &Layout) -> Result<Value> {
    let config = Config::load(Some(&layout.config()))?;
    let vault = config.vaults.first();
    Ok(json!({
        "simulated": true,
        "dir": layout.dir(),
        "env": layout.file("env"),
        "endpoint": vault.map(|vault| &vault.endpoint),
        "vault_id": vault.map(|vault| &vault.vault_id),
        "profiles": config.profiles.keys().collect::<Vec<_>>(),
        "pid": std::process::id(),
    }))
}

fn announce(format: OutputFormat, layout: &Layout, status: &Value) {
    let env = layout.file("env");
    let env = env.display();
    let text = match format {
        OutputFormat::Json => status.to_string(),
        OutputFormat::Table => format!(
            "SIMULATED: a vault over a software TEE. It protects NOTHING; use it to develop.\n\
             \n  vault    {} at {}\n  profiles {}\n\
             \nIn another shell:\n\n  . {env}\n  evault key create --type p256 --name release\n\
             \nRuns until Ctrl-C, or: evault dev stop --dir {}",
            member(status, "vault_id"),
            member(status, "endpoint"),
            "owner, other-owner, auditor, stranger",
            layout.dir().display(),
        ),
    };
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}
