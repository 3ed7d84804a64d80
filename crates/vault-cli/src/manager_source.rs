//! Managers and credentials as people give them: from a wallet, from `approve register`, or by the
//! subject of a token.

use crate::context::usage;
use crate::files;
use crate::policy_source::refused;
use crate::policy_text::parse;
use std::path::Path;
use vault_client::Result;
use vault_encoding::Json;
use vault_policy::{Credential, Fido2Credential, OidcSubject, Person, PolicyError};

const OIDC: &str = "oidc:";

/// All managers that were named, those of one id together.
pub(crate) fn managers(named: &[String], issuer: &str) -> Result<Vec<Person>> {
    let mut all: Vec<Person> = Vec::new();
    for source in named {
        for person in people(source, issuer)? {
            match all.iter_mut().find(|known| known.id == person.id) {
                Some(known) => known.credentials.extend(person.credentials),
                None => all.push(person),
            }
        }
    }
    Ok(all)
}

/// A file with whole persons, or `ID=` and where a credential is.
fn people(source: &str, issuer: &str) -> Result<Vec<Person>> {
    let Some((id, from)) = source.split_once('=') else {
        return persons(source);
    };
    let credential = match from.strip_prefix(OIDC) {
        Some("") => return Err(usage("--manager ID=oidc:SUB names no subject")),
        Some(subject) => Credential::Oidc(OidcSubject {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
        }),
        None => credential(from)?,
    };
    Ok(vec![Person {
        id: id.to_owned(),
        credentials: vec![credential],
    }])
}

/// A person, or a list of them, as the wallet shows one.
fn persons(path: &str) -> Result<Vec<Person>> {
    let read = |document: &Json| Person::from_json(document).map_err(|error| why(path, &error));
    match document(path)? {
        Json::List(all) => all.iter().map(read).collect(),
        one => Ok(vec![read(&one)?]),
    }
}

/// A credential, alone or in what `approve register` prints as JSON.
fn credential(path: &str) -> Result<Credential> {
    let document = document(path)?;
    let inner = match &document {
        Json::Map(members) => members.get("credential"),
        _ => None,
    };
    Credential::from_json(inner.unwrap_or(&document)).map_err(|error| why(path, &error))
}

/// The authenticator in a file.
pub(crate) fn authenticator(path: &str) -> Result<Fido2Credential> {
    match credential(path)? {
        Credential::Fido2(credential) => Ok(credential),
        Credential::Oidc(_) => Err(usage(format!(
            "{path}: a second factor is an authenticator"
        ))),
    }
}

fn document(path: &str) -> Result<Json> {
    let bytes = files::read(Path::new(path))?;
    parse(&bytes).map_err(|why| refused(path, &why))
}

fn why(path: &str, error: &PolicyError) -> vault_client::Error {
    refused(path, &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.test";

    fn written(text: &str) -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("who").display().to_string();
        std::fs::write(&path, text).unwrap();
        (dir, path)
    }

    const FIDO2: &str = "fido2: { algorithm: es256, credential_id: AAAA, origins: [\"https://w.test\"], public_key: AAAA, rp_id: w.test }";

    #[test]
    fn a_person_is_named_by_a_token_a_credential_or_as_a_whole_and_counted_once() {
        let (_dir, alone) = written(FIDO2);
        let (_dir2, printed) = written(&format!("credential: {{ {FIDO2} }}\nfile: x\n"));
        let (_dir3, whole) = written(&format!("- id: grace\n  credentials:\n    - {FIDO2}\n"));
        let named = [
            "heidi=oidc:h".to_owned(),
            format!("heidi={alone}"),
            format!("ivan={printed}"),
            whole,
        ];
        let all = managers(&named, ISSUER).unwrap();
        let ids: Vec<_> = all.iter().map(|person| person.id.as_str()).collect();
        assert_eq!(ids, ["heidi", "ivan", "grace"]);
        let heidi = &all[0].credentials;
        assert!(matches!(&heidi[0], Credential::Oidc(subject) if subject.issuer == ISSUER));
        assert_eq!(heidi.len(), 2);
        assert_eq!(all[1].credentials, all[2].credentials);
    }

    #[test]
    fn what_is_no_credential_is_refused_with_its_file() {
        for text in ["fido2: none", "- 1\n", "nothing: at all", ""] {
            let (_dir, path) = written(text);
            let error = managers(&[format!("a={path}")], ISSUER).unwrap_err();
            assert!(error.to_string().contains(&path), "{error}");
        }
        assert!(managers(&["a=oidc:".to_owned()], ISSUER).is_err());
        let (_dir, path) = written(&format!("oidc: {{ issuer: \"{ISSUER}\", subject: a }}"));
        assert!(authenticator(&path).is_err());
    }
}
