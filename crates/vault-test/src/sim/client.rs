//! A client: makes requests, keeps the last head, checks every answer.

use crate::sim::changes;
use crate::sim::invariants::Violation;
use crate::sim::memory::{KnownKey, Memory};
use crate::sim::network::{Answered, Asked};
use crate::sim::people::Person;
use crate::sim::rng::SimRng;
use crate::sim::signatures::check_signature;
use std::collections::BTreeMap;
use vault_audit::{Checkpoint, LogKey, verify_receipt};
use vault_core::api::{
    CreateKey, KeyInfo, KeyRef, KeyState, Label, LoggedLeaf, Mac, MacVerify, Payload,
    ScheduleDeletion, SeenHead, Sign, Unwrap, Wrap,
};
use vault_core::{
    Answer, CallContext, Code, Receipt, Refusal, Reply, Request, Rng, SignatureFormat,
};
use vault_encoding::merkle::leaf_hash;
use vault_policy::{KeyHandle, KeyType, SHARE_CLASSES, VaultId};
use zeroize::Zeroizing;

/// One client with its memory.
pub struct Client {
    person: Person,
    vault_id: VaultId,
    seen: Option<SeenHead>,
    next: u64,
    open: BTreeMap<u64, Asked>,
}

impl Client {
    /// A client that has seen nothing.
    pub fn new(person: Person, vault_id: VaultId) -> Self {
        Self {
            person,
            vault_id,
            seen: None,
            next: 0,
            open: BTreeMap::new(),
        }
    }

    /// Whose.
    pub fn person(&self) -> Person {
        self.person
    }

    /// The head that it holds the vault to.
    pub fn seen(&self) -> Option<SeenHead> {
        self.seen
    }

    /// A new request, or an open one once more with the same idempotency key.
    pub(crate) fn send(
        &mut self,
        index: usize,
        memory: &Memory,
        rng: &mut SimRng,
    ) -> Option<Asked> {
        if rng.one_in(5) && !self.open.is_empty() {
            let position = rng.index(self.open.len());
            let mut again = self.open.values().nth(position)?.clone();
            again.context.seen = self.seen;
            return Some(again);
        }
        let request = self.choose(memory, rng)?;
        self.next += 1;
        let context = CallContext {
            idempotency_key: format!("{}", self.next),
            seen: self.seen,
            want_proof: rng.one_in(2),
            approval: None,
        };
        let asked = Asked {
            client: index,
            number: self.next,
            request,
            context,
        };
        self.open.insert(self.next, asked.clone());
        Some(asked)
    }

    fn choose(&self, memory: &Memory, rng: &mut SimRng) -> Option<Request> {
        match self.person {
            Person::Alice | Person::Bob => self.as_owner(memory, rng),
            Person::Service | Person::Stranger => {
                let key = rng.pick(&memory.keys)?;
                use_key(key, pinned(key), memory, rng)
            }
            Person::Auditor => {
                let size = self.seen.map_or(1, |seen| seen.size);
                Some(match rng.below(3) {
                    0 => Request::ReadLog { from: 0, to: 0 },
                    1 => Request::ProveInclusion {
                        index: rng.below(size),
                        size,
                    },
                    _ => Request::ProveConsistency {
                        old_size: 1 + rng.below(size),
                        new_size: size,
                    },
                })
            }
        }
    }

    fn as_owner(&self, memory: &Memory, rng: &mut SimRng) -> Option<Request> {
        let own: Vec<_> = memory
            .keys
            .iter()
            .filter(|key| key.owner == self.person)
            .collect();
        match rng.below(10) {
            0 | 1 if own.len() < 6 => self.create(rng),
            2 => Some(Request::ListKeys(Default::default())),
            3 if rng.one_in(2) => {
                let key = KeyRef {
                    handle: rng.pick(&own)?.handle,
                    lineage: None,
                };
                Some(Request::ScheduleDeletion(ScheduleDeletion {
                    key,
                    window: 0,
                }))
            }
            4..=6 => {
                let key = rng.pick(&own)?;
                changes::choose(key, unpinned(key), rng)
            }
            _ => match rng.pick(&own) {
                Some(key) => use_key(key, unpinned(key), memory, rng),
                None => self.create(rng),
            },
        }
    }

