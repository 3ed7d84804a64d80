//! A host puts an earlier copy of a vault's folder back.

use super::facts::Facts;
use super::report::Told;
use super::shell::{Shell, text};
use super::steps::{HOME, sign_to};
use crate::dev::Stack;
use serde_json::Value;
use std::path::Path;

/// Signatures that the copy knows nothing of.
const LATER: usize = 3;

/// The copy is caught, nothing is asked of the vault any more, and with the right folder a person
/// lets it go on.
pub(super) async fn put_back(shell: &Shell, stack: &mut Stack, facts: &Facts) -> Told {
    let data = shell.layout().vault(HOME).join("data");
    let (earlier, newest) = (facts.file("earlier"), facts.file("newest"));
    copy(&data, &earlier)?;
    for _ in 0..LATER {
        sign_to(shell, facts, "message-later.sig").await?;
    }
    exchange(stack, &data, Some(&newest), &earlier).await?;
    let arguments = ["key", "sign", &facts.handle, "--in", &facts.path("message")];
    let caught = shell.evault("owner", &arguments).await?;
    if caught.code != 6 || caught.error("code") != "rollback_detected" {
        return Err(caught.complain(&arguments));
    }
    let size = |head: &str| {
        let size = caught
            .error_object()
            .and_then(|error| error.get(head)?.get("size"));
        size.and_then(Value::as_u64).ok_or("a head is not named")
    };
    let (seen, answered) = (size("seen")?, size("answered")?);
    let evidence = caught.error("evidence").to_owned();
    let verify = ["audit", "verify", "--evidence", &evidence];
    let id = text(&shell.done("auditor", &verify).await?, "id")?;

    exchange(stack, &data, None, &newest).await?;
    let stopped = shell.evault("owner", &arguments).await?;
    if stopped.code != 6 {
        return Err("a vault with evidence against it is used as if nothing had been".to_owned());
    }
    let decided = [
        "vault",
        "evidence",
        "acknowledge",
        &id,
        "--go-on-with",
        "seen",
    ];
    shell.done("owner", &decided).await?;
    shell.done("owner", &arguments).await?;
    for copy in [earlier, newest] {
        std::fs::remove_dir_all(copy).map_err(|error| error.to_string())?;
    }
    Ok(format!(
        "the next call ends with exit code 6: {seen} entries were seen, {answered} are shown; \
         evidence is kept, and the vault is not used until its folder is right and a person says so"
    ))
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
