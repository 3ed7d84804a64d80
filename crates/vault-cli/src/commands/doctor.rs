//! `doctor`: everything that must be right, in the order in which it is needed.

use crate::config::{Config, VaultEntry};
use crate::context::Context;
use crate::exit::Exit;
use crate::output::{Human, Output};
use serde_json::{Value, json};
use vault_client::{Error, HeadStore, Result};

struct Check {
    name: String,
    verdict: Result<String>,
}

pub(crate) async fn run(context: &Context) -> Result<Output> {
    let mut checks = Vec::new();
    let config = context.config();
    record(
        &mut checks,
        "configuration",
        config.as_ref().map(summary).map_err(Clone::clone),
    );
    if let Ok(config) = &config {
        record(&mut checks, "trust root", trust(context, config));
        record(&mut checks, "memory", memory(config));
        record(&mut checks, "token", token(context, config).await);
        for vault in context.vaults(config)? {
            let short: String = vault.vault_id.chars().take(16).collect();
            record(
                &mut checks,
                &format!("vault {short}"),
                attested(context, config, vault).await,
            );
            let accepted = accepted(context, config, vault).await;
            record(&mut checks, &format!("caller at {short}"), accepted);
        }
    }
    Ok(report(checks))
}

fn record(checks: &mut Vec<Check>, name: &str, verdict: Result<String>) {
    checks.push(Check {
        name: name.to_owned(),
        verdict,
    });
}

fn summary(config: &Config) -> String {
    format!(
        "{} vaults, {} profiles",
        config.vaults.len(),
        config.profiles.len()
    )
}

fn trust(context: &Context, config: &Config) -> Result<String> {
    let root = context.trust(config)?;
    Ok(if root.is_development() {
        "a DEVELOPMENT root: SIMULATED vaults pass".to_owned()
    } else {
        "loaded".to_owned()
    })
}

/// Without a memory that lasts, nobody can notice a rollback.
fn memory(config: &Config) -> Result<String> {
    let dir = config.state_dir()?;
    std::fs::create_dir_all(&dir)
        .and_then(|()| tempfile::tempfile_in(&dir))
        .map_err(|error| crate::files::inaccessible(&dir, &error))?;
    Ok(HeadStore::new(dir).path().display().to_string())
}

async fn token(context: &Context, config: &Config) -> Result<String> {
    let name = context.profile_name(config).unwrap_or("none").to_owned();
    match context.tokens(config)? {
        None => Ok("no profile: only what needs no token".to_owned()),
        Some(tokens) => {
            let token = tokens.token().await?;
            let life = token
                .lifetime()
                .map_or("unknown".to_owned(), |left| format!("{left:?}"));
            Ok(format!("profile {name}, valid for {life}"))
        }
    }
}

async fn attested(context: &Context, config: &Config, vault: &VaultEntry) -> Result<String> {
    let (connected, info) = super::vault_list::look(context, config, vault).await?;
    if let Some(reason) = info.locked {
        return Err(Error::new(vault_client::ErrorCode::Locked).detail(reason));
    }
    let simulated = connected.peer.evidence.claims().simulated;
    let kind = if simulated { "SIMULATED" } else { "hardware" };
    let size = info.head.map_or(0, |head| head.size);
    Ok(format!("attested, {kind}, log of {size} entries"))
}

async fn accepted(context: &Context, config: &Config, vault: &VaultEntry) -> Result<String> {
    let connected = context.connect_to(config, vault).await?;
    let me = connected.client.whoami().await?.value;
    Ok(format!(
        "{} with roles: {}",
        me.subject,
        me.roles.join(", ")
    ))
}

fn report(checks: Vec<Check>) -> Output {
    let failed = checks.iter().find_map(|check| check.verdict.as_ref().err());
    let exit = failed.map_or(Exit::Done, |error| error.code.into());
    let json: Vec<Value> = checks.iter().map(to_json).collect();
    let rows = checks.iter().map(row).collect();
    let human = Human::Table {
        head: vec!["check", "", "detail", "next"],
        rows,
    };
    Output::new(json!({ "checks": json }), human).exit(exit)
}

fn to_json(check: &Check) -> Value {
    let (ok, detail, next) = parts(check);
    json!({ "name": check.name, "ok": ok, "detail": detail, "next": next })
}

fn row(check: &Check) -> Vec<String> {
    let (ok, detail, next) = parts(check);
    let mark = if ok { "ok" } else { "FAILED" };
    vec![
        check.name.clone(),
        mark.to_owned(),
        detail,
        next.unwrap_or_default(),
    ]
}

fn parts(check: &Check) -> (bool, String, Option<String>) {
    match &check.verdict {
        Ok(detail) => (true, detail.clone(), None),
        Err(error) => (false, error.message(), Some(error.next.clone())),
    }
}
