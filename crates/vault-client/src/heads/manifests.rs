//! The newest manifest seen of each constellation: an older one, or another one of the same
//! version, is refused ever after.

use super::file::{Locked, read_json};
use super::{HeadStore, damaged};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use vault_encoding::Hash;

const FILE: &str = "manifest.json";

/// A manifest as it was seen once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SeenManifest {
    /// Its version.
    pub version: u64,
    /// Hash of its canonical form.
    pub hash: Hash,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    hash: String,
}

/// What became of a manifest that was offered to the store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RememberedManifest {
    /// It is the newest seen, and is kept.
    Newest,
    /// This newer one was seen before.
    Older(SeenManifest),
    /// This one does not stand in the history that was offered: another one of its version does.
    Contradicts(SeenManifest),
}

impl HeadStore {
    /// The newest manifest seen of this constellation.
    pub fn manifest(&self, constellation: &Hash) -> Result<Option<SeenManifest>> {
        let path = self.constellation_dir(constellation).join(FILE);
        let stored: Option<Stored> = read_json(&path)?;
        let parse = |stored: Stored| {
            let hash = Hash::from_hex(&stored.hash).ok_or_else(|| damaged(&path))?;
            Ok(SeenManifest {
                version: stored.version,
                hash,
            })
        };
        stored.map(parse).transpose()
    }

    /// Keeps the last manifest of a verified history (`hashes` by version, from 1). Durable when
    /// it returns; a history that does not hold what was seen before changes nothing.
    pub fn remember_manifest(
        &self,
        constellation: &Hash,
        hashes: &[Hash],
    ) -> Result<RememberedManifest> {
        let locked = Locked::acquire(&self.constellation_dir(constellation))?;
        let version = hashes.len() as u64;
        let at = |version: u64| {
            let index = usize::try_from(version.checked_sub(1)?).ok()?;
            hashes.get(index).copied()
        };
        if let Some(seen) = self.manifest(constellation)? {
            if version < seen.version {
                return Ok(RememberedManifest::Older(seen));
            }
            if at(seen.version) != Some(seen.hash) {
                return Ok(RememberedManifest::Contradicts(seen));
            }
            if version == seen.version {
                return Ok(RememberedManifest::Newest);
            }
        }
        if let Some(hash) = at(version) {
            let hash = hash.to_string();
            locked.write_json(FILE, &Stored { version, hash })?;
        }
        Ok(RememberedManifest::Newest)
    }

    fn constellation_dir(&self, constellation: &Hash) -> PathBuf {
        let name = constellation.to_string();
        self.path().join("constellations").join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    const ID: Hash = Hash([9; 32]);

    fn history(versions: u8) -> Vec<Hash> {
        (0..versions).map(|version| sha256(&[version])).collect()
    }

    #[test]
    fn the_newest_manifest_stays_and_an_older_one_is_refused_by_a_new_store_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        let newest = RememberedManifest::Newest;
        assert_eq!(store.remember_manifest(&ID, &history(1)).unwrap(), newest);
        assert_eq!(store.remember_manifest(&ID, &history(3)).unwrap(), newest);
        assert_eq!(store.remember_manifest(&ID, &history(3)).unwrap(), newest);
        let again = HeadStore::new(dir.path());
        let seen = again.manifest(&ID).unwrap().unwrap();
        assert_eq!(seen.version, 3);
        let older = again.remember_manifest(&ID, &history(2)).unwrap();
        assert_eq!(older, RememberedManifest::Older(seen));
        assert_eq!(again.manifest(&Hash([8; 32])).unwrap(), None);
    }

    #[test]
    fn another_history_is_a_contradiction_even_if_it_is_longer() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        store.remember_manifest(&ID, &history(2)).unwrap();
        let seen = store.manifest(&ID).unwrap().unwrap();
        for length in [2, 3] {
            let mut other = history(length);
            other[1] = sha256(b"other");
            let remembered = store.remember_manifest(&ID, &other).unwrap();
            assert_eq!(remembered, RememberedManifest::Contradicts(seen));
        }
        assert_eq!(store.manifest(&ID).unwrap(), Some(seen));
    }

    #[test]
    fn of_many_processes_the_newest_manifest_stays() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for versions in 1..=8 {
                let store = HeadStore::new(dir.path());
                scope.spawn(move || store.remember_manifest(&ID, &history(versions)).unwrap());
            }
        });
        let seen = HeadStore::new(dir.path()).manifest(&ID).unwrap().unwrap();
        assert_eq!((seen.version, seen.hash), (8, history(8)[7]));
    }
}