    fn create(&self, rng: &mut SimRng) -> Option<Request> {
        let mut handle = [0; 16];
        rng.fill(&mut handle);
        let [first, ..] = handle;
        // P-256 costs more than everything else of a run: now and then is enough.
        let key_type = match (first, rng.below(8)) {
            (0..32, _) => KeyType::RawShare,
            (_, 0) => KeyType::P256Signing,
            (_, 1..=3) => KeyType::Ed25519Signing,
            (_, 4 | 5) => KeyType::Aes256Gcm,
            _ => KeyType::HmacSha256,
        };
        Some(Request::CreateKey(CreateKey {
            handle: KeyHandle(handle),
            key_type,
            name: format!("key {}", rng.below(12)),
            policy: self.person.policy(key_type)?.canonical_bytes().to_vec(),
            labels: vec![Label {
                name: "run".into(),
                value: "simulated".into(),
            }],
            share: (key_type == KeyType::RawShare).then(|| share_of(KeyHandle(handle))),
        }))
    }

    /// Takes an answer, or finds what is wrong with it. A repeated answer is checked again.
    pub(crate) fn receive(
        &mut self,
        answered: Answered,
        memory: &mut Memory,
        key: &LogKey,
    ) -> Result<bool, Violation> {
        let asked = match self.open.remove(&answered.number) {
            Some(asked) => asked,
            None => return Ok(false),
        };
        match answered.outcome {
            Ok(reply) => {
                self.check_receipt(&reply.receipt, memory, key)?;
                self.check_answer(&asked, &reply, memory)?;
                Ok(true)
            }
            Err(refusal) => self
                .check_refusal(&asked, &refusal, memory, key)
                .map(|()| false),
        }
    }

    fn check_receipt(
        &mut self,
        receipt: &Receipt,
        memory: &mut Memory,
        key: &LogKey,
    ) -> Result<(), Violation> {
        let head = &receipt.head;
        let checkpoint = Checkpoint::verify(&head.checkpoint, key)
            .map_err(|error| Violation::of("every_receipt_verifies", error))?;
        if (checkpoint.size, checkpoint.root) != (head.size, head.root) {
            return Err(Violation::of(
                "every_receipt_verifies",
                "head and checkpoint differ",
            ));
        }
        if let Some(leaf) = &receipt.leaf {
            check_leaf(leaf, receipt, memory, key)?;
        }
        memory.saw(head.size, head.root);
        if self.seen.is_none_or(|seen| seen.size < head.size) {
            self.seen = Some(SeenHead {
                vault_id: self.vault_id,
                size: head.size,
                root: head.root,
            });
        }
        Ok(())
    }

