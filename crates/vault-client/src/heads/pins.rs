//! The lineage of every key that was seen, so that a squatter's key of the same handle is not
//! taken for it.

use super::file::{Locked, read_json};
use super::{HeadStore, damaged};
use crate::error::{Error, ErrorCode, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use vault_policy::{KeyHandle, Lineage, VaultId};

/// What is pinned of one key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyPin {
    /// The key.
    pub handle: KeyHandle,
    /// Where it comes from.
    pub lineage: Lineage,
}

#[derive(Serialize, Deserialize, Default)]
struct Pins {
    /// Handle to lineage.
    keys: BTreeMap<String, String>,
}

impl HeadStore {
    /// The lineage pinned for this key.
    pub fn lineage(&self, vault: &VaultId, handle: &KeyHandle) -> Result<Option<Lineage>> {
        let path = self.vault_dir(vault).join("keys.json");
        let pins: Pins = read_json(&path)?.unwrap_or_default();
        let Some(text) = pins.keys.get(&handle.to_string()) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| damaged(&path))
    }

    /// Pins lineages at first sight; one that differs from its pin is refused.
    pub fn pin(&self, vault: &VaultId, keys: &[KeyPin]) -> Result<()> {
        let path = self.vault_dir(vault).join("keys.json");
        let locked = Locked::acquire(&self.vault_dir(vault))?;
        let mut pins: Pins = read_json(&path)?.unwrap_or_default();
        let mut changed = false;
        for key in keys {
            let lineage = key.lineage.to_string();
            match pins.keys.get(&key.handle.to_string()) {
                Some(pinned) if *pinned == lineage => {}
                Some(pinned) => return Err(mismatch(vault, key, pinned)),
                None => {
                    pins.keys.insert(key.handle.to_string(), lineage);
                    changed = true;
                }
            }
        }
        if changed {
            locked.write_json("keys.json", &pins)?;
        }
        Ok(())
    }
}

fn mismatch(vault: &VaultId, key: &KeyPin, pinned: &str) -> Error {
    Error::new(ErrorCode::LineageMismatch)
        .vault(*vault)
        .detail(format_args!(
            "{} had lineage {pinned}, the vault shows {}",
            key.handle, key.lineage
        ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    #[test]
    fn a_pinned_lineage_stays_and_another_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        let vault = VaultId(sha256(b"vault"));
        let pin = KeyPin {
            handle: KeyHandle([7; 16]),
            lineage: Lineage(sha256(b"a")),
        };
        assert_eq!(store.lineage(&vault, &pin.handle).unwrap(), None);
        store.pin(&vault, std::slice::from_ref(&pin)).unwrap();
        store.pin(&vault, std::slice::from_ref(&pin)).unwrap();
        assert_eq!(
            store.lineage(&vault, &pin.handle).unwrap(),
            Some(pin.lineage)
        );
        let other = KeyPin {
            lineage: Lineage(sha256(b"b")),
            ..pin
        };
        let refused = store.pin(&vault, &[other]).unwrap_err();
        assert_eq!(refused.code, ErrorCode::LineageMismatch);
    }
}
