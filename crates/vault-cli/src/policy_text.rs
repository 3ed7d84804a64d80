//! The text of a policy: YAML or JSON.

use vault_encoding::{Canonical, Json, Limits};

const LIMITS: Limits = Limits {
    bytes: 256 << 10,
    depth: 32,
    nodes: 32 << 10,
};

/// What begins with a brace is JSON, anything else YAML.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, String> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Json::parse(bytes, LIMITS).map_err(|error| error.to_string());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    if text.len() > LIMITS.bytes {
        return Err("longer than 256 KiB".to_owned());
    }
    let value: serde_json::Value =
        serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
    // The strict reader has the last word: depth, number of values, names.
    let json = serde_json::to_vec(&value).map_err(|error| error.to_string())?;
    Json::parse(&json, LIMITS).map_err(|error| error.to_string())
}

/// A canonical value as YAML or JSON for people.
pub(crate) fn to_value(value: &Canonical) -> serde_json::Value {
    match value {
        Canonical::Text(text) => serde_json::Value::String(text.clone()),
        Canonical::List(items) => items.iter().map(to_value).collect(),
        Canonical::Map(members) => serde_json::Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), to_value(value)))
                .collect(),
        ),
    }
}

/// A canonical value as YAML.
pub(crate) fn to_yaml(value: &Canonical) -> Result<String, String> {
    serde_saphyr::to_string(&to_value(value)).map_err(|error| error.to_string())
}