    fn check_answer(
        &self,
        asked: &Asked,
        reply: &Reply,
        memory: &mut Memory,
    ) -> Result<(), Violation> {
        let rule = "answers_are_right";
        self.check_version(asked, reply, memory)?;
        match (&asked.request, &reply.answer) {
            (Request::CreateKey(create), Answer::CreateKey(info)) => {
                if info.handle != create.handle {
                    return Err(Violation::of(rule, "another handle"));
                }
                self.learn(info, memory);
            }
            (Request::ScheduleDeletion(deletion), Answer::ScheduleDeletion { state, .. })
                if *state == KeyState::Destroyed =>
            {
                let gone = find(memory, self.person, &deletion.key).map(|key| key.lineage);
                memory.destroyed.extend(gone);
            }
            (Request::Sign(sign), Answer::Sign { signature, .. }) => {
                let key = find(memory, self.person, &sign.key)
                    .ok_or_else(|| Violation::of(rule, "signed with an unknown key"))?;
                check_signature(key, sign, signature)?;
            }
            (Request::Wrap(wrap), Answer::Wrap { ciphertext, .. }) => {
                if let Some(key) = find(memory, self.person, &wrap.key) {
                    let entry = (key.lineage, ciphertext.clone(), wrap.plaintext.to_vec());
                    memory.wrapped.push(entry);
                }
            }
            (Request::Unwrap(unwrap), Answer::Unwrap { plaintext, .. }) => {
                let made = memory
                    .wrapped
                    .iter()
                    .find(|(_, made, _)| *made == unwrap.ciphertext);
                if made.is_none_or(|(_, _, known)| *known != **plaintext) {
                    return Err(Violation::of(rule, "unwrapped to something else"));
                }
            }
            (Request::Mac(mac), Answer::Mac { tag, .. }) => {
                if let Some(key) = find(memory, self.person, &mac.key) {
                    memory
                        .tagged
                        .push((key.lineage, mac.message.clone(), tag.clone()));
                }
            }
            (Request::Reconstruct { key }, Answer::Reconstruct { share, .. }) => {
                self.check_share(key, share)?;
                memory.fetched += 1;
            }
            (Request::MacVerify(_), Answer::MacVerify { valid: false }) => {
                return Err(Violation::of(rule, "its own tag is not valid"));
            }
            _ => {}
        }
        Ok(())
    }

    fn check_version(
        &self,
        asked: &Asked,
        reply: &Reply,
        memory: &mut Memory,
    ) -> Result<(), Violation> {
        if !changes::are_proposed(&reply.answer) {
            let detail = "a profile that nobody proposed";
            return Err(Violation::of("answers_are_right", detail));
        }
        let changed = matches!(
            reply.answer,
            Answer::UpdatePolicy { .. }
                | Answer::PromoteProfile { .. }
                | Answer::StageProfile { .. }
                | Answer::RevokeProfile
                | Answer::CancelDeletion { .. }
                | Answer::ScheduleDeletion {
                    due_at: Some(_),
                    ..
                }
        );
        memory.changed += u64::from(changed);
        let version = changes::version_in(&reply.answer);
        let key = changes::key_of(&asked.request);
        let known = key.and_then(|key| find(memory, self.person, key));
        let (Some(version), Some(lineage)) = (version, known.map(|key| key.lineage)) else {
            return Ok(());
        };
        let seen = asked.context.seen.map(|seen| seen.size);
        let told = (reply.receipt.head.size, version);
        changes::check(memory, lineage, seen, told, changed)
    }

    fn check_share(&self, key: &KeyRef, share: &[u8]) -> Result<(), Violation> {
        let wrong = if self.person.is_plain_bearer() {
            "a share for a plain bearer token"
        } else if *share != **share_of(key.handle) {
            "another share than was kept"
        } else {
            return Ok(());
        };
        Err(Violation::of("answers_are_right", wrong))
    }

    fn learn(&self, info: &KeyInfo, memory: &mut Memory) {
        if memory.keys.iter().any(|key| key.lineage == info.lineage) {
            return;
        }
        memory.keys.push(KnownKey {
            owner: self.person,
            handle: info.handle,
            lineage: info.lineage,
            key_type: info.key_type,
            public_key: info.public_key.clone(),
            version: info.policy_version,
        });
    }

    fn check_refusal(
        &mut self,
        asked: &Asked,
        refusal: &Refusal,
        memory: &mut Memory,
        key: &LogKey,
    ) -> Result<(), Violation> {
        match refusal.code {
            Code::RollbackDetected => {
                return Err(Violation::of(
                    "no_acknowledged_operation_is_lost",
                    "rollback",
                ));
            }
            Code::ForkDetected => {
                return Err(Violation::of("no_acknowledged_operation_is_lost", "fork"));
            }
            Code::Internal => return Err(Violation::of("the_vault_is_not_at_fault", "internal")),
            _ => {}
        }
        if self.person == Person::Stranger && asked_about_a_key(&asked.request) {
            let shapes = [
                Refusal::new(Code::NotFound),
                Refusal::new(Code::TimeUnknown),
            ];
            if !shapes.contains(refusal) {
                return Err(Violation::of(
                    "strangers_learn_nothing",
                    format!("{refusal:?}"),
                ));
            }
        }
        if let (Some(head), Some(leaf)) = (&refusal.head, &refusal.leaf) {
            let receipt = Receipt {
                head: head.clone(),
                leaf: Some(leaf.clone()),
            };
            self.check_receipt(&receipt, memory, key)?;
        }
        Ok(())
    }
}

