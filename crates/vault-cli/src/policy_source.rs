//! Policies as people write them: YAML, JSON, or a template.

use crate::files;
pub(crate) use crate::policy_text::to_value;
use crate::policy_text::{self, parse};
use std::path::Path;
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::Canonical;
use vault_policy::{AttestationProfile, KeyPolicy};

/// The policy in a file, or on stdin. What begins with a brace is JSON, anything else YAML.
pub(crate) fn read(path: &str) -> Result<KeyPolicy> {
    let bytes = files::read(Path::new(path))?;
    let document = parse(&bytes).map_err(|why| refused(path, &why))?;
    KeyPolicy::from_json(&document).map_err(|error| refused(path, &error.to_string()))
}

/// The attestation profile in a file, or on stdin.
pub(crate) fn read_profile(path: &str) -> Result<AttestationProfile> {
    let bytes = files::read(Path::new(path))?;
    let document = parse(&bytes).map_err(|why| refused(path, &why))?;
    AttestationProfile::from_json(&document).map_err(|error| refused(path, &error.to_string()))
}

pub(crate) fn refused(path: &str, why: &str) -> Error {
    let error = Error::new(ErrorCode::PolicyInvalid).detail(format_args!("{path}: {why}"));
    if path == "-" || path.contains(char::is_whitespace) {
        return error;
    }
    error.next(format!("evault policy lint {path}"))
}

pub(crate) fn to_yaml(value: &Canonical) -> Result<String> {
    policy_text::to_yaml(value).map_err(|error| Error::new(ErrorCode::Internal).detail(error))
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
