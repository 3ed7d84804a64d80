//! The newest manifest seen of each constellation, and those that were signed here: an older one,
//! or another one of the same version, is refused ever after.

use super::file::{Locked, read_json};
use super::{HeadStore, damaged};
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vault_encoding::Hash;

const FILE: &str = "manifest.json";
const SIGNED: &str = "signed.json";

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
    /// This one, of the same version as the one that is to be signed, was signed here before.
    SignedOther(SeenManifest),
}

impl SeenManifest {
    /// Why a history that does not hold this manifest is refused.
    fn refuses(self, hashes: &[Hash]) -> Option<RememberedManifest> {
        if version_of(hashes) < self.version {
            return Some(RememberedManifest::Older(self));
        }
        let held = at(hashes, self.version) == Some(self.hash);
        (!held).then_some(RememberedManifest::Contradicts(self))
    }
}

/// Of the last manifest of a history.
fn version_of(hashes: &[Hash]) -> u64 {
    hashes.len() as u64
}

fn at(hashes: &[Hash], version: u64) -> Option<Hash> {
    let index = usize::try_from(version.checked_sub(1)?).ok()?;
    hashes.get(index).copied()
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
        self.advance(&locked, constellation, hashes)
    }

    /// Remembers that the last manifest of this history (`hashes` by version, from 1) is signed
    /// here. Durable when it returns, and nothing is to be signed before: from then on, another
    /// manifest of its version is refused. The versions before it, which the caller has verified,
    /// count as seen. A history that contradicts what was seen or signed before changes nothing.
    pub fn remember_signed(
        &self,
        constellation: &Hash,
        hashes: &[Hash],
    ) -> Result<RememberedManifest> {
        let locked = Locked::acquire(&self.constellation_dir(constellation))?;
        let Some((hash, before)) = hashes.split_last() else {
            return Ok(RememberedManifest::Newest);
        };
        let seen = self.manifest(constellation)?;
        if let Some(refused) = seen.and_then(|seen| seen.refuses(hashes)) {
            return Ok(refused);
        }
        let version = version_of(hashes);
        let mut signed = self.signed(constellation)?;
        match signed.insert(version, *hash) {
            Some(other) if other != *hash => {
                let hash = other;
                return Ok(RememberedManifest::SignedOther(SeenManifest {
                    version,
                    hash,
                }));
            }
            Some(_) => {}
            None => {
                let texts = signed.iter().map(|(at, hash)| (*at, hash.to_string()));
                locked.write_json(SIGNED, &texts.collect::<BTreeMap<_, _>>())?;
            }
        }
        if seen.is_none_or(|seen| seen.version < version) {
            return self.advance(&locked, constellation, before);
        }
        Ok(RememberedManifest::Newest)
    }

    /// Where it is kept what was signed here of this constellation.
    pub(crate) fn signed_path(&self, constellation: &Hash) -> PathBuf {
        self.constellation_dir(constellation).join(SIGNED)
    }

    /// Every manifest that was signed here, by its version.
    fn signed(&self, constellation: &Hash) -> Result<BTreeMap<u64, Hash>> {
        let path = self.signed_path(constellation);
        let stored: Option<BTreeMap<u64, String>> = read_json(&path)?;
        let parse = |(version, hash): (u64, String)| {
            let hash = Hash::from_hex(&hash).ok_or_else(|| damaged(&path))?;
            Ok((version, hash))
        };
        stored.unwrap_or_default().into_iter().map(parse).collect()
    }

    fn advance(
        &self,
        locked: &Locked,
        constellation: &Hash,
        hashes: &[Hash],
    ) -> Result<RememberedManifest> {
        let version = version_of(hashes);
        if let Some(seen) = self.manifest(constellation)? {
            if let Some(refused) = seen.refuses(hashes) {
                return Ok(refused);
            }
            if version == seen.version {
                return Ok(RememberedManifest::Newest);
            }
        }
        if let Some(hash) = at(hashes, version) {
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

    #[test]
    fn of_one_version_one_manifest_is_signed_also_by_a_new_store() {
        let dir = tempfile::tempdir().unwrap();
        let store = || HeadStore::new(dir.path());
        let newest = RememberedManifest::Newest;
        assert_eq!(store().remember_signed(&ID, &history(2)).unwrap(), newest);
        assert_eq!(store().remember_signed(&ID, &history(2)).unwrap(), newest);
        let mut other = history(2);
        other[1] = sha256(b"other");
        let refused = store().remember_signed(&ID, &other).unwrap();
        let signed = SeenManifest {
            version: 2,
            hash: history(2)[1],
        };
        assert_eq!(refused, RememberedManifest::SignedOther(signed));
        // Only what was verified before it counts as seen.
        assert_eq!(store().manifest(&ID).unwrap().unwrap().version, 1);
        assert_eq!(store().remember_signed(&ID, &history(3)).unwrap(), newest);
        assert_eq!(store().manifest(&ID).unwrap().unwrap().version, 2);
    }

    #[test]
    fn what_is_signed_holds_what_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        store.remember_manifest(&ID, &history(3)).unwrap();
        let seen = store.manifest(&ID).unwrap().unwrap();
        let older = store.remember_signed(&ID, &history(2)).unwrap();
        assert_eq!(older, RememberedManifest::Older(seen));
        for length in [3, 4] {
            let mut other = history(length);
            other[2] = sha256(b"other");
            let refused = store.remember_signed(&ID, &other).unwrap();
            assert_eq!(refused, RememberedManifest::Contradicts(seen));
        }
        // One more signature under the newest that was seen.
        let again = store.remember_signed(&ID, &history(3)).unwrap();
        assert_eq!(again, RememberedManifest::Newest);
        assert_eq!(store.manifest(&ID).unwrap(), Some(seen));
    }

    #[test]
    fn of_many_processes_that_sign_one_version_one_does() {
        let dir = tempfile::tempdir().unwrap();
        let signed: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8u8)
                .map(|number| {
                    let store = HeadStore::new(dir.path());
                    let hashes = [sha256(&[number])];
                    scope.spawn(move || store.remember_signed(&ID, &hashes).unwrap())
                })
                .collect();
            let done = threads.into_iter().map(|thread| thread.join().unwrap());
            done.filter(|done| *done == RememberedManifest::Newest)
                .count()
        });
        assert_eq!(signed, 1);
    }
}
