//! Registries that lie, one step for each lie. Every one is asked by `evault` in place of the
//! honest registry; what it says is taken from what is true and changed in one place.

use super::report::Told;
use super::shell::{Shell, text};
use crate::dev::Stack;
use serde_json::Value;
use vault_policy::VaultId;
use vault_test::liar::Liar;

/// Where a vault is said to be.
type Place = (String, String);

/// One vault's line of `vault list`.
struct Seen {
    vault: String,
    /// The code of the error, if it failed.
    refused: Option<String>,
    message: String,
}

/// The stranger is a genuine vault of the same build on a machine of its own, and not a member.
pub(super) async fn wrong(shell: &Shell, stack: &Stack) -> Told {
    let outsider = stack.start_outsider().await.map_err(say)?;
    let mut places = truth(stack)?;
    let (victim, at) = places.first_mut().ok_or("no vault")?;
    *at = outsider.endpoint().to_owned();
    let victim = victim.clone();
    let liar = liar(&places).await?;
    let told = list(shell, &[&liar]).await?;
    refuses(&told, &[(&victim, "attestation_refused")], liar.url())?;
    let sign = ["key", "list", "--vault", &victim, "--registry", liar.url()];
    let refused = shell.evault("owner", &sign).await?;
    if refused.code != 6 || refused.error("code") != "attestation_refused" {
        return Err(refused.complain(&sign));
    }
    outsider.stop().await;
    Ok(
        "it sends callers of vault 1 to a genuine vault of the same build that is no member: \
        attestation_refused, exit code 6; the other three are reached"
            .to_owned(),
    )
}

pub(super) async fn swapped(shell: &Shell, stack: &Stack) -> Told {
    let mut places = truth(stack)?;
    if let [(_, one), (_, two), ..] = places.as_mut_slice() {
        std::mem::swap(one, two);
    }
    let liar = liar(&places).await?;
    let told = list(shell, &[&liar]).await?;
    let wanted: Vec<_> = places
        .iter()
        .take(2)
        .map(|(vault, _)| (vault.as_str(), "attestation_refused"))
        .collect();
    refuses(&told, &wanted, liar.url())?;
    Ok(
        "it names vault 1 where vault 2 is, and the other way round: both refused by name"
            .to_owned(),
    )
}

pub(super) async fn hidden(shell: &Shell, stack: &Stack, secret: &str, out: &str) -> Told {
    let places = truth(stack)?;
    let (shown, hidden) = places.split_at_checked(2).ok_or("too few vaults")?;
    let liar_one = liar(shown).await?;
    let told = list(shell, &[&liar_one]).await?;
    let wanted: Vec<_> = hidden
        .iter()
        .map(|(vault, _)| (vault.as_str(), "unavailable"))
        .collect();
    refuses(&told, &wanted, "")?;
    let reconstruct = [
        "secret",
        "reconstruct",
        secret,
        "--out",
        out,
        "--registry",
        liar_one.url(),
    ];
    let partial = shell.evault("owner", &reconstruct).await?;
    if partial.code != 10 || names(&partial.stdout, "missing") != ids(hidden) {
        return Err(partial.complain(&reconstruct));
    }
    let other = liar(hidden).await?;
    refuses(&list(shell, &[&liar_one, &other]).await?, &[], "")?;
    Ok(
        "it hides two members: they are named as missing, exit code 10, and two shares still \
        suffice; with what a second registry says, all are there"
            .to_owned(),
    )
}

pub(super) async fn old(shell: &Shell, stack: &Stack, before: &[Place]) -> Told {
    let mut places = truth(stack)?;
    let mut gone = Vec::new();
    for (vault, at) in &mut places {
        let earlier = before.iter().find(|(known, _)| known == vault);
        // A vault may be where it was before.
        if let Some((_, earlier)) = earlier.filter(|(_, earlier)| earlier != at) {
            *at = earlier.clone();
            gone.push(vault.clone());
        }
    }
    let liar = liar(&places).await?;
    for seen in list(shell, &[&liar]).await? {
        if seen.refused.is_some() != gone.contains(&seen.vault) {
            return Err(format!("vault {}: {}", seen.vault, seen.message));
        }
    }
    Ok(
        "it lists two vaults where they were before their restart: not there, and named so"
            .to_owned(),
    )
}

