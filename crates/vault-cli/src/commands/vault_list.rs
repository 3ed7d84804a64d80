//! `vault list`

use crate::config::{Config, VaultEntry};
use crate::context::{Connected, Context};
use crate::exit::Exit;
use crate::output::{self, Human, Output};
use serde_json::{Map, Value, json};
use vault_client::{Error, Result, VaultInfo};
use vault_encoding::text;

pub(crate) async fn run(context: &Context) -> Result<Output> {
    let config = context.config()?;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    let mut failures = Vec::new();
    for vault in context.vaults(&config)? {
        match look(context, &config, vault).await {
            Ok((connected, info)) => {
                rows.push(row(vault, &connected, &info));
                let mut object = describe(&vault.endpoint, &connected, &info);
                object.insert("ok".into(), json!(true));
                object.insert("error".into(), Value::Null);
                listed.push(Value::Object(object));
            }
            Err(error) => {
                rows.push(failed_row(vault, &error));
                listed.push(json!({
                    "vault_id": vault.vault_id,
                    "endpoint": vault.endpoint,
                    "ok": false,
                    "error": output::error_json(&error),
                }));
                failures.push(error);
            }
        }
    }
    let head = vec!["vault", "endpoint", "tcb", "measurement", "log", "state"];
    let output = Output::new(json!({ "vaults": listed }), Human::Table { head, rows });
    let exit = exit(context, listed_ok(&output.json), failures);
    Ok(output.exit(exit))
}

/// A vault's own words, over an attested connection. Needs no token.
pub(crate) async fn look(
    context: &Context,
    config: &Config,
    vault: &VaultEntry,
) -> Result<(Connected, VaultInfo)> {
    let connected = context.dial(config, vault, None).await?;
    let info = connected.client.info().await?;
    Ok((connected, info))
}

/// What `vault inspect` documents.
pub(crate) fn describe(
    endpoint: &str,
    connected: &Connected,
    info: &VaultInfo,
) -> Map<String, Value> {
    let evidence = connected.peer.evidence.claims();
    let fields = [
        ("vault_id", json!(info.vault_id.to_string())),
        ("endpoint", json!(endpoint)),
        ("version", json!(info.version)),
        ("measurement", json!(evidence.mrenclave.to_string())),
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
        ("locked", json!(info.locked)),
        ("time_mode", json!(info.time_mode)),
    ];
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn row(vault: &VaultEntry, connected: &Connected, info: &VaultInfo) -> Vec<String> {
    let evidence = connected.peer.evidence.claims();
    let state = match (&info.locked, evidence.simulated) {
        (Some(reason), _) => format!("locked: {reason}"),
        (None, true) => "ok, SIMULATED".to_owned(),
        (None, false) => "ok".to_owned(),
    };
    vec![
        short(&vault.vault_id),
        vault.endpoint.clone(),
        evidence.tcb_status.name().to_owned(),
        short(&evidence.mrenclave.to_string()),
        info.head
            .as_ref()
            .map_or("-".to_owned(), |head| head.size.to_string()),
        state,
    ]
}

fn failed_row(vault: &VaultEntry, error: &Error) -> Vec<String> {
    let dash = || "-".to_owned();
    vec![
        short(&vault.vault_id),
        vault.endpoint.clone(),
        dash(),
        dash(),
        dash(),
        format!("{}: {}", error.code, error.message()),
    ]
}

/// Enough to tell vaults apart, and what `--vault` takes.
fn short(hex: &str) -> String {
    hex.chars().take(16).collect()
}

fn listed_ok(json: &Value) -> usize {
    let entries = json.get("vaults").and_then(Value::as_array);
    entries.map_or(0, |all| {
        all.iter()
            .filter(|entry| entry.get("ok") == Some(&Value::Bool(true)))
            .count()
    })
}

/// All failed: as the first failure says. Some failed: partial.
fn exit(context: &Context, ok: usize, failures: Vec<Error>) -> Exit {
    match failures.first() {
        None => Exit::Done,
        Some(first) if ok == 0 => first.code.into(),
        Some(_) if context.global.allow_partial => Exit::Done,
        Some(_) => Exit::Partial,
    }
}
