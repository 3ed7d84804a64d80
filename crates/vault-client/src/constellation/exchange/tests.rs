use super::*;
use crate::heads::signed::Signer;

/// Vaults that the heads of one answer are of, and a store that remembers a head of each.
struct Met {
    dir: tempfile::TempDir,
    heads: HeadStore,
    signers: Vec<Signer>,
}

impl Met {
    fn new(vaults: u8) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let heads = HeadStore::new(dir.path());
        let signers: Vec<_> = (1..=vaults).map(Signer::new).collect();
        for signer in &signers {
            let (head, shown) = (signer.head("a", 20), signer.showing(1));
            heads
                .remember(&signer.vault(), &head, None, &shown)
                .unwrap();
        }
        Self {
            dir,
            heads,
            signers,
        }
    }

    fn ids(&self) -> Vec<VaultId> {
        self.signers.iter().map(Signer::vault).collect()
    }

    fn damage(&self, vault: usize) {
        let vault = self.ids()[vault].to_string();
        let path = self.dir.path().join("vaults").join(vault).join("head.json");
        std::fs::write(path, b"{").unwrap();
    }

    fn note(&self, vault: usize, log: &str, size: u64) -> CarriedNote {
        let signer = &self.signers[vault];
        signer.note(&signer.head(log, size))
    }

    fn told(&self, vault: usize) -> Vec<u64> {
        let told = self.heads.told(&self.ids()[vault]).unwrap();
        told.iter().map(|told| told.head.size).collect()
    }
}

fn via() -> VaultId {
    VaultId(vault_encoding::Hash([9; 32]))
}

#[test]
fn what_is_wrong_with_one_head_hides_nothing_that_came_with_it() {
    let met = Met::new(4);
    met.damage(1);
    let about = &met.ids()[..3];
    let mut unsigned = met.note(0, "a", 50);
    unsigned.checkpoint.truncate(100);
    let notes = vec![
        unsigned,
        met.note(3, "a", 30),
        met.note(1, "a", 30),
        met.note(0, "b", 20),
        met.note(0, "a", 30),
        met.note(2, "a", 40),
    ];
    let came = take(&met.heads, about, notes, via());
    let found: Vec<_> = came.found.iter().map(|error| error.vault_id).collect();
    assert_eq!(found, [Some(about[0])]);
    assert_eq!(came.result().unwrap_err().code, ErrorCode::ReceiptInvalid);
    assert_eq!((met.told(0), met.told(2)), (vec![30], vec![40]));
    assert!(met.told(3).is_empty());
}

#[test]
fn of_any_number_of_heads_in_one_answer_a_few_are_taken() {
    let met = Met::new(2);
    let heads = (0..500).map(|more| met.note(0, "a", 100 + more));
    let notes = heads.chain([met.note(1, "a", 30)]).collect();
    let came = take(&met.heads, &met.ids(), notes, via());
    assert!(came.result().unwrap().is_empty());
    assert_eq!(met.told(0), [100, 101, 102, 103]);
    assert_eq!(met.told(1), [30]);
}

#[test]
fn a_damaged_file_of_one_vault_keeps_nothing_back_of_the_others() {
    let met = Met::new(3);
    met.damage(0);
    let (notes, unread) = to_carry(&met.heads, &met.ids());
    assert_eq!(notes, [met.note(1, "a", 20), met.note(2, "a", 20)]);
    let error = unread.result().unwrap_err();
    assert_eq!(error.code, ErrorCode::FileInaccessible);
    assert_eq!(error.vault_id, Some(met.ids()[0]));
}

#[test]
fn of_contradictions_that_are_met_again_and_again_the_first_of_each_kind_is_kept() {
    let error = |code, vault: u8, detail: &str| {
        let vault = VaultId(vault_encoding::Hash([vault; 32]));
        Error::new(code).vault(vault).detail(detail)
    };
    let exchanges = Exchanges::default();
    for round in 0..100 {
        let round = round.to_string();
        let rollback = error(ErrorCode::RollbackDetected, 1, &round);
        let fork = error(ErrorCode::ForkDetected, 1, &round);
        let other = error(ErrorCode::ForkDetected, 2, &round);
        exchanges.remember(&[rollback, fork, other]);
    }
    let all = exchanges.found.lock().unwrap();
    assert_eq!(all.len(), 3);
    let first = Some("0".to_owned());
    assert!(all.iter().all(|error| error.detail == first));
}

#[test]
fn of_more_notes_than_one_call_takes_each_has_its_turn() {
    let note = |from: u8| CarriedNote {
        identity_key: vec![from],
        checkpoint: Vec::new(),
    };
    for all in [0, 1, MOST as u8, 40] {
        let mut carried = vec![false; usize::from(all)];
        for begin in 0..all.max(1) {
            let chosen = chosen((0..all).map(note).collect(), u64::from(begin).to_le_bytes());
            assert_eq!(chosen.len(), MOST.min(usize::from(all)));
            for note in chosen {
                carried[usize::from(note.identity_key[0])] = true;
            }
        }
        assert!(carried.into_iter().all(|carried| carried));
    }
}
