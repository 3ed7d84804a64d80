//! `demo`: the whole story on this machine, with real processes and real calls. Each step is done
//! by this very program as a child, the way a person would do it, and checked from outside.

mod facts;
mod openssl;
mod report;
mod shell;
mod steps;

use crate::cli::DemoArgs;
use crate::context::Context;
use crate::dev::{Layout, Stack, Wanted, failed};
use crate::exit::Exit;
use crate::output::{Human, Output};
use facts::Facts;
use report::Report;
use serde_json::Value;
use shell::Shell;
use vault_client::Result;

/// What can be found in the directory of `--keep`.
const KEPT: &str = "message, signatures, public keys, log.export, checkpoints, identity.pem";

pub(crate) async fn run(context: &Context, args: DemoArgs) -> Result<Output> {
    let dir = tempfile::Builder::new()
        .prefix("evault-demo-")
        .tempdir()
        .map_err(failed)?;
    let report = Report::new(&context.global);
    let layout = Layout::prepare(dir.path())?;
    let facts = Facts::prepare(&layout, args.keep.as_deref())?;
    report.begin();
    let done = tell(&report, layout, facts).await?;
    if done && let Some(keep) = &args.keep {
        report.note(&format!("kept in {}: {KEPT}", keep.display()));
    }
    let exit = if done { Exit::Done } else { Exit::Internal };
    let output = Output::new(Value::Null, Human::Silent).exit(exit);
    Ok(Output {
        stdout_taken: true,
        ..output
    })
}

/// Tells every step in order; stops at the first that fails. Whether all went well.
async fn tell(report: &Report, layout: Layout, mut facts: Facts) -> Result<bool> {
    let shell = Shell::new(&layout)?;
    let starting = Stack::start(layout, Wanted::default(), report.progress());
    let Some(mut stack) = report.start(starting).await else {
        return Ok(false);
    };
    let (shell, facts) = (&shell, &mut facts);
    let done = owners(report, shell, facts).await
        && enclaves(report, shell, facts).await
        && crash(report, &mut stack, shell, facts).await;
    stack.stop().await;
    Ok(done
        && report
            .step("offline", "from outside", steps::offline(shell, facts))
            .await)
}

/// A key, its use, and those to whom it does not exist.
async fn owners(report: &Report, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "create",
            "a key under a policy",
            steps::create(shell, facts),
        )
        .await
        && report
            .step("sign", "the owner signs", steps::sign(shell, facts))
            .await
        && report
            .step("openssl", "openssl verifies", steps::openssl(facts))
            .await
        && report
            .step("stranger", "a stranger asks", steps::stranger(shell, facts))
            .await
        && report
            .step(
                "other-owner",
                "another owner asks",
                steps::other(shell, facts),
            )
            .await
}

/// A key that only one build may use.
async fn enclaves(report: &Report, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "guard",
            "a key for one build only",
            steps::guard(shell, facts),
        )
        .await
        && report
            .step(
                "wrong-build",
                "another build asks",
                steps::wrong(shell, facts),
            )
            .await
        && report
            .step(
                "right-build",
                "the right build asks",
                steps::right(shell, facts),
            )
            .await
}

/// Nothing that was answered is lost, and the log says so.
async fn crash(report: &Report, stack: &mut Stack, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "checkpoint",
            "the auditor looks",
            steps::checkpoint(shell, facts),
        )
        .await
        && report.step("kill", "kill -9", steps::kill(stack)).await
        && report
            .step(
                "survives",
                "everything is there",
                steps::survives(shell, facts),
            )
            .await
        && report
            .step(
                "log-grows",
                "the log is longer",
                steps::log_grows(shell, facts),
            )
            .await
}
