//! A key in JSON and for people.

use crate::output::Human;
use crate::pem;
use crate::time_text::rfc3339;
use serde_json::{Map, Value, json};
use vault_client::KeyInfo;

/// What `key create` shows.
pub(crate) fn created(key: &KeyInfo) -> Map<String, Value> {
    let mut object = Map::new();
    object.insert("handle".into(), json!(key.handle.to_string()));
    object.insert("name".into(), json!(key.name));
    object.insert("type".into(), json!(key.key_type.name()));
    object.insert("version".into(), json!(key.version.0));
    object.insert("policy_hash".into(), json!(key.policy_hash.to_string()));
    object.insert("lineage".into(), json!(key.lineage.to_string()));
    object.insert("public_key_pem".into(), json!(public_key_pem(key)));
    object
}

/// What `key show` and `key list` show.
pub(crate) fn shown(key: &KeyInfo) -> Map<String, Value> {
    let labels: Map<String, Value> = key
        .labels
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    let mut object = created(key);
    object.insert("state".into(), json!(key.state.name()));
    if let Some(due_at) = key.due_at {
        object.insert("due_at".into(), json!(rfc3339(due_at)));
    }
    object.insert("created_at".into(), json!(rfc3339(key.created_at)));
    object.insert("origin".into(), json!(key.origin));
    object.insert("exportable".into(), json!(key.exportable));
    object.insert("policy_version".into(), json!(key.policy_version.0));
    object.insert("labels".into(), Value::Object(labels));
    object
}

pub(crate) fn public_key_pem(key: &KeyInfo) -> Option<String> {
    key.public_key
        .as_ref()
        .map(|der| pem::encode("PUBLIC KEY", der))
}

pub(crate) fn human(key: &KeyInfo) -> Human {
    let mut fields = vec![
        ("handle", key.handle.to_string()),
        ("name", key.name.clone()),
        ("type", key.key_type.name().to_owned()),
        ("version", key.version.to_string()),
        ("state", key.state.name().to_owned()),
        ("created", rfc3339(key.created_at)),
        ("policy hash", key.policy_hash.to_string()),
        ("lineage", key.lineage.to_string()),
    ];
    if let Some(pem) = public_key_pem(key) {
        fields.push(("public key", pem));
    }
    Human::Fields(fields)
}
