//! Every file of the memory. One that cannot be read stops calls, and is never taken for an empty one.

use super::check::Checks;
use crate::commands::evidence_files::{decisions, entries, evidence, id_of};
use crate::files;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::path::Path;
use vault_client::{Error, ErrorCode, HeadStore, Result};
use vault_encoding::Hash;
use vault_policy::{KeyHandle, Lineage, VaultId};

/// When the file is back.
const AGAIN: &str = "evault doctor";

/// What a look at one file says; nothing of a file that is none of the memory.
type Looked = Option<Result<()>>;
/// Looks at the file of this name, in the directory of this name.
type Look = fn(&HeadStore, &str, &str, &Path) -> Looked;

pub(super) fn check(store: &HeadStore, checks: &mut Checks) {
    let kinds: [(&str, Look); 3] = [
        ("vaults", of_vault),
        ("constellations", of_constellation),
        ("roots", of_root),
    ];
    let mut whole = 0;
    for (kind, look) in kinds {
        match each(store, kind, look, checks) {
            Ok(count) => whole += count,
            Err(error) => checks.add(format!("memory {kind}"), Err(error)),
        }
    }
    checks.add("files of the memory", Ok(format!("{whole} can be read")));
}

/// How many files of this kind can be read; each of the others is told.
fn each(store: &HeadStore, kind: &str, look: Look, checks: &mut Checks) -> Result<usize> {
    let mut whole = 0;
    let all = entries(&store.path().join(kind))?;
    // Whatever else somebody has put there is none of the memory.
    for (of, dir) in all.iter().filter(|(of, _)| Hash::from_hex(of).is_some()) {
        let files = entries(dir).unwrap_or_else(|error| {
            checks.add(format!("memory {kind}/{of}"), Err(error));
            Vec::new()
        });
        for (name, path) in files {
            match look(store, of, &name, &path) {
                None => {}
                Some(Ok(())) => whole += 1,
                Some(Err(error)) => {
                    checks.add(
                        format!("memory {kind}/{of}/{name}"),
                        Err(advised(&name, error)),
                    );
                }
            }
        }
    }
    Ok(whole)
}

fn of_vault(store: &HeadStore, of: &str, name: &str, path: &Path) -> Looked {
    let vault: VaultId = of.parse().ok()?;
    let follower = name
        .strip_prefix("follow-")
        .and_then(|name| name.strip_suffix(".json"));
    Some(match name {
        "head.json" => head(store, &vault),
        "carried.json" => store.told(&vault).map(drop),
        "keys.json" => keys(path),
        "acknowledged.json" => decisions(files::parent(path)).map(drop),
        _ if id_of(name).is_some() => evidence(path).map(drop),
        _ => store.position(&vault, follower?).map(drop),
    })
}

fn head(store: &HeadStore, vault: &VaultId) -> Result<()> {
    store.head(vault)?;
    store.identity_key(vault)?;
    store.last_boot(vault).map(drop)
}

#[derive(Deserialize)]
struct Pins {
    keys: BTreeMap<String, String>,
}

fn keys(path: &Path) -> Result<()> {
    let pins: Pins = json(path)?;
    let is_pin = |(handle, lineage): (&String, &String)| {
        handle.parse::<KeyHandle>().is_ok() && lineage.parse::<Lineage>().is_ok()
    };
    match pins.keys.iter().all(is_pin) {
        true => Ok(()),
        false => Err(damaged(path)),
    }
}

fn of_constellation(store: &HeadStore, of: &str, name: &str, path: &Path) -> Looked {
    let constellation = Hash::from_hex(of)?;
    match name {
        "manifest.json" => Some(store.manifest(&constellation).map(drop)),
        "signed.json" => Some(signed(path)),
        _ => None,
    }
}

fn signed(path: &Path) -> Result<()> {
    let signed: BTreeMap<u64, String> = json(path)?;
    match signed.values().all(|hash| Hash::from_hex(hash).is_some()) {
        true => Ok(()),
        false => Err(damaged(path)),
    }
}

fn of_root(store: &HeadStore, of: &str, name: &str, _path: &Path) -> Looked {
    let root = Hash::from_hex(of)?;
    (name == "floors.json").then(|| store.floors(&root).map(drop))
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&files::read(path)?).map_err(|_| damaged(path))
}

fn damaged(path: &Path) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("{} is damaged", path.display()))
}

/// With what to do, and what is lost. What says itself what to do, says it better.
fn advised(name: &str, error: Error) -> Error {
    if error.next != Error::new(error.code).next && error.next != AGAIN {
        return error;
    }
    let lost = match name {
        "head.json" => "without it, no rollback before the next call is noticed here",
        "carried.json" => "without it, what others have seen is taken from the vaults again",
        "keys.json" => "without it, keys are pinned to the lineage that they show next",
        "acknowledged.json" => "without it, every piece of evidence wants a decision again",
        "manifest.json" => "without it, no older manifest is noticed here",
        "signed.json" => "without it, another manifest of a version may be signed here",
        "floors.json" => "without it, older collateral is taken until newer was seen",
        _ if id_of(name).is_some() => "without it, nobody is shown these two heads",
        _ => "without it, the follower begins at the first entry",
    };
    let why = error.detail.clone().unwrap_or_default();
    error
        .detail(format_args!("{why}; put it back from a copy: {lost}"))
        .next(AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_release_wrote_is_left_to_it_and_not_to_be_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let kept = dir.path().join("vaults").join("11".repeat(32));
        std::fs::create_dir_all(&kept).unwrap();
        let later = r#"{"format":"enclave-vaults/head-evidence/v9"}"#;
        std::fs::write(kept.join("evidence-later.json"), later).unwrap();
        std::fs::write(kept.join("keys.json"), "{").unwrap();
        let mut checks = Checks::default();
        check(&HeadStore::new(dir.path()), &mut checks);
        let told = checks.report().json["checks"].clone();
        let detail = |at: usize| told[at]["detail"].as_str().unwrap().to_owned();
        assert_eq!(told[0]["next"], "evault --version");
        assert!(!detail(0).contains("put it back"), "{told}");
        assert!(detail(1).contains("put it back from a copy"), "{told}");
        assert_eq!(detail(2), "0 can be read");
    }

    #[test]
    fn what_does_not_belong_there_hides_no_file_and_a_folder_that_cannot_be_read_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let vaults = dir.path().join("vaults");
        let kept = vaults.join("22".repeat(32));
        std::fs::create_dir_all(&kept).unwrap();
        std::fs::write(vaults.join(".DS_Store"), "of a desktop").unwrap();
        std::fs::write(kept.join("keys.json"), "{").unwrap();
        // A file in the place of a folder: nobody can list it.
        std::fs::write(vaults.join("11".repeat(32)), "").unwrap();
        let mut checks = Checks::default();
        check(&HeadStore::new(dir.path()), &mut checks);
        let told = checks.report().json["checks"].clone();
        let name = |at: usize| told[at]["name"].as_str().unwrap().to_owned();
        assert_eq!(name(0), format!("memory vaults/{}", "11".repeat(32)));
        assert_eq!(
            name(1),
            format!("memory vaults/{}/keys.json", "22".repeat(32))
        );
        assert_eq!(told.as_array().unwrap().len(), 3, "{told}");
    }
}
