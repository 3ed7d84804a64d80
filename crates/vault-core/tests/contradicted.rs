//! Who may make a vault sign: what it says to whoever comes with a head that is not its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vault_core::api::SeenHead;
use vault_core::{BootInput, CheckpointSigner, Code, CommitFault, Vault};
use vault_encoding::Hash;

/// Counts what it signs.
struct Counting {
    identity: Arc<Identity>,
    signed: AtomicUsize,
}

impl CheckpointSigner for Counting {
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault> {
        self.signed.fetch_add(1, Ordering::Relaxed);
        self.identity.sign(text)
    }
}

#[test]
fn a_made_up_head_is_signed_for_when_the_vault_is_let_go_of_and_not_before() {
    let (identity, key) = signer(7);
    let counting = Arc::new(Counting {
        identity,
        signed: AtomicUsize::new(0),
    });
    let signed = || counting.signed.load(Ordering::Relaxed);
    let input = BootInput {
        identity_spki: key.to_spki(),
        signer: counting.clone(),
        config: config(),
        boot_id: [9; 16],
        snapshot: None,
        groups: groups(&[]),
        now: NOW,
    };
    let mut bench = Bench::new();
    bench.vault = Vault::boot(input, &mut Counter(5)).unwrap();
    bench.log = MemoryLog::default();
    bench.commit();
    let (before, ours) = (signed(), bench.vault.info());
    let seen = SeenHead {
        vault_id: ours.vault_id,
        size: 1,
        root: Hash([3; 32]),
    };
    let contradicted = bench.vault.holds(&seen).err().unwrap();
    assert_eq!(signed(), before, "signed under the lock of the vault");
    let refusal = contradicted.sign();
    assert_eq!(signed(), before + 1);
    assert_eq!(refusal.code, Code::ForkDetected);
    let head = refusal.head.unwrap();
    assert_eq!(
        (head.size, Some(head.root)),
        (1, ours.head.map(|head| head.root))
    );
    let longer = SeenHead { size: 9, ..seen };
    let refusal = bench.vault.holds(&longer).err().unwrap().sign();
    assert_eq!(refusal.code, Code::RollbackDetected);
    assert_eq!(signed(), before + 1, "its own head is signed already");
}
