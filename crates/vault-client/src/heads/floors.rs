//! The newest collateral seen under each root of attestation: older collateral is refused even
//! while it is valid.

use super::file::{Locked, read_json};
use super::{HeadStore, damaged};
use crate::error::Result;
use ratls::{FamilyFloor, Floors};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use vault_encoding::{Hash, text};

const FILE: &str = "floors.json";

#[derive(Serialize, Deserialize, Default)]
struct StoredFloors {
    root_crl: u32,
    /// FMSPC in hex to `tcbEvaluationDataNumber` and CRL number.
    families: BTreeMap<String, (u32, u32)>,
}

impl HeadStore {
    /// The floors under the root of this hash.
    pub fn floors(&self, root: &Hash) -> Result<Floors> {
        let path = self.root_dir(root).join(FILE);
        let stored: StoredFloors = read_json(&path)?.unwrap_or_default();
        let mut floors = Floors {
            root_crl: stored.root_crl,
            ..Floors::default()
        };
        for (fmspc, (tcb_evaluation_data_number, pck_crl)) in stored.families {
            let fmspc = text::unhex(&fmspc).ok_or_else(|| damaged(&path))?;
            let floor = FamilyFloor {
                tcb_evaluation_data_number,
                pck_crl,
            };
            floors.families.insert(fmspc, floor);
        }
        Ok(floors)
    }

    /// Raises the floors under this root to the higher of both; writes only what changes.
    pub fn raise_floors(&self, root: &Hash, seen: &Floors) -> Result<()> {
        let known = self.floors(root)?;
        let mut raised = known.clone();
        raised.merge(seen);
        if raised == known {
            return Ok(());
        }
        let locked = Locked::acquire(&self.root_dir(root))?;
        let mut raised = self.floors(root)?;
        raised.merge(seen);
        let families = raised.families.iter().map(|(fmspc, floor)| {
            let numbers = (floor.tcb_evaluation_data_number, floor.pck_crl);
            (text::hex(fmspc), numbers)
        });
        let stored = StoredFloors {
            root_crl: raised.root_crl,
            families: families.collect(),
        };
        locked.write_json(FILE, &stored).map(|_| ())
    }

    fn root_dir(&self, root: &Hash) -> PathBuf {
        self.path().join("roots").join(root.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floors(root_crl: u32, tcb: u32) -> Floors {
        let floor = FamilyFloor {
            tcb_evaluation_data_number: tcb,
            pck_crl: 3,
        };
        Floors {
            root_crl,
            families: BTreeMap::from([([7; 6], floor)]),
            ..Floors::default()
        }
    }

    #[test]
    fn floors_only_rise_and_each_root_has_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let store = HeadStore::new(dir.path());
        let (root, other) = (Hash([1; 32]), Hash([2; 32]));
        store.raise_floors(&root, &floors(5, 9)).unwrap();
        store.raise_floors(&root, &floors(4, 12)).unwrap();
        assert_eq!(store.floors(&root).unwrap(), floors(5, 12));
        assert_eq!(store.floors(&other).unwrap(), Floors::default());
    }
}
