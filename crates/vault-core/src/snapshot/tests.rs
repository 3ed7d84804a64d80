//! Whoever does the parts of a snapshot, and in whatever order: it is the same state, or the same refusal.

use super::read;
use crate::boot::OpenedSnapshot;
use crate::change::{Alteration, CreatedKey};
use crate::codec::Malformed;
use crate::commit::CommitFault;
use crate::config::{RoleNames, VaultConfig};
use crate::group::CheckpointSigner;
use crate::keyring::KeyRing;
use crate::leaves::Leaves;
use crate::limits::Limits;
use crate::parts::{OneByOne, Part, Workers};
use crate::state::{LiveKey, Staged};
use crate::time::TimeMode;
use crate::vault::Vault;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_audit::{LogKey, Principal};
use vault_encoding::{Hash, sha256};
use vault_keys::Rng;
use vault_policy::{
    KeyHandle, KeyPolicy, KeyType, KeyVersion, Lineage, OidcSubject, PolicyVersion, TemplateArgs,
    UnixSeconds, template,
};
use zeroize::Zeroizing;

struct Counting(u64);

impl Rng for Counting {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(32) {
            self.0 += 1;
            let random = sha256(&self.0.to_be_bytes()).0;
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
    }
}

struct Nobody;

impl CheckpointSigner for Nobody {
    fn sign(&self, _: &[u8]) -> Result<[u8; 64], CommitFault> {
        Ok([0; 64])
    }
}

/// The last part first.
struct Backwards;

impl Workers for Backwards {
    fn run<'a>(&self, parts: Vec<Part<'a>>) {
        parts.into_iter().rev().for_each(|part| part());
    }
}

/// Every part in a thread of its own.
struct AllAtOnce;

impl Workers for AllAtOnce {
    fn run<'a>(&self, parts: Vec<Part<'a>>) {
        std::thread::scope(|scope| {
            for part in parts {
                scope.spawn(part);
            }
        });
    }
}

fn empty() -> Vault {
    let config = VaultConfig {
        constellation: None,
        issuers: BTreeMap::new(),
        roles: RoleNames::default(),
        time_mode: TimeMode::Host,
        clock_skew: 5,
        limits: Limits::default(),
        trust_root: Hash([1; 32]),
        operational_root: Hash([2; 32]),
    };
    let ring = KeyRing::new(4, &mut Counting(1)).unwrap();
    let leaves = Leaves::from(0, 4).unwrap();
    let (key, signer) = (LogKey::from_public([3; 32]), Arc::new(Nobody));
    Vault::empty(key, signer, config, [0; 16], ring, leaves)
}

#[derive(Clone, Debug)]
struct Made {
    key_type: KeyType,
    owner: u8,
    name: bool,
    labels: usize,
    destroyed: bool,
    staged: u8,
    due: bool,
}

fn made() -> impl Strategy<Value = Made> {
    let fields = (
        0..KeyType::ALL.len(),
        0..3u8,
        any::<bool>(),
        0..3usize,
        0..4u8,
        0..3u8,
        any::<bool>(),
    );
    fields.prop_map(
        |(key_type, owner, name, labels, destroyed, staged, due)| Made {
            key_type: KeyType::ALL[key_type],
            owner,
            name,
            labels,
            destroyed: destroyed == 0,
            staged,
            due,
        },
    )
}

fn subject(owner: u8) -> OidcSubject {
    OidcSubject {
        issuer: "https://issuer.test".into(),
        subject: format!("owner {owner}"),
    }
}

fn policy(owner: u8, key_type: KeyType) -> KeyPolicy {
    template("owner", &TemplateArgs::new(subject(owner), key_type)).unwrap()
}

fn created(number: u8, made: &Made) -> CreatedKey {
    let text = |kind: &str| format!("{kind} {number}");
    let label = |label: usize| crate::api::Label {
        name: text("label"),
        value: label.to_string(),
    };
    let is_share = made.key_type == KeyType::RawShare;
    CreatedKey {
        handle: KeyHandle([number.wrapping_mul(37); 16]),
        key_type: made.key_type,
        version: KeyVersion(1),
        policy_version: PolicyVersion(1),
        created_at: UnixSeconds(u64::from(number)),
        name: if made.name {
            text("key")
        } else {
            String::new()
        },
        labels: (0..made.labels).map(label).collect(),
        policy: Vec::new(),
        public_key: vec![number; usize::from(number % 3)],
        secret: Zeroizing::new(vec![number + 1; if is_share { 320 } else { 32 }].into()),
        remembered: None,
    }
}

fn vault(keys: &[Made]) -> Vault {
    let mut vault = empty();
    for (number, made) in (0..).zip(keys) {
        let (index, leaf_hash) = vault.tree.append(&[number]);
        vault.leaves.push(&[number]);
        let lineage = Lineage(leaf_hash);
        let policy = vault.state.shared_policy(policy(made.owner, made.key_type));
        let (created, mut rng) = (created(number, made), Counting(9 + u64::from(number)));
        let key = LiveKey::from_created(created, lineage, policy, &vault.ring, &mut rng).unwrap();
        vault
            .state
            .add(subject(made.owner), Arc::new(key), index + 1);
        for how in changes(number, made) {
            vault.state.alter(&lineage, &how, index).unwrap();
        }
        if made.destroyed {
            vault.state.destroy(&lineage, index).unwrap();
        }
    }
    vault
}

