//! Policies as people write them: YAML, JSON, or a template.

use crate::files;
use std::path::Path;
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::{Canonical, Json, Limits};
use vault_policy::KeyPolicy;

const LIMITS: Limits = Limits {
    bytes: 256 << 10,
    depth: 32,
    nodes: 32 << 10,
};

/// The policy in a file, or on stdin. What begins with a brace is JSON, anything else YAML.
pub(crate) fn read(path: &str) -> Result<KeyPolicy> {
    let bytes = files::read(Path::new(path))?;
    let document = parse(&bytes).map_err(|why| refused(path, &why))?;
    KeyPolicy::from_json(&document).map_err(|error| refused(path, &error.to_string()))
}

pub(crate) fn refused(path: &str, why: &str) -> Error {
    let error = Error::new(ErrorCode::PolicyInvalid).detail(format_args!("{path}: {why}"));
    if path == "-" || path.contains(char::is_whitespace) {
        return error;
    }
    error.next(format!("evault policy lint {path}"))
}

fn parse(bytes: &[u8]) -> Result<Json, String> {
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

pub(crate) fn to_yaml(value: &Canonical) -> Result<String> {
    serde_saphyr::to_string(&to_value(value))
        .map_err(|error| Error::new(ErrorCode::Internal).detail(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};

    fn owner() -> KeyPolicy {
        let subject = OidcSubject {
            issuer: "https://login.test".into(),
            subject: "0123: yes".into(),
        };
        template("owner", &TemplateArgs::new(subject, KeyType::P256Signing)).unwrap()
    }

    #[test]
    fn what_is_shown_as_yaml_or_json_reads_back_as_the_same_policy() {
        let policy = owner();
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("policy.yaml", to_yaml(&policy.to_canonical()).unwrap()),
            ("policy.json", to_value(&policy.to_canonical()).to_string()),
        ] {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            assert_eq!(
                read(path.to_str().unwrap()).unwrap().hash(),
                policy.hash(),
                "{name}"
            );
        }
    }

    #[test]
    fn yaml_with_repeated_names_or_of_another_shape_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("policy.yaml");
        for text in ["a: 1\na: 2\n", "- 1\n", "principals: &x [*x]\n", "\u{0}"] {
            std::fs::write(&path, text).unwrap();
            let error = read(path.to_str().unwrap()).unwrap_err();
            assert_eq!(error.code, ErrorCode::PolicyInvalid, "{text}");
        }
    }
}
