//! `secret list`: what is recorded here; no vault is asked.

use super::secret_json::{described, ids};
use super::vault_list::short;
use crate::context::Context;
use crate::output::{Human, Output};
use serde_json::{Value, json};
use vault_client::Result;
use vault_client::secret::{OwnerKeyFile, Secrets, SetRecord};

pub(crate) fn run(context: &Context) -> Result<Output> {
    let config = context.config()?;
    let owner = OwnerKeyFile::new(config.owner_key()?).load()?;
    let mut records = Vec::new();
    if let Some(owner) = owner {
        let secrets = Secrets::new(config.secrets()?, owner);
        for name in secrets.names()? {
            records.push(secrets.record(&name)?);
        }
    }
    let listed: Vec<_> = records.iter().map(to_json).collect();
    let human = Human::Table {
        head: vec![
            "name",
            "set",
            "generation",
            "threshold",
            "on",
            "old shares on",
        ],
        rows: records.iter().map(row).collect(),
    };
    Ok(Output::new(json!({ "secrets": listed }), human))
}

fn to_json(record: &SetRecord) -> Value {
    let on: Vec<_> = record.members.iter().map(|place| place.vault_id).collect();
    let old: Vec<_> = record.retired.iter().map(|place| place.vault_id).collect();
    let mut object = described(record);
    object.insert("on".into(), ids(&on));
    object.insert("retired".into(), ids(&old));
    Value::Object(object)
}

fn row(record: &SetRecord) -> Vec<String> {
    let list = |places: &[vault_client::secret::Member]| {
        let vaults: Vec<_> = places.iter().map(|place| short(&place.vault_id)).collect();
        vaults.join(" ")
    };
    vec![
        record.name.clone(),
        record.set_id.to_string(),
        record.generation.to_string(),
        format!("{} of {}", record.threshold, record.shares),
        list(&record.members),
        list(&record.retired),
    ]
}
