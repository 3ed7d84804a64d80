//! `demo`: the whole story on this machine, with real processes and real calls. Each step is done
//! by this very program as a child, the way a person would do it, and checked from outside.

mod approvals;
mod facts;
mod liars;
mod openssl;
mod promotion;
mod put_back;
mod report;
mod secrets;
mod shares;
mod shell;
mod steps;
mod thief;

pub(crate) use shares::shares_child;
pub(crate) use thief::thief_child;

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
    let mut shell = Shell::new(&layout)?;
    let starting = Stack::start(layout, Wanted::default(), report.progress());
    let Some(mut stack) = report.start(starting).await else {
        return Ok(false);
    };
    shell.settle(stack.vault_id(steps::HOME)?);
    let (shell, facts) = (&shell, &mut facts);
    let done = owners(report, shell, facts).await
        && enclaves(report, shell, facts).await
        && approvals(report, shell, facts).await
        && new_build(report, &stack, shell, facts).await
        && crash(report, &mut stack, shell, facts).await
        && secret(report, &mut stack, shell, facts).await
        && stolen(report, &stack, shell, facts).await
        && registries(report, &stack, shell, facts).await;
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

/// A key that signs only what a manager has approved.
async fn approvals(report: &Report, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "manager",
            "a key that a manager guards",
            approvals::create(shell, facts),
        )
        .await
        && report
            .step(
                "unapproved",
                "the owner signs alone",
                approvals::unapproved(shell, facts),
            )
            .await
        && report
            .step(
                "approve",
                "the manager approves",
                approvals::approve(shell, facts),
            )
            .await
        && report
            .step("approved", "the owner signs", approvals::sign(shell, facts))
            .await
        && report
            .step(
                "once",
                "the approval is used again",
                approvals::again(shell, facts),
            )
            .await
}

/// A caller's code changes: nobody but owner and manager together can let it in.
async fn new_build(report: &Report, stack: &Stack, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "everywhere",
            "a key on every vault",
            promotion::create(shell, stack, facts),
        )
        .await
        && report
            .step(
                "new-build",
                "the caller's new build asks",
                promotion::refused(shell, stack, facts),
            )
            .await
        && report
            .step(
                "stage",
                "the new build is proposed",
                promotion::stage(shell, stack, facts),
            )
            .await
        && report
            .step(
                "promote",
                "owner and manager promote it",
                promotion::promote(shell, facts),
            )
            .await
        && report
            .step(
                "both-builds",
                "both builds ask",
                promotion::both(shell, stack, facts),
            )
            .await
        && report
            .step(
                "remove",
                "the new build is removed",
                promotion::remove(shell, stack, facts),
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
        && report
            .step(
                "put-back",
                "an old disk is put back",
                put_back::put_back(shell, stack, facts),
            )
            .await
        && report
            .step(
                "outside-auditor",
                "an auditor elsewhere looks",
                put_back::auditor(shell, facts),
            )
            .await
        && report
            .step(
                "right-disk",
                "the right disk is put back",
                put_back::right_disk(shell, stack, facts),
            )
            .await
}

/// A secret that no vault holds, and that outlives vaults.
async fn secret(report: &Report, stack: &mut Stack, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step(
            "split",
            "a secret is split",
            secrets::split(shell, stack, facts),
        )
        .await
        && report
            .step(
                "bearer",
                "a bearer token asks",
                secrets::bearer(shell, facts),
            )
            .await
        && report
            .step(
                "two-away",
                "two vaults are killed",
                secrets::two_down(shell, stack, facts),
            )
            .await
        && report
            .step(
                "two-back",
                "they come back",
                secrets::back(shell, stack, facts),
            )
            .await
        && report
            .step(
                "wrong-share",
                "a share is damaged",
                secrets::damaged(shell, stack, facts),
            )
            .await
}

/// Shares that were stolen, and what a refresh makes of them.
async fn stolen(report: &Report, stack: &Stack, shell: &Shell, facts: &mut Facts) -> bool {
    report
        .step("stolen", "shares are stolen", secrets::steal(shell, facts))
        .await
        && report
            .step(
                "refresh",
                "the secret is shared anew",
                secrets::refresh(shell, stack, facts),
            )
            .await
        && report
            .step(
                "worthless",
                "the thief tries",
                secrets::useless(shell, facts),
            )
            .await
        && report
            .step(
                "gone",
                "the old shares are asked for",
                secrets::gone(shell, facts),
            )
            .await
}

/// Registries that lie: nobody ends at a wrong vault.
async fn registries(report: &Report, stack: &Stack, shell: &Shell, facts: &Facts) -> bool {
    let out = facts.secret_path("seed.hidden");
    report
        .step(
            "lie-wrong",
            "a registry names a stranger",
            liars::wrong(shell, stack),
        )
        .await
        && report
            .step(
                "lie-swapped",
                "a registry swaps two vaults",
                liars::swapped(shell, stack),
            )
            .await
        && report
            .step(
                "lie-hidden",
                "a registry hides two vaults",
                liars::hidden(shell, stack, secrets::SECRET, &out),
            )
            .await
        && report
            .step(
                "lie-old",
                "a registry repeats what was",
                liars::old(shell, stack, &facts.before),
            )
            .await
}
