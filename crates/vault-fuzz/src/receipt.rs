//! What a vault answers to prove itself: receipts, proofs of inclusion and consistency, carried heads.
//! Nothing passes that the log's key did not sign, and no proof leads to another leaf or another tree.

use crate::golden::{Owned, change};
use buffa::Message;
use std::sync::LazyLock;
use vault_audit::{
    Checkpoint, Entry, Frontier, LogTree, Receipt, verify_extension, verify_receipt,
};
use vault_core::{CarriedHead, CheckpointSigner};
use vault_encoding::merkle::{Tree, leaf_hash, verify_consistency, verify_inclusion};
use vault_encoding::{Hash, sha256};
use vault_proto::v1;

const LEAF: &[u8] = include_bytes!("../../../vectors/audit/leaf-bare.json");

struct Log {
    owned: Owned,
    tree: Tree,
    note: Vec<u8>,
    checkpoint: Checkpoint,
    wire: Vec<u8>,
}

static LOG: LazyLock<Log> = LazyLock::new(|| {
    let owned = Owned::of(&[7; 32]);
    let leaf = LEAF.trim_ascii_end();
    Entry::from_leaf(leaf).expect("an entry");
    let (mut log, mut tree) = (LogTree::new(), Tree::default());
    for index in 0..23u8 {
        let bytes = if index == 11 { leaf.to_vec() } else { vec![index] };
        log.append(&bytes);
        tree.push(leaf_hash(&bytes));
    }
    let checkpoint = log.checkpoint(owned.key.vault_id());
    let note = checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key"));
    let proof = tree.inclusion(11, 23).expect("a proof");
    let wire = v1::Receipt {
        head: buffa::MessageField::some(v1::Head {
            size: 23,
            root: checkpoint.root.0.to_vec(),
            checkpoint: note.clone(),
            ..Default::default()
        }),
        leaf: buffa::MessageField::some(v1::LoggedLeaf {
            index: 11,
            request_salt: vec![5; 32],
            leaf: leaf.to_vec(),
            proof: proof.iter().map(|step| step.0.to_vec()).collect(),
            ..Default::default()
        }),
        ..Default::default()
    };
    Log {
        owned,
        tree,
        note,
        checkpoint,
        wire: wire.encode_to_vec(),
    }
});

/// One input: which of them, then its bytes or changes of a genuine one.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 6 {
        0 => {
            let mut wire = LOG.wire.clone();
            change(&mut wire, body);
            wire_receipt(&wire);
        }
        1 => wire_receipt(body),
        2 => inclusion(body),
        3 => consistency(body),
        4 => frontier(body),
        _ => carried(body),
    }
}

/// As the SDK reads one, and as an auditor does.
fn wire_receipt(bytes: &[u8]) {
    let Ok(message) = v1::Receipt::decode_from_slice(bytes) else {
        return;
    };
    let leaf = message.leaf.as_option().cloned().unwrap_or_default();
    let hashes: Option<Vec<Hash>> = leaf.proof.iter().map(|step| Hash::from_slice(step)).collect();
    if let (Some(proof), Some(request_salt)) = (hashes, Hash::from_slice(&leaf.request_salt)) {
        let receipt = Receipt {
            leaf: leaf.leaf.clone(),
            request_salt,
            index: leaf.index,
            proof,
            checkpoint: message.head.as_option().cloned().unwrap_or_default().checkpoint,
        };
        if let Ok(verified) = verify_receipt(&receipt, &LOG.owned.key) {
            assert_eq!(*verified.checkpoint(), LOG.checkpoint);
            assert_eq!((verified.index(), receipt.leaf.as_slice()), (11, LEAF.trim_ascii_end()));
        }
    }
    if let Ok(receipt) = vault_client::fuzzing::receipt(message, &LOG.owned.key) {
        assert_eq!((receipt.head.size, receipt.head.root), (23, LOG.checkpoint.root));
        if let Some(logged) = receipt.logged {
            assert_eq!(LOG.tree.leaf(logged.index), Some(leaf_hash(&logged.leaf)));
        }
    }
}

