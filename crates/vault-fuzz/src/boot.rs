//! What a store hands a vault at its start: snapshots of every format, groups, and the changes in them. A
//! start from it never panics, and a state that is folded from the log is the one that its snapshot holds.

use crate::request;
use crate::golden::{Base, MemoryLog, NOW, Owned, STORES, Sevens, change, flush};
use std::sync::LazyLock;
use vault_audit::{Entry, LogTree, change_hash, change_salt};
use vault_core::{CheckpointSigner, OpenedSnapshot, Position, TimeReading, Vault};
use vault_encoding::{Hash, merkle, sha256};
use vault_policy::{KeyType, Lineage, VaultId};

static BASES: LazyLock<Vec<Base>> =
    LazyLock::new(|| STORES.iter().map(|files| Base::open(files)).collect());

/// Kinds of inputs. The last three are those of the fourth store.
const MODES: usize = 18;

/// One input: which store and which part of it, then the part or changes of it.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let (store, part) = match usize::from(*mode) % MODES {
        mode @ 15.. => (3, mode - 15),
        mode => (mode % 3, mode / 3),
    };
    let base = &BASES[store];
    match part {
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
        3 => fold(&[body.to_vec()]),
        _ => fold(&altered(body)),
    }
}

/// Changes of one key, at most this many in an input.
const ALTERATIONS: usize = 6;

/// The change that makes a key, then changes of that key, each behind its length (2): a number, and what stands
/// behind the lineage.
fn altered(body: &[u8]) -> Vec<Vec<u8>> {
    let creation = request::created(KeyType::P256Signing, 1);
    let (leaf, _) = leaf_of(&creation);
    let vault = VaultId(Owned::of(&[7; 32]).key.vault_id());
    let lineage = Lineage::derive(&vault, &merkle::leaf_hash(&leaf));
    let (mut changes, mut rest) = (vec![creation], body);
    while let Some((length, behind)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let Some((change, more)) = behind.split_at_checked(length) else {
            break;
        };
        if let (Some((kind, how)), true) = (change.split_first(), changes.len() <= ALTERATIONS) {
            changes.push([&[*kind], &lineage.0.0[..], how].concat());
        }
        rest = more;
    }
    changes
}

fn start(base: &Base, payload: Vec<u8>, groups: Vec<(Position, Vec<u8>)>) {
    if let Ok(vault) = base.boot(payload, &groups) {
        through_snapshots(&base.owned, vault, MemoryLog::default());
    }
}

/// The leaf of a change, and its salt.
fn leaf_of(change: &[u8]) -> (Vec<u8>, [u8; 32]) {
    let salt = [7; 32];
    let entry = Entry {
        operation: "create_key".into(),
        allowed: true,
        outcome: "created".into(),
        policy_hash: Some(Hash([5; 32])),
        change_hash: Some(change_hash(&change_salt(&salt), change)),
        ..bare()
    };
    (entry.to_leaf().expect("an entry"), salt)
}

/// A log that is folded from these changes is the one that its snapshot holds.
fn fold(changes: &[Vec<u8>]) {
    let owned = Owned::of(&[7; 32]);
    let groups = log_of(&owned, changes);
    let Ok(vault) = owned.boot(None, &groups) else {
        return;
    };
    let all = through_snapshots(&owned, vault, MemoryLog(groups));
    let (folded, restored) = (owned.boot(None, &all.log), all.restored);
    assert_eq!(folded.expect("a log").state_digest(), restored.state_digest());
}

/// Records that hold these changes, in a log of their own, as the vault that made the changes would
/// have signed it.
fn log_of(owned: &Owned, changes: &[Vec<u8>]) -> Vec<(Position, Vec<u8>)> {
    let field = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let mut tree = LogTree::new();
    let mut parts = vec![vec![1], (changes.len() as u32).to_be_bytes().to_vec()];
    for change in changes {
        let (leaf, salt) = leaf_of(change);
        tree.append(&leaf);
        parts.extend([field(&leaf), salt.to_vec(), field(change)]);
    }
    let checkpoint = tree.checkpoint(owned.key.vault_id());
    let note = checkpoint.sign(&owned.key, |text| owned.signer.sign(text).expect("a key"));
    parts.push(field(&note));
    let at = Position {
        sequence: 0,
        size: 0,
        root: merkle::empty_root(),
    };
    vec![(at, parts.concat())]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_of_every_change_of_a_key_is_one_that_a_vault_starts_from() {
        let owned = Owned::of(&[7; 32]);
        let mut kinds = Vec::new();
        for seed in crate::seeds::of_alterations() {
            let changes = altered(&seed[1..]);
            kinds.extend(changes.iter().skip(1).map(|change| change[0]));
            assert!(owned.boot(None, &log_of(&owned, &changes)).is_ok(), "{kinds:?}");
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds, [6, 7, 8, 9, 10, 11]);
    }
}
