//! `vault inspect`

use super::memory;
use super::vault_list::{describe, look};
use crate::context::Context;
use crate::exit::Exit;
use crate::fleet::Fleet;
use crate::output::{self, Human, Output};
use serde_json::{Map, Value, json};
use vault_client::{Error, HeadStore, Result, ServedConfig};
use vault_policy::VaultId;

pub(crate) async fn run(
    context: &Context,
    id: Option<String>,
    verify_config: bool,
) -> Result<Output> {
    let config = context.config()?;
    let fleet = Fleet::open(context, &config, None).await?;
    let vault = match &id {
        Some(id) => fleet.find(id)?,
        None => fleet.one()?,
    };
    let looked = match fleet.connect(&vault).await {
        Ok(connected) => look(connected).await,
        Err(error) => Err(error),
    };
    let (connected, info) = match looked {
        Ok(looked) => looked,
        Err(error) => return remembered(fleet.heads(), &vault, error),
    };
    let mut object = describe(&connected, &info);
    object.extend(memory::describe(fleet.heads(), &vault)?);
    if verify_config {
        // The client refuses a document that does not give the attested roots.
        let served = connected.client.config().await?;
        object.insert("config_verified".into(), json!(true));
        object.insert("config".into(), config_json(&served));
    }
    let human = Human::Fields(fields(&object));
    let exit = match memory::check(fleet.heads(), &vault) {
        Err(against) => {
            context.note_failure(&vault, &against);
            against.code.into()
        }
        Ok(_) => Exit::Done,
    };
    Ok(Output::new(Value::Object(object), human).exit(exit))
}

/// What this client remembers of a vault that does not say what it is to, or shows another log.
fn remembered(heads: &HeadStore, vault: &VaultId, error: Error) -> Result<Output> {
    let mut object = Map::new();
    object.insert("vault_id".into(), json!(vault.to_string()));
    // A memory that cannot be read does not hide what the vault has shown.
    object.extend(memory::describe(heads, vault).unwrap_or_default());
    let human = Human::Fields(fields(&object));
    object.insert("error".into(), output::error_json(&error));
    Ok(Output {
        exit: error.code.into(),
        failure: Some(error),
        ..Output::new(Value::Object(object), human)
    })
}

fn config_json(served: &ServedConfig) -> Value {
    let part = |entries: &[(String, String)]| -> Value {
        Value::Object(
            entries
                .iter()
                .map(|(path, value)| (path.clone(), json!(value)))
                .collect(),
        )
    };
    json!({ "trust": part(&served.trust), "operational": part(&served.operational) })
}

const SHOWN: [&str; 22] = [
    "vault_id",
    "endpoint",
    "version",
    "measurement",
    "platform_id",
    "simulated",
    "tcb_status",
    "advisories",
    "config_root",
    "operational_root",
    "boot_id",
    "log_size",
    "log_root",
    "remembered_size",
    "remembered_root",
    "remembered_boot_id",
    "carried",
    "evidence",
    "locked",
    "next",
    "time_mode",
    "config_verified",
];

fn fields(object: &Map<String, Value>) -> Vec<(&'static str, String)> {
    let mut fields: Vec<_> = SHOWN
        .into_iter()
        .filter_map(|name| Some((name, object.get(name)?)))
        .filter(|(name, value)| *name != "next" || !value.is_null())
        .map(|(name, value)| (name, plain(value)))
        .collect();
    for part in ["trust", "operational"] {
        let entries = object.get("config").and_then(|config| config.get(part));
        if let Some(entries) = entries.and_then(Value::as_object) {
            let lines: Vec<_> = entries
                .iter()
                .map(|(path, value)| format!("{path} = {}", plain(value)))
                .collect();
            fields.push((part, lines.join("\n")));
        }
    }
    fields
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}
