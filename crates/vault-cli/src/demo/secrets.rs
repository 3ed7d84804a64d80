//! A secret split over four vaults: away, damaged, stolen, refreshed.

use super::facts::Facts;
use super::liars::{names, place};
use super::report::Told;
use super::shell::{Shell, text};
use super::{openssl, shares};
use crate::dev::Stack;
use serde_json::Value;

/// The name of the secret; no vault sees it.
pub(super) const SECRET: &str = "seed";
/// A second one, of which one share is damaged.
const DAMAGED: &str = "damaged";
/// The vaults that are killed.
const AWAY: [u8; 2] = [3, 4];
/// The vault that keeps a wrong share.
const BROKEN: u8 = 3;

pub(super) async fn split(shell: &Shell, stack: &Stack, facts: &Facts) -> Told {
    let (vaults, threshold) = (
        stack.plan.vaults.to_string(),
        stack.plan.threshold.to_string(),
    );
    let file = facts.secret_path("seed");
    let arguments = [
        "secret",
        "split",
        SECRET,
        "--in",
        &file,
        "--threshold",
        &threshold,
        "--shares",
        &vaults,
    ];
    let split = shell.done("owner", &arguments).await?;
    let stored = split.get("vaults").and_then(Value::as_array);
    let logged = |vault: &&Value| vault.pointer("/receipt/index").is_some_and(Value::is_u64);
    let stored = stored.map_or(0, |vaults| vaults.iter().filter(logged).count());
    if stored != usize::from(stack.plan.vaults) {
        return Err(format!("{stored} vaults confirmed a share"));
    }
    Ok(format!(
        "{threshold} of {vaults}: every vault confirmed one opaque share, as an entry of its log"
    ))
}

/// The owner's own token, as the issuer gives it to whoever does not bind it to a key.
pub(super) async fn bearer(shell: &Shell, facts: &Facts) -> Told {
    let token = openssl::bearer_token(shell.layout()).await?;
    let file = facts.secret_path("bearer-token");
    crate::files::write(file.as_ref(), token.as_bytes()).map_err(|error| error.message())?;
    let config = facts.secret_path("bearer.toml");
    let text = std::fs::read_to_string(shell.layout().config()).map_err(|e| e.to_string())?;
    let text = format!("{text}\n[profiles.bearer]\ntoken_command = [\"cat\", {file:?}]\n");
    crate::files::write(config.as_ref(), text.as_bytes()).map_err(|error| error.message())?;
    let with = ["--config", &config];
    let signs = [&["key", "list"][..], &with].concat();
    shell.done("bearer", &signs).await?;
    let out = facts.secret_path("seed.bearer");
    let asks = [&["secret", "reconstruct", SECRET, "--out", &out][..], &with].concat();
    let refused = shell.evault("bearer", &asks).await?;
    if refused.error("code") != "sender_constraint_required" || facts.secret("seed.bearer").exists()
    {
        return Err(refused.complain(&asks));
    }
    Ok(format!(
        "the owner's token as a plain bearer token lists keys and gets no share: \
         sender_constraint_required, exit code {}",
        refused.code
    ))
}

/// Two are killed; what they would have said is not needed.
pub(super) async fn two_down(shell: &Shell, stack: &mut Stack, facts: &mut Facts) -> Told {
    facts.before = AWAY
        .iter()
        .map(|number| place(stack, *number))
        .collect::<Result<_, _>>()?;
    for number in AWAY {
        stack
            .kill_vault(number)
            .await
            .map_err(|error| error.message())?;
    }
    let (found, code) = reconstruct(shell, facts, SECRET).await?;
    let mut away: Vec<_> = facts
        .before
        .iter()
        .map(|(vault, _)| vault.clone())
        .collect();
    away.sort();
    if code != 10 || names(&found, "missing") != away || names(&found, "used").len() != 2 {
        return Err(format!("exit code {code}: {found}"));
    }
    Ok(
        "vaults 3 and 4 are killed; the other two give the secret, byte for byte; the missing are \
        named, exit code 10"
            .to_owned(),
    )
}

pub(super) async fn back(shell: &Shell, stack: &mut Stack, facts: &Facts) -> Told {
    for number in AWAY {
        stack
            .start_vault(number)
            .await
            .map_err(|error| error.message())?;
    }
    let (found, code) = reconstruct(shell, facts, SECRET).await?;
    if code != 0 || !names(&found, "missing").is_empty() || !names(&found, "wrong").is_empty() {
        return Err(format!("exit code {code}: {found}"));
    }
    Ok(
        "they come back over their folders, at other addresses, and are found; every share is good"
            .to_owned(),
    )
}

/// The share of one vault is not the one that the owner made: it was changed on its way in.
pub(super) async fn damaged(shell: &Shell, stack: &Stack, facts: &Facts) -> Told {
    let broken = stack.vault_id(BROKEN).map_err(|error| error.message())?;
    let (file, threshold) = (facts.secret_path("seed"), stack.plan.threshold.to_string());
    let arguments = [
        "__shares",
        "split-broken",
        DAMAGED,
        "--in",
        &file,
        "--threshold",
        &threshold,
        "--broken",
        &broken,
    ];
    shell.done("owner", &arguments).await?;
    let (found, code) = reconstruct(shell, facts, DAMAGED).await?;
    if code != 10 || names(&found, "wrong") != [broken] || names(&found, "used").len() != 2 {
        return Err(format!("exit code {code}: {found}"));
    }
    Ok(format!(
        "one bit of the share for vault {BROKEN} was turned over before the vault got it: the \
         secret is right, and vault {BROKEN} is named as wrong, exit code 10"
    ))
}