fn asked_about_a_key(request: &Request) -> bool {
    !matches!(
        request,
        Request::WhoAmI | Request::GetCheckpoint | Request::ListKeys(_)
    )
}

fn check_leaf(
    leaf: &LoggedLeaf,
    receipt: &Receipt,
    memory: &mut Memory,
    key: &LogKey,
) -> Result<(), Violation> {
    let (Some(bytes), Some(proof)) = (&leaf.leaf, &leaf.proof) else {
        return Ok(());
    };
    let receipt = vault_audit::Receipt {
        leaf: bytes.clone(),
        request_salt: leaf.request_salt,
        index: leaf.index,
        proof: proof.clone(),
        checkpoint: receipt.head.checkpoint.to_vec(),
    };
    verify_receipt(&receipt, key)
        .map_err(|error| Violation::of("every_receipt_verifies", error))?;
    memory.leaves.insert(leaf.index, leaf_hash(bytes));
    Ok(())
}

/// The share that is kept under this handle: of a class that the handle picks, filled from it.
fn share_of(handle: KeyHandle) -> Zeroizing<Vec<u8>> {
    let [_, second, ..] = handle.0;
    let [small, middle, large, ..] = SHARE_CLASSES;
    let length = match second {
        0..16 => large,
        16..64 => middle,
        _ => small,
    };
    let bytes = handle.0.iter().cycle().take(length);
    Zeroizing::new(bytes.map(|byte| byte | 1).collect())
}

fn find<'a>(memory: &'a Memory, person: Person, key: &KeyRef) -> Option<&'a KnownKey> {
    memory.keys.iter().find(|known| match key.lineage {
        Some(lineage) => known.lineage == lineage,
        None => known.owner == person && known.handle == key.handle,
    })
}

fn pinned(key: &KnownKey) -> KeyRef {
    KeyRef {
        handle: key.handle,
        lineage: Some(key.lineage),
    }
}

fn unpinned(key: &KnownKey) -> KeyRef {
    KeyRef {
        handle: key.handle,
        lineage: None,
    }
}

fn use_key(key: &KnownKey, name: KeyRef, memory: &Memory, rng: &mut SimRng) -> Option<Request> {
    let mut message = vec![0; 8];
    rng.fill(&mut message);
    let of_key =
        |(lineage, _, _): &&(vault_policy::Lineage, Vec<u8>, Vec<u8>)| *lineage == key.lineage;
    Some(match key.key_type {
        _ if rng.one_in(8) => Request::GetKey { key: name },
        KeyType::P256Signing | KeyType::Ed25519Signing => Request::Sign(Sign {
            key: name,
            input: Payload::Message(message),
            format: SignatureFormat::P1363,
        }),
        KeyType::Aes256Gcm => match memory.wrapped.iter().rfind(of_key) {
            Some((_, ciphertext, _)) if rng.one_in(2) => Request::Unwrap(Unwrap {
                key: name,
                ciphertext: ciphertext.clone(),
                aad: Vec::new(),
            }),
            _ => Request::Wrap(Wrap {
                key: name,
                plaintext: Zeroizing::new(message),
                aad: Vec::new(),
            }),
        },
        KeyType::HmacSha256 => match memory.tagged.iter().rfind(of_key) {
            Some((_, tagged, tag)) if rng.one_in(2) => Request::MacVerify(MacVerify {
                key: name,
                message: tagged.clone(),
                tag: tag.clone(),
                version: None,
            }),
            _ => Request::Mac(Mac { key: name, message }),
        },
        KeyType::RawShare => Request::Reconstruct { key: name },
    })
}
