//! `key list`: the keys of one vault page by page, or the first page of each of several.

use super::key_json;
use super::vault_list::short;
use crate::cli::KeyList;
use crate::context::{Connected, Context, usage};
use crate::output::{self, Human, Output};
use crate::time_text::rfc3339;
use serde_json::{Value, json};
use vault_client::constellation::Outcome;
use vault_client::{Answer, KeyInfo, Peer, Result};
use vault_policy::VaultId;

/// One vault's page.
struct Page {
    peer: Peer,
    answer: Answer<(Vec<KeyInfo>, String)>,
}

pub(crate) async fn run(context: &Context, args: KeyList) -> Result<Output> {
    let fleet = context.fleet(&context.config()?).await?;
    let vaults = fleet.selected();
    if vaults.len() > 1 && !args.page_token.is_empty() {
        return Err(usage(
            "--page-token belongs to one vault: say which with --vault ID",
        ));
    }
    let page = async |connected: Connected| {
        let client = &connected.client;
        let answer = client.list_keys(args.limit, &args.page_token).await?;
        let peer = connected.peer;
        Ok(Page { peer, answer })
    };
    let listed = fleet.each(vaults, page).await;
    let exit = output::exit_of(&listed, 1, context.global.allow_partial)?;
    let mut keys = Vec::new();
    let mut rows = Vec::new();
    for (vault, page) in listed.succeeded() {
        for key in &page.answer.value.0 {
            keys.push(shown(vault, key));
            rows.push(row(vault, key));
        }
    }
    let tokens: Vec<_> = listed
        .succeeded()
        .map(|(vault, page)| (vault, page.answer.value.1.as_str()))
        .filter(|(_, token)| !token.is_empty())
        .collect();
    for (vault, token) in &tokens {
        context.note(&format!(
            "more: --vault {} --page-token {token}",
            short(vault)
        ));
    }
    let json = json!({
        "keys": keys,
        "next_page_token": match vaults { [_] => tokens.first().map_or("", |(_, token)| token), _ => "" },
        "vaults": listed.iter().map(entry).collect::<Vec<_>>(),
    });
    for (vault, error) in listed.failed() {
        context.note_failure(&vault, error);
    }
    let head = vec![
        "handle", "name", "type", "version", "state", "created", "vault",
    ];
    Ok(Output::new(json, Human::Table { head, rows }).exit(exit))
}

/// A vault that has more says so.
fn entry(outcome: &Outcome<Page>) -> Value {
    match &outcome.result {
        Ok(page) => {
            let mut entry = output::vault(&page.peer, Some(&page.answer.receipt));
            let token = &page.answer.value.1;
            if let Some(object) = entry.as_object_mut().filter(|_| !token.is_empty()) {
                object.insert("next_page_token".into(), json!(token));
            }
            entry
        }
        Err(error) => output::failed_vault(outcome.vault_id, error),
    }
}

fn shown(vault: VaultId, key: &KeyInfo) -> Value {
    let mut object = key_json::shown(key);
    object.insert("vault_id".into(), json!(vault.to_string()));
    Value::Object(object)
}

fn row(vault: VaultId, key: &KeyInfo) -> Vec<String> {
    vec![
        key.handle.to_string(),
        key.name.clone(),
        key.key_type.name().to_owned(),
        key.version.to_string(),
        key.state.name().to_owned(),
        rfc3339(key.created_at),
        short(&vault),
    ]
}