/// Where the vaults are, as the processes said themselves.
fn truth(stack: &Stack) -> Result<Vec<Place>, String> {
    (1..=stack.plan.vaults)
        .map(|number| place(stack, number))
        .collect()
}

pub(super) fn place(stack: &Stack, number: u8) -> Result<Place, String> {
    let vault = stack.vault_id(number).map_err(say)?;
    Ok((vault, stack.endpoint(number).map_err(say)?))
}

async fn liar(places: &[Place]) -> Result<Liar, String> {
    let mut listed = Vec::new();
    for (vault, at) in places {
        let vault: VaultId = vault.parse().map_err(|error| format!("{error}"))?;
        listed.push((vault, at.clone()));
    }
    Liar::listing(listed)
        .await
        .map_err(|error| error.to_string())
}

/// `vault list` over these registries alone, after a check that no vault was reached that is not
/// the one that its line names.
async fn list(shell: &Shell, registries: &[&Liar]) -> Result<Vec<Seen>, String> {
    let mut arguments = vec!["vault", "list"];
    for registry in registries {
        arguments.extend(["--registry", registry.url()]);
    }
    let listed = shell.evault("owner", &arguments).await?;
    let vaults = listed.stdout.get("vaults").and_then(Value::as_array);
    let vaults = vaults.ok_or_else(|| listed.complain(&arguments))?;
    let seen: Vec<_> = vaults.iter().map(Seen::of).collect::<Result<_, _>>()?;
    let failed = seen.iter().filter(|seen| seen.refused.is_some()).count();
    let expected = if failed == 0 { 0 } else { 10 };
    match listed.code == expected {
        true => Ok(seen),
        false => Err(listed.complain(&arguments)),
    }
}

impl Seen {
    fn of(entry: &Value) -> Result<Self, String> {
        let error = |member: &str| {
            let text = entry.get("error")?.get(member)?.as_str()?;
            Some(text.to_owned())
        };
        let seen = Self {
            vault: text(entry, "vault_id")?,
            refused: error("code"),
            message: error("message").unwrap_or_default(),
        };
        let is_ok = entry.get("ok") == Some(&Value::Bool(true));
        match is_ok == seen.refused.is_none() {
            true => Ok(seen),
            false => Err(format!("vault {}: neither reached nor refused", seen.vault)),
        }
    }
}

/// That exactly these vaults failed, with these codes, and that the message names `who`.
fn refuses(told: &[Seen], wanted: &[(&str, &str)], who: &str) -> Result<(), String> {
    for seen in told {
        let expected = wanted.iter().find(|(vault, _)| *vault == seen.vault);
        let expected = expected.map(|(_, code)| *code);
        if seen.refused.as_deref() != expected {
            let found = seen.refused.as_deref().unwrap_or("reached");
            return Err(format!("vault {}: {found}: {}", seen.vault, seen.message));
        }
        if expected.is_some() && !seen.message.contains(who) {
            return Err(format!("nothing names {who}: {}", seen.message));
        }
    }
    Ok(())
}

fn ids(places: &[Place]) -> Vec<String> {
    let mut ids: Vec<_> = places.iter().map(|(vault, _)| vault.clone()).collect();
    ids.sort();
    ids
}

/// The vault ids in a list of a result, sorted.
pub(super) fn names(value: &Value, member: &str) -> Vec<String> {
    let list = value.get(member).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    let mut ids: Vec<_> = texts.map(str::to_owned).collect();
    ids.sort();
    ids
}

fn say(error: vault_client::Error) -> String {
    error.message()
}
