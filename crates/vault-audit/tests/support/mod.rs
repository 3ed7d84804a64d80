//! A small log with a known key, and what can be done to it.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod damage;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use vault_audit::{
    Checkpoint, Entry, Export, LogKey, LogTree, Principal, TileKind, change_hash, change_salt,
    new_tiles, to_bundle,
};
use vault_audit::{request_hash, request_salt};
use vault_encoding::{Canonical, Hash, merkle};

pub struct Log {
    pair: Ed25519KeyPair,
    pub key: LogKey,
    pub tree: LogTree,
    pub export: Export,
}

/// The key of RFC 8032, 7.1, test 1.
pub fn seed() -> [u8; 32] {
    vault_encoding::text::unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
        .unwrap()
}

impl Log {
    pub fn new(seed: [u8; 32]) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let key = LogKey::from_public(pair.public_key().as_ref().try_into().unwrap());
        Self {
            pair,
            key,
            tree: LogTree::new(),
            export: Export::default(),
        }
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.pair.sign(message).as_ref().try_into().unwrap()
    }

    pub fn append(&mut self, leaf: Vec<u8>) -> u64 {
        self.export.leaves.push(leaf.clone());
        self.tree.append(&leaf).0
    }

    pub fn checkpoint(&mut self) -> Vec<u8> {
        let checkpoint = self.tree.checkpoint(self.key.vault_id());
        let note = checkpoint.sign(&self.key, |message| self.sign(message));
        self.export.checkpoints.push(note.clone());
        note
    }

    /// A checkpoint that the vault would sign only if it lied.
    pub fn lie(&self, size: u64, root: Hash) -> Vec<u8> {
        let vault_id = self.key.vault_id();
        let lie = Checkpoint {
            vault_id,
            size,
            root,
        };
        lie.sign(&self.key, |message| self.sign(message))
    }

    /// `entries` leaves, and a checkpoint after every `every` of them and at the end.
    pub fn of(entries: u64, every: u64) -> Self {
        let mut log = Self::new(seed());
        for number in 0..entries {
            log.append(entry(number).to_leaf().unwrap());
            if number % every == every - 1 || number + 1 == entries {
                log.checkpoint();
            }
        }
        log
    }
}

pub fn entry(number: u64) -> Entry {
    let salt = [number as u8; 32];
    let request = format!("request {number}").into_bytes();
    Entry {
        time_lo: Some(1_700_000_000 + number),
        time_hi: Some(1_700_000_060 + number),
        principals: vec![
            Principal::Oidc {
                issuer: "https://issuer.example".into(),
                subject: "alice".into(),
            },
            Principal::Enclave {
                measurement: Hash([0xab; 32]),
                platform: Hash([0xcd; 32]),
            },
        ],
        operation: "sign".into(),
        handle: "k-aaaqeayeaudaocajbifqydiob4".into(),
        version: Some(1),
        lineage: Some(Hash([0x11; 32])),
        policy_hash: Some(Hash([0x22; 32])),
        request_hash: Some(request_hash(&request_salt(&salt), &request)),
        change_hash: Some(change_hash(&change_salt(&salt), b"usage 1")),
        approvals: vec![Hash([0x33; 32])],
        allowed: !number.is_multiple_of(3),
        reason: if number.is_multiple_of(3) {
            "TIME_WINDOW".into()
        } else {
            String::new()
        },
        outcome: "ok".into(),
    }
}

/// An event of the vault itself, with everything absent that can be.
pub fn bare_entry() -> Entry {
    Entry {
        time_lo: None,
        time_hi: None,
        principals: Vec::new(),
        operation: "strangers".into(),
        handle: String::new(),
        version: None,
        lineage: None,
        policy_hash: None,
        request_hash: None,
        change_hash: None,
        approvals: Vec::new(),
        allowed: false,
        reason: String::new(),
        outcome: "12".into(),
    }
}

/// Of a caller who has nothing but a client certificate.
pub fn certificate_entry() -> Entry {
    Entry {
        principals: vec![Principal::Certificate {
            spki: Hash([0xce; 32]),
        }],
        ..entry(2)
    }
}

/// The files of the tiles layout over the whole log, under its last checkpoint.
pub fn tiles(log: &Log) -> Vec<(String, Vec<u8>)> {
    let leaves = &log.export.leaves;
    let file = |tile: vault_audit::Tile| {
        let from = tile.index as usize * 256;
        let bytes = match tile.kind {
            TileKind::Hashes(_) => log.tree.tile(&tile),
            TileKind::Entries => {
                let held = &leaves[from..from + tile.width as usize];
                to_bundle(held.iter().map(Vec::as_slice))
            }
        };
        (tile.path(), bytes.unwrap())
    };
    let mut files: Vec<_> = new_tiles(0, log.tree.size()).map(file).collect();
    let checkpoint = log.export.checkpoints.last().unwrap().clone();
    files.push(("checkpoint".to_owned(), checkpoint));
    files
}

/// Proofs of a log as vectors/audit/proofs.json has them: of some leaves in trees of these sizes, and between
/// all of these sizes.
pub fn proofs(log: &Log, sizes: &[u64]) -> Vec<u8> {
    let text = |value: &dyn std::fmt::Display| Canonical::text(value.to_string());
    let steps = |steps: Option<Vec<Hash>>| {
        Canonical::List(steps.unwrap().iter().map(|step| text(step)).collect())
    };
    let root = |size| text(&log.tree.root_at(size).unwrap());
    let (mut inclusion, mut consistency) = (Vec::new(), Vec::new());
    for &size in sizes {
        for index in [0, size / 2, size - 1] {
            let leaf = merkle::leaf_hash(&log.export.leaves[index as usize]);
            inclusion.push(Canonical::map([
                ("index", text(&index)),
                ("size", text(&size)),
                ("leaf_hash", text(&leaf)),
                ("root", root(size)),
                ("proof", steps(log.tree.inclusion(index, size))),
            ]));
        }
        for &old in sizes.iter().filter(|old| **old <= size) {
            consistency.push(Canonical::map([
                ("old", text(&old)),
                ("new", text(&size)),
                ("old_root", root(old)),
                ("new_root", root(size)),
                ("proof", steps(log.tree.consistency(old, size))),
            ]));
        }
    }
    let file = [("inclusion", inclusion), ("consistency", consistency)];
    Canonical::map(file.map(|(name, items)| (name, Canonical::List(items)))).to_bytes()
}
