//! `key list`

use super::key_json;
use crate::cli::KeyList;
use crate::context::Context;
use crate::output::{self, Human, Output};
use crate::time_text::rfc3339;
use serde_json::{Value, json};
use vault_client::{KeyInfo, Result};

pub(crate) async fn run(context: &Context, args: KeyList) -> Result<Output> {
    let connected = context.connect().await?;
    let answer = connected
        .client
        .list_keys(args.limit, &args.page_token)
        .await?;
    let (keys, next_page_token) = answer.value;
    let listed: Vec<_> = keys
        .iter()
        .map(|key| Value::Object(key_json::shown(key)))
        .collect();
    let json = json!({
        "keys": listed,
        "next_page_token": next_page_token,
        "vaults": [output::vault(&connected.peer, Some(&answer.receipt))],
    });
    if !next_page_token.is_empty() {
        context.note(&format!("more: --page-token {next_page_token}"));
    }
    let human = Human::Table {
        head: vec!["handle", "name", "type", "version", "state", "created"],
        rows: keys.iter().map(row).collect(),
    };
    Ok(Output::new(json, human))
}

fn row(key: &KeyInfo) -> Vec<String> {
    vec![
        key.handle.to_string(),
        key.name.clone(),
        key.key_type.name().to_owned(),
        key.version.to_string(),
        key.state.name().to_owned(),
        rfc3339(key.created_at),
    ]
}
