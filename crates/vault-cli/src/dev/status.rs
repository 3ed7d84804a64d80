//! `dev status` and `dev stop`.

use super::layout::Layout;
use super::{control, failed};
use crate::config::Config;
use crate::context::Context;
use crate::output::{Human, Output};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use vault_client::{Constellation, ConstellationConfig, HeadStore, Result};
use vault_policy::VaultId;

pub(super) async fn stop(dir: &Path) -> Result<Output> {
    let layout = Layout::existing(dir)?;
    let mut answer = control::ask(&layout, true).await?;
    insert(&mut answer, "state", json!("stopping"));
    let human = Human::Fields(vec![("state", "stopping".to_owned())]);
    Ok(Output::new(answer, human))
}

/// Asks `dev` for its children, and every vault for its log.
pub(super) async fn status(context: &Context, dir: &Path) -> Result<Output> {
    let layout = Layout::existing(dir)?;
    let mut answer = control::ask(&layout, false).await?;
    insert(&mut answer, "state", json!("running"));
    let constellation = open(context, &layout).await?;
    let children = answer.get_mut("children").and_then(Value::as_array_mut);
    let children = children.into_iter().flatten();
    look(&constellation, children.collect()).await;
    let rows = rows(&answer).into_iter().map(Row::cells).collect();
    let head = vec!["child", "state", "endpoint", "vault", "log"];
    Ok(Output::new(answer, Human::Table { head, rows }))
}

/// The vaults of the directory, whatever `--config` says. No token: nothing but a vault's own
/// words is asked for.
async fn open(context: &Context, layout: &Layout) -> Result<Constellation> {
    let config = Config::load(Some(&layout.config()))?;
    let (Some(anchor), Some(manifest)) = (&config.constellation, &config.manifest) else {
        return Err(failed("config.toml names no constellation"));
    };
    let heads = HeadStore::new(config.state_dir()?);
    let trust = context.trust(&config)?;
    let mut wanted = ConstellationConfig::new(anchor.anchor()?, manifest, trust, heads)
        .timeout(Duration::from_secs(context.global.timeout.clamp(1, 3600)));
    wanted.registries = config.registries;
    Constellation::open(wanted).await
}

/// The sizes of the logs, from attested calls to every vault that runs.
async fn look(constellation: &Constellation, mut children: Vec<&mut Value>) {
    let runs = |child: &Value| member(child, "state").is_some_and(|state| state == "running");
    let running = children.iter().filter(|child| runs(child));
    let vaults: Vec<VaultId> = running
        .filter_map(|child| member(child, "vault_id")?.parse().ok())
        .collect();
    let told = constellation.each(&vaults, |vault| async move { vault.info().await });
    for outcome in told.await {
        let id = outcome.vault_id.to_string();
        let is_it = |child: &&mut &mut Value| member(child, "vault_id").as_ref() == Some(&id);
        let Some(child) = children.iter_mut().find(is_it) else {
            continue;
        };
        let (size, error) = match &outcome.result {
            Ok(info) => (json!(info.head.as_ref().map(|head| head.size)), Value::Null),
            Err(error) => (Value::Null, crate::output::error_json(error)),
        };
        insert(child, "log_size", size);
        insert(child, "error", error);
    }
}

/// What people are told of one child.
pub(super) struct Row {
    pub(super) name: String,
    state: String,
    pub(super) endpoint: String,
    /// The beginning of its id, if it is a vault.
    pub(super) vault: String,
    log: String,
}

impl Row {
    fn cells(self) -> Vec<String> {
        vec![self.name, self.state, self.endpoint, self.vault, self.log]
    }
}

/// One row for each child.
pub(super) fn rows(status: &Value) -> Vec<Row> {
    let children = status.get("children").and_then(Value::as_array);
    let row = |child: &Value| {
        let text = |name: &str| member(child, name).unwrap_or_default();
        let size = child.get("log_size").and_then(Value::as_u64);
        let error = child.get("error").and_then(|error| member(error, "code"));
        Row {
            name: text("name"),
            state: match error {
                Some(code) => format!("{}, {code}", text("state")),
                None => text("state"),
            },
            endpoint: text("endpoint"),
            vault: short(&text("vault_id")),
            log: size.map(|size| size.to_string()).unwrap_or_default(),
        }
    };
    children.into_iter().flatten().map(row).collect()
}

fn short(id: &str) -> String {
    id.chars().take(16).collect()
}

fn member(value: &Value, name: &str) -> Option<String> {
    Some(value.get(name)?.as_str()?.to_owned())
}

fn insert(value: &mut Value, name: &str, member: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), member);
    }
}