/// Copies of every share, as whoever controls a vault would carry one away.
pub(super) async fn steal(shell: &Shell, facts: &mut Facts) -> Told {
    let stolen = fetch(shell, facts, "old").await?;
    facts.old_handles = shares::of_each(&stolen, "handle");
    facts.old = shares::of_each(&stolen, "file");
    let vaults = shares::of_each(&stolen, "vault_id");
    for (vault, handle) in vaults.iter().zip(&facts.old_handles) {
        shell
            .done("owner", &["__shares", "ask", handle, "--of", vault])
            .await?;
    }
    facts.holders = vaults;
    let (tried, opened) = thief(shell, facts, &facts.old, &[]).await?;
    if tried == 0 || opened != tried {
        return Err(format!(
            "{opened} of {tried} pairs of old shares give the secret"
        ));
    }
    Ok(format!(
        "a thief has copies (made here with the owner's own calls); any two of them are the \
         secret, all {tried} pairs tried"
    ))
}

pub(super) async fn refresh(shell: &Shell, stack: &Stack, facts: &mut Facts) -> Told {
    let refreshed = shell.done("owner", &["secret", "refresh", SECRET]).await?;
    let retired = names(&refreshed, "retired").len();
    if retired != usize::from(stack.plan.vaults) {
        return Err(format!("{retired} vaults gave up their old share"));
    }
    let (found, code) = reconstruct(shell, facts, SECRET).await?;
    if code != 0 || found.get("generation") == Some(&Value::from(1)) {
        return Err(format!("exit code {code}: {found}"));
    }
    facts.new = shares::of_each(&fetch(shell, facts, "new").await?, "file");
    Ok("shared anew: the same secret, other shares under other handles".to_owned())
}

/// With fewer old shares than the threshold, whatever new ones are added: nothing. That new ones
/// among themselves still give the secret shows that the search would find it.
pub(super) async fn useless(shell: &Shell, facts: &Facts) -> Told {
    let (tried, opened) = thief(shell, facts, &facts.old, &facts.new).await?;
    let (control, found) = thief(shell, facts, &facts.new, &[]).await?;
    let all = facts.old.len() * facts.new.len();
    if tried != all || opened != 0 || found != control || control == 0 {
        return Err(format!(
            "{opened} of {tried} mixed pairs, {found} of {control} new pairs"
        ));
    }
    Ok(format!(
        "one stolen old share with one new share, all {tried} pairs tried: nothing; two new ones \
         are the secret, as they should be"
    ))
}

pub(super) async fn gone(shell: &Shell, facts: &Facts) -> Told {
    for (vault, handle) in facts.holders.iter().zip(&facts.old_handles) {
        let ask = ["__shares", "ask", handle, "--of", vault];
        let absent = shell.evault("owner", &ask).await?;
        if absent.code != 8 || absent.error("code") != "not_found" {
            return Err(absent.complain(&ask));
        }
        let show = ["key", "show", handle, "--vault", vault];
        let tombstone = shell.done("owner", &show).await?;
        if text(&tombstone, "state")? != "destroyed" {
            return Err(format!("an old share is not destroyed: {tombstone}"));
        }
    }
    Ok(
        "every vault answers not found when asked for its old share, exit code 8; only the \
        tombstone is left"
            .to_owned(),
    )
}

/// Gets a secret back, and holds it against the one that was split.
async fn reconstruct(shell: &Shell, facts: &Facts, name: &str) -> Result<(Value, i32), String> {
    let out = facts.secret_path("seed.again");
    let _ = std::fs::remove_file(&out);
    let arguments = ["secret", "reconstruct", name, "--out", &out, "--all"];
    let ended = shell.evault("owner", &arguments).await?;
    let read = |name: &str| std::fs::read(facts.secret(name)).map_err(|error| error.to_string());
    match ended.code {
        0 | 10 if read("seed")? == read("seed.again")? => Ok((ended.stdout, ended.code)),
        0 | 10 => Err("it is another secret".to_owned()),
        _ => Err(ended.complain(&arguments)),
    }
}

async fn fetch(shell: &Shell, facts: &Facts, name: &str) -> Result<Value, String> {
    let out = facts.secret_path(name);
    let arguments = ["__shares", "fetch", SECRET, "--out", &out];
    shell.done("owner", &arguments).await
}

/// How many pairs were tried, and how many gave the secret that was split; none may give another.
async fn thief(
    shell: &Shell,
    facts: &Facts,
    stolen: &[String],
    with: &[String],
) -> Result<(usize, usize), String> {
    let mut arguments = vec!["__thief"];
    for file in stolen {
        arguments.extend(["--stolen", file]);
    }
    for file in with {
        arguments.extend(["--with", file]);
    }
    let told = shell.done("owner", &arguments).await?;
    let tried = told.get("tried").and_then(Value::as_u64);
    let tried = tried.and_then(|tried| usize::try_from(tried).ok());
    let secret = std::fs::read(facts.secret("seed")).map_err(|error| error.to_string())?;
    let secret = vault_encoding::sha256(&secret).to_string();
    let opened = names(&told, "sha256");
    match (tried, opened.iter().all(|found| *found == secret)) {
        (Some(tried), true) => Ok((tried, opened.len())),
        _ => Err("a pair of shares gives another secret".to_owned()),
    }
}