fn changes(number: u8, made: &Made) -> Vec<Alteration> {
    let staged = (0..made.staged).map(|profile| {
        let by = Principal::Enclave {
            measurement: Hash([number; 32]),
            platform: Hash([profile; 32]),
        };
        Alteration::Stage(Staged::new(&[number, profile], None, by))
    });
    let due_at = UnixSeconds(u64::from(number) + 7);
    let due = made.due.then_some(Alteration::Schedule(due_at));
    staged.chain(due).collect()
}

fn reading(payload: &[u8], workers: &dyn Workers) -> Result<Vault, Malformed> {
    let mut vault = empty();
    let opened = OpenedSnapshot {
        at: vault.queue.next,
        hash: Hash([0; 32]),
        payload: Zeroizing::new(payload.to_vec()),
    };
    read(&mut vault, &opened, &mut Counting(5), workers).map(|()| vault)
}

fn encoded(vault: &Vault) -> Vec<u8> {
    vault.snapshot().unwrap().unwrap().payload.to_vec()
}

const OTHERS: [&dyn Workers; 2] = [&Backwards, &AllAtOnce];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn many_hands_read_what_one_reads(keys in prop::collection::vec(made(), 0..30)) {
        let vault = vault(&keys);
        let payload = encoded(&vault);
        let one = reading(&payload, &OneByOne).unwrap();
        prop_assert_eq!(one.state_digest(), vault.state_digest());
        prop_assert_eq!(&encoded(&one), &payload);
        for workers in OTHERS {
            let many = reading(&payload, workers).unwrap();
            prop_assert_eq!(many.state_digest(), vault.state_digest());
            // Secrets too.
            prop_assert_eq!(&encoded(&many), &payload);
            for slot in vault.state.slots().iter() {
                let found = many.state.by_lineage(&slot.subject().lineage).unwrap();
                prop_assert_eq!(found.subject(), slot.subject());
                prop_assert_eq!(found.info(), slot.info());
            }
        }
    }
}

#[test]
fn a_damaged_snapshot_is_to_many_hands_what_it_is_to_one() {
    let keys: Vec<Made> = (0..12)
        .map(|number| Made {
            key_type: KeyType::ALL[number % KeyType::ALL.len()],
            owner: (number % 3) as u8,
            name: number % 2 == 0,
            labels: number % 3,
            destroyed: number % 4 == 0,
            staged: (number % 3) as u8,
            due: number % 5 == 0,
        })
        .collect();
    let payload = encoded(&vault(&keys));
    let mut refused = 0;
    let mut check = |payload: &[u8]| {
        let [one, many] =
            [&OneByOne as &dyn Workers, &Backwards].map(|workers| reading(payload, workers));
        refused += usize::from(one.is_err());
        match (one, many) {
            (Ok(one), Ok(many)) => assert_eq!(encoded(&one), encoded(&many)),
            (one, many) => assert_eq!(one.err(), many.err()),
        }
    };
    for at in (0..payload.len()).step_by(11) {
        let mut damaged = payload.clone();
        damaged[at] ^= 1 << (at % 8);
        check(&damaged);
        check(&payload[..at]);
    }
    assert!(refused > payload.len() / 11);
}

/// Neither marks nor remembered calls stood in it, so that nothing but its number tells it from format 4.
#[test]
fn a_snapshot_of_format_3_opens() {
    let plain = |number: usize| Made {
        key_type: KeyType::ALL[number % KeyType::ALL.len()],
        owner: 1,
        name: true,
        labels: 1,
        destroyed: number == 3,
        staged: 0,
        due: false,
    };
    let vault = vault(&(0..6).map(plain).collect::<Vec<_>>());
    let mut payload = encoded(&vault);
    assert_eq!(payload[0], 4);
    payload[0] = 3;
    let read = reading(&payload, &OneByOne).unwrap();
    assert_eq!(read.state_digest(), vault.state_digest());
    payload[0] = 5;
    assert!(reading(&payload, &OneByOne).is_err());
}

/// What is due is found again in the order in which it is due, and what is owned is counted the same.
#[test]
fn a_vault_that_was_read_back_destroys_and_counts_what_the_first_one_would_have() {
    let some = |number: usize| Made {
        key_type: KeyType::HmacSha256,
        owner: 1,
        name: true,
        labels: 1,
        destroyed: false,
        staged: (number % 3) as u8,
        due: number.is_multiple_of(2),
    };
    let vault = vault(&(0..9).map(some).collect::<Vec<_>>());
    let read = reading(&encoded(&vault), &OneByOne).unwrap();
    for state in [&vault.state, &read.state] {
        assert!(state.due(UnixSeconds(6)).is_none());
        assert_eq!(
            state.due(UnixSeconds(7)).unwrap().info().created_at,
            UnixSeconds(0)
        );
    }
    let bytes = |vault: &Vault| vault.state.owned(&subject(1)).unwrap().held;
    assert_eq!(bytes(&read), bytes(&vault));
}