/// Index, leaf and the bits of a proof: genuine steps, changed ones, or more than there are.
fn inclusion(body: &[u8]) {
    let [index, size, leaf, edits @ ..] = body else {
        return;
    };
    let size = u64::from(*size) % 24;
    let root = LOG.tree.root_at(size).expect("within");
    let leaf = LOG.tree.leaf(u64::from(*leaf) % 23).expect("within");
    let index = u64::from(*index) % 32;
    let genuine = LOG.tree.inclusion(index, size);
    let proof = changed(genuine.clone().unwrap_or_default(), edits);
    let holds = verify_inclusion(&leaf, index, size, &proof, &root);
    let is = Some(&proof) == genuine.as_ref() && LOG.tree.leaf(index) == Some(leaf);
    assert_eq!(holds, is, "another leaf");
    if holds {
        let frontier = Frontier::from_inclusion(index, size, &proof).expect("a proof that holds");
        assert_eq!(Some(frontier.root()), LOG.tree.root_at(index));
    }
}

fn consistency(body: &[u8]) {
    let [old, new, edits @ ..] = body else {
        return;
    };
    let (old, new) = (u64::from(*old) % 24, u64::from(*new) % 24);
    let root = |size| LOG.tree.root_at(size).expect("within");
    let genuine = match (old, new) {
        (0, _) => Some(Vec::new()),
        (old, new) if old == new => Some(Vec::new()),
        (old, new) => LOG.tree.consistency(old, new),
    };
    let proof = changed(genuine.clone().unwrap_or_default(), edits);
    let holds = verify_consistency(old, new, &proof, &root(old), &root(new));
    assert_eq!(holds, Some(&proof) == genuine.as_ref(), "{old} to {new}");
    let at = |size| Checkpoint {
        size,
        root: root(size),
        ..LOG.checkpoint
    };
    assert_eq!(verify_extension(&at(old), &at(new), &proof).is_ok(), holds);
    let other = sha256(b"another root");
    if old > 0 {
        assert!(!verify_consistency(old, new, &proof, &other, &root(new)));
    }
    assert!(old == 0 || !verify_consistency(old, new, &proof, &root(old), &other));
}

/// The first byte of the edits is the number of steps; then changes of them.
fn changed(mut proof: Vec<Hash>, edits: &[u8]) -> Vec<Hash> {
    let Some((steps, edits)) = edits.split_first() else {
        return proof;
    };
    if *steps < 16 {
        proof.resize(usize::from(*steps), sha256(b"another step"));
    }
    let mut bytes: Vec<u8> = proof.iter().flat_map(|step| step.0).collect();
    change(&mut bytes, edits);
    let (steps, _) = bytes.as_chunks::<32>();
    steps.iter().copied().map(Hash).collect()
}

/// A place in a log as a file says it: from there, leaves are appended and nothing else changes.
fn frontier(body: &[u8]) {
    let Some((size, rest)) = body.split_first_chunk::<8>() else {
        return;
    };
    let size = u64::from_be_bytes(*size);
    let (nodes, _) = rest.as_chunks::<32>();
    let Some(mut frontier) = Frontier::from_parts(size, nodes.iter().copied().map(Hash).collect())
    else {
        return;
    };
    assert_eq!(frontier.nodes().len(), size.count_ones() as usize);
    let before = frontier.root();
    frontier.push(sha256(body));
    assert_eq!(frontier.size(), size + 1);
    assert_ne!(frontier.root(), before);
}

/// A note and the key that it comes with: only what that key signed is carried on.
fn carried(body: &[u8]) {
    let key = LOG.owned.key.to_spki();
    assert!(CarriedHead::verify(&key, body).is_err() || body == LOG.note);
    let mut note = LOG.note.clone();
    change(&mut note, body);
    if let Ok(head) = CarriedHead::verify(&key, &note) {
        assert_eq!(*head.head(), LOG.checkpoint);
        assert_eq!((head.note(), head.identity_key()), (&note[..], key.clone()));
    }
    let (spki, note) = body.split_at(body.len().min(key.len()));
    if let Ok(head) = CarriedHead::verify(spki, note) {
        assert_eq!(head.identity_key(), spki);
    }
}

pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use crate::seeds::of;
    let place = [&5u64.to_be_bytes()[..], &[1; 64]].concat();
    vec![
        of(0, [0, 4, 1]),
        of(1, &LOG.wire),
        of(2, [11, 23, 11, 0xff]),
        of(2, [3, 5, 3, 2]),
        of(3, [7, 23, 0xff]),
        of(3, [0, 5, 0xff]),
        of(4, place),
        of(5, &LOG.note),
        of(5, [LOG.owned.key.to_spki(), LOG.note.clone()].concat()),
    ]
}
