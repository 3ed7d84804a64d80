//! A host puts an earlier copy of a vault's folder back.

use super::facts::Facts;
use super::report::Told;
use super::shell::{Ended, Shell, text};
use super::steps::{HOME, sign_to};
use crate::config::Config;
use crate::dev::Stack;
use crate::files;
use serde_json::Value;
use std::path::Path;

/// Signatures that the copy knows nothing of.
const LATER: usize = 3;
/// The copy, the folder as it should be, and what an auditor has kept of it.
const EARLIER: &str = "earlier";
const NEWEST: &str = "newest";
const CHECKPOINT: &str = "checkpoint-kept";

/// The next call of a client that has used the vault since is told.
pub(super) async fn put_back(shell: &Shell, stack: &mut Stack, facts: &mut Facts) -> Told {
    let data = shell.layout().vault(HOME).join("data");
    let (earlier, newest) = (facts.file(EARLIER), facts.file(NEWEST));
    copy(&data, &earlier)?;
    for _ in 0..LATER {
        sign_to(shell, facts, "message-later.sig").await?;
    }
    let (log, kept) = (facts.path("log.export"), facts.path(CHECKPOINT));
    let export = ["audit", "export", "--out", &log, "--checkpoint", &kept];
    shell.done("auditor", &export).await?;
    exchange(stack, &data, Some(&newest), &earlier).await?;

    let arguments = ["key", "sign", &facts.handle, "--in", &facts.path("message")];
    let caught = shell.evault("owner", &arguments).await?;
    let (seen, answered) = heads(&caught, &arguments)?;
    let verify = ["audit", "verify", "--evidence", caught.error("evidence")];
    facts.evidence = text(&shell.done("auditor", &verify).await?, "id")?;
    Ok(format!(
        "the next call ends with exit code 6: {seen} entries were seen, {answered} are shown; both \
         signed heads are kept as evidence"
    ))
}

/// Somebody who has never called the vault, and has nothing but a checkpoint.
pub(super) async fn auditor(shell: &Shell, facts: &Facts) -> Told {
    let config = facts.secret("auditor.toml");
    write_config(shell, &config, &facts.secret("auditor"))?;
    let since = facts.path(CHECKPOINT);
    let arguments = ["audit", "verify", "--since", &since];
    let caught = shell.elsewhere(&config, "auditor", &arguments).await?;
    let (kept, answered) = heads(&caught, &arguments)?;
    let verify = ["audit", "verify", "--evidence", caught.error("evidence")];
    let proves = text(&shell.done("auditor", &verify).await?, "proves")?;
    Ok(format!(
        "who has kept nothing but a checkpoint of {kept} entries is shown {answered}: exit code 6, \
         and evidence of its own ({proves})"
    ))
}

/// With the right folder a person lets the vault be used again, and nobody else does.
pub(super) async fn right_disk(shell: &Shell, stack: &mut Stack, facts: &Facts) -> Told {
    let data = shell.layout().vault(HOME).join("data");
    let (earlier, newest) = (facts.file(EARLIER), facts.file(NEWEST));
    exchange(stack, &data, None, &newest).await?;
    let arguments = ["key", "sign", &facts.handle, "--in", &facts.path("message")];
    let stopped = shell.evault("owner", &arguments).await?;
    if stopped.code != 6 {
        return Err("a vault with evidence against it is used as if nothing had been".to_owned());
    }
    let acknowledge = ["vault", "evidence", "acknowledge", &facts.evidence];
    let decided = [&acknowledge[..], &["--go-on-with", "seen"]].concat();
    shell.done("owner", &decided).await?;
    shell.done("owner", &arguments).await?;
    for copy in [earlier, newest] {
        std::fs::remove_dir_all(copy).map_err(|error| error.to_string())?;
    }
    Ok("the vault is used again when its disk is right, and a person has said so".to_owned())
}

/// The sizes of the two heads that a call was told of.
fn heads(caught: &Ended, arguments: &[&str]) -> Result<(u64, u64), String> {
    if caught.code != 6 || caught.error("code") != "rollback_detected" {
        return Err(caught.complain(arguments));
    }
    let size = |head: &str| {
        let head = caught.error_object().and_then(|error| error.get(head));
        let size = head.and_then(|head| head.get("size"));
        size.and_then(Value::as_u64).ok_or("a head is not named")
    };
    Ok((size("seen")?, size("answered")?))
}

/// The configuration of `dev`, with another memory.
fn write_config(shell: &Shell, path: &Path, memory: &Path) -> Result<(), String> {
    let message = |error: vault_client::Error| error.message();
    let mut config = Config::load(Some(&shell.layout().config())).map_err(message)?;
    config.state_dir = Some(memory.to_owned());
    let text = toml::to_string(&config).map_err(|error| error.to_string())?;
    files::write(path, text.as_bytes()).map_err(message)
}

/// Kills the vault, keeps its folder where that is wanted, and starts it over another one.
async fn exchange(
    stack: &mut Stack,
    data: &Path,
    keep: Option<&Path>,
    other: &Path,
) -> Result<(), String> {
    stack
        .kill_vault(HOME)
        .await
        .map_err(|error| error.message())?;
    if let Some(keep) = keep {
        copy(data, keep)?;
    }
    std::fs::remove_dir_all(data).map_err(|error| error.to_string())?;
    copy(other, data)?;
    stack
        .start_vault(HOME)
        .await
        .map_err(|error| error.message())
}

/// A vault's folder holds files only.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let copied = || -> std::io::Result<()> {
        std::fs::create_dir_all(to)?;
        for entry in std::fs::read_dir(from)? {
            let entry = entry?;
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
        Ok(())
    };
    copied().map_err(|error| format!("{}: {error}", from.display()))
}
