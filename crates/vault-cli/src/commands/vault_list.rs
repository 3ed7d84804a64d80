//! `vault list`

use super::memory;
use crate::context::{Connected, Context};
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output::{self, Human, Output};
use serde_json::{Map, Value, json};
use vault_client::{Error, Result, VaultInfo};
use vault_encoding::text;
use vault_policy::{EvidenceClaims, VaultId};

pub(crate) async fn run(context: &Context) -> Result<Output> {
    let config = context.config()?;
    let fleet = Fleet::open(context, &config, None).await?;
    let looked = fleet.each(fleet.selected(), look).await;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    let mut standing = Vec::new();
    for outcome in &looked {
        let vault = outcome.vault_id;
        match &outcome.result {
            Ok((connected, info)) => {
                let against = memory::check(fleet.heads(), &vault).err();
                rows.push(row(connected, info, against.as_ref()));
                let mut object = describe(connected, info);
                object.insert("ok".into(), json!(against.is_none()));
                object.insert(
                    "error".into(),
                    against.as_ref().map_or(Value::Null, output::error_json),
                );
                listed.push(Value::Object(object));
                standing.extend(against);
            }
            Err(error) => {
                let endpoint = fleet.endpoint(&vault).await;
                rows.push(failed_row(&vault, endpoint.as_deref(), error));
                listed.push(json!({
                    "vault_id": vault.to_string(),
                    "endpoint": endpoint,
                    "ok": false,
                    "error": output::error_json(error),
                }));
            }
        }
    }
    let head = vec!["vault", "endpoint", "tcb", "measurement", "log", "state"];
    let output = Output::new(json!({ "vaults": listed }), Human::Table { head, rows });
    let exit = match output::exit_of(&looked, 1, context.global.allow_partial) {
        Ok(exit) => exit,
        // The list is the answer, also where it holds failures only.
        Err(error) => match (looked.evidence(), looked.failed().next()) {
            (Some(first), _) | (None, Some((_, first))) => first.code.into(),
            (None, None) => error.code.into(),
        },
    };
    Ok(output.exit(ends(exit, &standing)))
}

/// With what stands against the vaults that answered. Evidence decides before all else: a file that
/// cannot be read says nothing about a vault.
fn ends(exit: Exit, standing: &[Error]) -> Exit {
    let against = standing.iter().find(|error| error.code.is_contradiction());
    match (against, standing.first()) {
        (Some(against), _) => against.code.into(),
        (None, Some(first)) if exit != Exit::Evidence => first.code.into(),
        (None, _) => exit,
    }
}

/// A vault's own words, over an attested connection. Needs no token.
pub(crate) async fn look(connected: Connected) -> Result<(Connected, VaultInfo)> {
    let info = connected.client.info().await?;
    Ok((connected, info))
}

/// What `vault inspect` documents.
pub(crate) fn describe(connected: &Connected, info: &VaultInfo) -> Map<String, Value> {
    let evidence = connected.peer.evidence.claims();
    let fields = [
        ("vault_id", json!(info.vault_id.to_string())),
        ("endpoint", json!(connected.client.endpoint())),
        ("version", json!(info.version)),
        ("measurement", json!(measurement(evidence))),
        ("platform_id", json!(evidence.platform_id.to_string())),
        ("simulated", json!(evidence.simulated)),
        ("tcb_status", json!(evidence.tcb_status.name())),
        ("advisories", json!(evidence.advisories)),
        ("config_root", json!(info.trust_root.to_string())),
        ("operational_root", json!(info.operational_root.to_string())),
        ("boot_id", json!(text::hex(&info.boot_id))),
        ("log_size", json!(info.head.as_ref().map(|head| head.size))),
        (
            "log_root",
            json!(info.head.as_ref().map(|head| head.root.to_string())),
        ),
        (
            "locked",
            json!(info.locked.as_deref().map(|told| why(told).0)),
        ),
        (
            "next",
            json!(info.locked.as_deref().and_then(|told| why(told).1)),
        ),
        ("time_mode", json!(info.time_mode)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A vault is an enclave: no other evidence passes for one.
fn measurement(evidence: &EvidenceClaims) -> String {
    evidence
        .mrenclave()
        .map_or_else(String::new, |measurement| measurement.to_string())
}

/// Why a vault is locked, and what it says to do about it.
pub(crate) fn why(told: &str) -> (&str, Option<&str>) {
    match told.split_once("; next: ") {
        Some((why, next)) => (why, Some(next)),
        None => (told, None),
    }
}

fn row(connected: &Connected, info: &VaultInfo, against: Option<&Error>) -> Vec<String> {
    let evidence = connected.peer.evidence.claims();
    let state = match (against, &info.locked, evidence.simulated) {
        (Some(error), _, _) => format!("{}: {}", error.code, error.message()),
        (None, Some(told), _) => format!("locked: {}", why(told).0),
        (None, None, true) => "ok, SIMULATED".to_owned(),
        (None, None, false) => "ok".to_owned(),
    };
    vec![
        short(&info.vault_id),
        connected.client.endpoint().to_owned(),
        evidence.tcb_status.name().to_owned(),
        measurement(evidence).chars().take(16).collect(),
        info.head
            .as_ref()
            .map_or("-".to_owned(), |head| head.size.to_string()),
        state,
    ]
}

fn failed_row(vault: &VaultId, endpoint: Option<&str>, error: &Error) -> Vec<String> {
    let dash = || "-".to_owned();
    vec![
        short(vault),
        endpoint.map_or_else(dash, str::to_owned),
        dash(),
        dash(),
        dash(),
        format!("{}: {}", error.code, error.message()),
    ]
}

/// Enough to tell vaults apart, and what `--vault` takes.
pub(crate) fn short(vault: &VaultId) -> String {
    vault.to_string().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::ErrorCode;

    #[test]
    fn a_file_that_cannot_be_read_does_not_hide_evidence_against_another_vault() {
        let damaged = Error::new(ErrorCode::FileInaccessible);
        let forked = Error::new(ErrorCode::ForkDetected);
        let both = [damaged.clone(), forked];
        assert_eq!(ends(Exit::Done, &both), Exit::Evidence);
        assert_eq!(
            ends(Exit::Evidence, std::slice::from_ref(&damaged)),
            Exit::Evidence
        );
        assert_eq!(ends(Exit::Partial, &[damaged]), Exit::Usage);
        assert_eq!(ends(Exit::Partial, &[]), Exit::Partial);
    }
}
