//! What a person may write for a key.

use crate::cli::KeyArg;
use crate::context::{Connected, Context, usage};
use crate::fleet::Fleet;
use vault_client::constellation::Outcomes;
use vault_client::{Client, Error, ErrorCode, KeyInfo, KeyName, Result};
use vault_policy::{KeyHandle, Lineage, VaultId};

/// A key as it was named, and what is known of it without asking again.
pub(crate) struct KeyRef {
    pub(crate) name: KeyName,
    known: Option<KeyInfo>,
}

impl KeyRef {
    fn known(info: KeyInfo) -> Self {
        let name = KeyName {
            handle: info.handle,
            lineage: Some(info.lineage),
        };
        let known = Some(info);
        Self { name, known }
    }

    /// Its metadata.
    pub(crate) async fn info(&self, client: &Client) -> Result<KeyInfo> {
        match &self.known {
            Some(info) => Ok(info.clone()),
            None => Ok(client.get_key(self.name).await?.value),
        }
    }
}

/// The key, and the vault that holds it: the one that is named, else the one that memory knows of,
/// else the only one that knows the key when all are asked.
pub(crate) async fn locate(context: &Context, key: &KeyArg) -> Result<(Connected, KeyRef)> {
    let fleet = context.fleet(&context.config()?).await?;
    match candidates(&fleet, key)?.as_slice() {
        [one] => {
            let connected = fleet.connect(one).await?;
            let key = resolve(&connected.client, key).await?;
            Ok((connected, key))
        }
        several => ask_all(context, &fleet, several, key).await,
    }
}

/// The vaults in question: of those that are selected, the ones where the key was seen before, if
/// it was seen anywhere.
pub(crate) fn candidates(fleet: &Fleet<'_>, key: &KeyArg) -> Result<Vec<VaultId>> {
    let Some(name) = parse(&key.key) else {
        return Ok(fleet.selected().to_vec());
    };
    let mut seen = Vec::new();
    for vault in fleet.selected() {
        let pinned = fleet.heads().lineage(vault, &name.handle)?;
        let same = |pinned: &Lineage| name.lineage.is_none_or(|lineage| lineage == *pinned);
        if pinned.as_ref().is_some_and(same) {
            seen.push(*vault);
        }
    }
    match seen.is_empty() {
        true => Ok(fleet.selected().to_vec()),
        false => Ok(seen),
    }
}

async fn ask_all(
    context: &Context,
    fleet: &Fleet<'_>,
    vaults: &[VaultId],
    key: &KeyArg,
) -> Result<(Connected, KeyRef)> {
    let asked = fleet
        .any(vaults, async |connected: Connected| {
            let key = resolve(&connected.client, key).await?;
            let info = key.info(&connected.client).await?;
            Ok((connected, KeyRef::known(info)))
        })
        .await;
    let silent = silent(&asked);
    let mut found: Vec<_> = asked
        .into_iter()
        .filter_map(|outcome| outcome.result.ok())
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => {
            silent
                .iter()
                .for_each(|(vault, error)| context.note_failure(vault, error));
            Ok(one)
        }
        (Some((last, _)), false) => {
            let others = found.iter().map(|(connected, _)| connected.peer.vault_id);
            Err(ambiguous(&key.key, others.chain([last.peer.vault_id])))
        }
        (None, _) => Err(nowhere(&key.key, silent)),
    }
}

/// Vaults that may hold the key for all that is known, and why they did not say.
fn silent<T>(asked: &Outcomes<T>) -> Vec<(VaultId, Error)> {
    asked
        .failed()
        .filter(|(_, error)| error.code != ErrorCode::NotFound)
        .map(|(vault, error)| (vault, error.clone()))
        .collect()
}

fn ambiguous(key: &str, vaults: impl Iterator<Item = VaultId>) -> Error {
    let vaults: Vec<_> = vaults.map(|vault| vault.to_string()).collect();
    usage(format_args!(
        "several vaults hold a key {key}: say which with --vault: {}",
        vaults.join(", ")
    ))
}

/// No vault that answered holds it. Others may, where they did not answer.
fn nowhere(key: &str, silent: Vec<(VaultId, Error)>) -> Error {
    let not_found = Error::new(ErrorCode::NotFound).detail(key);
    let evidence = |(_, error): &&(VaultId, Error)| error.code.is_contradiction();
    if let Some((_, error)) = silent.iter().find(evidence) {
        return error.clone();
    }
    let Some((_, first)) = silent.first() else {
        return not_found;
    };
    let why: Vec<_> = silent
        .iter()
        .map(|(vault, error)| format!("vault {vault} did not say: {}", error.message()))
        .collect();
    let detail = format!("{key}; {}", why.join("; "));
    match first.retry {
        vault_client::Retry::Later => Error::new(ErrorCode::TooFewVaults).detail(detail),
        _ => first.clone().detail(detail),
    }
}

/// A handle, `HANDLE@LINEAGE`, or the name of one's own key.
pub(crate) async fn resolve(client: &Client, key: &KeyArg) -> Result<KeyRef> {
    if let Some(name) = parse(&key.key) {
        return Ok(KeyRef { name, known: None });
    }
    let info = client
        .find_key(&key.key)
        .await
        .map_err(|error| match error.code {
            // Who owns no keys has none of this name.
            ErrorCode::RoleRequired => Error::new(ErrorCode::NotFound)
                .vault(client.vault_id())
                .detail(&key.key),
            _ => error,
        })?;
    Ok(KeyRef::known(info))
}

fn parse(text: &str) -> Option<KeyName> {
    let (handle, lineage) = match text.split_once('@') {
        Some((handle, lineage)) => (handle, Some(lineage.parse::<Lineage>().ok()?)),
        None => (text, None),
    };
    let handle = handle.parse::<KeyHandle>().ok()?;
    Some(KeyName { handle, lineage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_with_or_without_lineage_is_not_taken_for_a_name() {
        let handle = KeyHandle([3; 16]);
        let lineage = "ab".repeat(32);
        assert_eq!(parse(&handle.to_string()), Some(handle.into()));
        let full = parse(&format!("{handle}@{lineage}")).unwrap();
        assert_eq!(full.lineage.unwrap().to_string(), lineage);
        for name in ["release", "k-short", "k-a@b", ""] {
            assert_eq!(parse(name), None, "{name}");
        }
    }
}
