//! What a store hands a vault at its start: snapshots of every format, groups, and the changes in them. A
//! start from it never panics, and a state that is folded from the log is the one that its snapshot holds.

use crate::golden::{Base, MemoryLog, NOW, Owned, STORES, Sevens, change, flush};
use std::sync::LazyLock;
use vault_audit::{Entry, LogTree, change_hash, change_salt};
use vault_core::{CheckpointSigner, OpenedSnapshot, Position, TimeReading, Vault};
use vault_encoding::{Hash, merkle, sha256};

static BASES: LazyLock<Vec<Base>> =
    LazyLock::new(|| STORES.iter().map(|files| Base::open(files)).collect());

/// One input: which store and which part of it, then the part or changes of it.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let base = &BASES[usize::from(*mode) % BASES.len()];
    match usize::from(*mode) / BASES.len() % 4 {
        0 => {
            let mut payload = base.snapshot.clone();
            change(&mut payload, body);
            start(base, payload, base.groups.clone());
        }
        1 => start(base, body.to_vec(), base.groups.clone()),
        2 => {
            let mut groups = base.groups.clone();
            if let Some((which, edits)) = body.split_first() {
                let which = usize::from(*which) % groups.len();
                change(&mut groups[which].1, edits);
            }
            start(base, base.snapshot.clone(), groups);
        }
        _ => fold(body),
    }
}

fn start(base: &Base, payload: Vec<u8>, groups: Vec<(Position, Vec<u8>)>) {
    if let Ok(vault) = base.boot(payload, &groups) {
        through_snapshots(&base.owned, vault, MemoryLog::default());
    }
}

/// One record that holds this change, in a log of its own, as the vault that made the change would
/// have signed it.
fn fold(bytes: &[u8]) {
    let owned = Owned::of(&[7; 32]);
    let salt = [7; 32];
    let entry = Entry {
        operation: "create_key".into(),
        allowed: true,
        outcome: "created".into(),
        policy_hash: Some(Hash([5; 32])),
        change_hash: Some(change_hash(&change_salt(&salt), bytes)),
        ..bare()
    };
    let leaf = entry.to_leaf().expect("an entry");
    let mut tree = LogTree::new();
    tree.append(&leaf);
    let checkpoint = tree.checkpoint(owned.key.vault_id());
    let note = checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key"));
    let field = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let parts = [
        vec![1, 0, 0, 0, 1],
        field(&leaf),
        salt.to_vec(),
        field(bytes),
        field(&note),
    ];
    let at = Position {
        sequence: 0,
        size: 0,
        root: merkle::empty_root(),
    };
    let groups = vec![(at, parts.concat())];
    let Ok(vault) = owned.boot(None, &groups) else {
        return;
    };
    let all = through_snapshots(&owned, vault, MemoryLog(groups));
    let (folded, restored) = (owned.boot(None, &all.log), all.restored);
    assert_eq!(folded.expect("a log").state_digest(), restored.state_digest());
}

fn bare() -> Entry {
    let TimeReading::Host(now) = NOW else {
        panic!("no time")
    };
    Entry {
        time_lo: Some(now.0),
        time_hi: Some(now.0),
        principals: Vec::new(),
        operation: String::new(),
        handle: String::new(),
        version: None,
        lineage: None,
        policy_hash: None,
        request_hash: None,
        change_hash: None,
        approvals: Vec::new(),
        allowed: false,
        reason: String::new(),
        outcome: String::new(),
    }
}

struct Restored {
    log: Vec<(Position, Vec<u8>)>,
    restored: Vault,
}

/// A vault that started, written as a snapshot and read again: the same keys, and the same snapshot.
fn through_snapshots(owned: &Owned, mut vault: Vault, mut log: MemoryLog) -> Restored {
    flush(&mut vault, &mut log);
    let snapshot = vault.snapshot().expect("keys that open").expect("flushed");
    let hash = sha256(&snapshot.payload);
    let behind = log.0.len();
    vault.commit_to_snapshot(hash, &snapshot.at, &mut Sevens);
    flush(&mut vault, &mut log);
    let payload = snapshot.payload.clone();
    let opened = OpenedSnapshot {
        at: snapshot.at,
        hash,
        payload: snapshot.payload,
    };
    let again = owned.boot(Some(opened), &log.0[behind..]);
    let restored = again.expect("what a vault wrote");
    assert_eq!(restored.census(), vault.census());
    assert_eq!(restored.in_force(), vault.in_force());
    let later = reread(owned, &payload, &log.0[behind..], hash, snapshot.at);
    let written = later.snapshot().expect("keys that open").expect("flushed");
    assert_eq!(state_of(&written.payload), state_of(&payload), "other state");
    Restored {
        log: log.0,
        restored,
    }
}

fn reread(
    owned: &Owned,
    payload: &[u8],
    groups: &[(Position, Vec<u8>)],
    hash: Hash,
    at: Position,
) -> Vault {
    let opened = OpenedSnapshot {
        at,
        hash,
        payload: payload.to_vec().into(),
    };
    let mut vault = owned.boot(Some(opened), groups).expect("read before");
    flush(&mut vault, &mut MemoryLog::default());
    vault
}

/// Policies, keys and remembered calls: what stands behind the leaves of a snapshot of format 4.
fn state_of(payload: &[u8]) -> &[u8] {
    let number = |at: usize| u64::from_be_bytes(payload[at..at + 8].try_into().unwrap()) as usize;
    let length = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!(payload[0], 4);
    let mut at = 1 + 32 + 8;
    at += match payload[at] {
        0 => 1,
        _ => 1 + 8 + 32 + 4 + length(at + 1 + 8 + 32),
    };
    let size = number(at);
    at += 8 + 32 * size;
    let first = number(at + 8);
    at += 16;
    for _ in first..size {
        at += 4 + length(at);
    }
    &payload[at..]
}
