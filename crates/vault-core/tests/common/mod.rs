//! A vault with its log in memory, and people who call it.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod changing;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault_audit::LogKey;
use vault_core::api::{
    CreateKey, KeyInfo, KeyRef, Label, Mac, MacVerify, Payload, ScheduleDeletion, Sign, Unwrap,
    Verify, Wrap,
};
use vault_core::authn::token::TokenProof;
use vault_core::{
    Answer, BootError, BootInput, CallContext, Caller, CheckpointSigner, Code, CommitFault,
    DurableLog, Limits, LoggedGroup, OpenedSnapshot, Position, Quota, Refusal, Reply, Request, Rng,
    RoleNames, SignatureFormat, TimeMode, TimeReading, Vault, VaultConfig, commit,
};
use vault_encoding::Hash;
use vault_policy::{
    KeyHandle, KeyPolicy, KeyType, OidcSubject, SenderConstraint, TemplateArgs, TokenFacts,
    UnixSeconds, template,
};
use zeroize::Zeroizing;

pub(crate) const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));
pub(crate) const ISSUER: &str = "https://issuer.test";

pub(crate) struct Counter(pub(crate) u64);

impl Rng for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for slot in out {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            *slot = (self.0 >> 56) as u8;
        }
    }
}

pub(crate) struct Identity(Ed25519KeyPair);

impl CheckpointSigner for Identity {
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], CommitFault> {
        Ok(self.0.sign(text).as_ref().try_into().unwrap())
    }
}

/// Keeps groups as a store would hand them back.
#[derive(Default)]
pub(crate) struct MemoryLog(pub(crate) Vec<(Position, Vec<u8>)>);

impl DurableLog for MemoryLog {
    fn append(&mut self, at: &Position, payload: &[u8]) -> Result<(), CommitFault> {
        assert_eq!(at.sequence, self.0.len() as u64);
        self.0.push((*at, payload.to_vec()));
        Ok(())
    }
}

pub(crate) fn groups(log: &[(Position, Vec<u8>)]) -> Vec<LoggedGroup> {
    log.iter()
        .map(|(at, payload)| LoggedGroup {
            at: *at,
            payload: Zeroizing::new(payload.clone()),
        })
        .collect()
}

pub(crate) fn config() -> VaultConfig {
    let roles = RoleNames::default();
    let granted = BTreeSet::from([roles.owner.clone(), roles.auditor.clone()]);
    VaultConfig {
        constellation: None,
        issuers: BTreeMap::from([(ISSUER.to_owned(), granted)]),
        roles,
        time_mode: TimeMode::Host,
        clock_skew: 5,
        limits: Limits {
            owner: Quota {
                keys: 8,
                share_bytes: 2 << 20,
                text_bytes: 16 << 10,
            },
            leaves_per_bundle: 4,
            ..Limits::default()
        },
        trust_root: Hash([1; 32]),
        operational_root: Hash([2; 32]),
    }
}

pub(crate) fn signer(seed: u8) -> (Arc<Identity>, LogKey) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let key = LogKey::from_public(pair.public_key().as_ref().try_into().unwrap());
    (Arc::new(Identity(pair)), key)
}

pub(crate) fn boot(
    snapshot: Option<OpenedSnapshot>,
    log: &[(Position, Vec<u8>)],
) -> Result<Vault, BootError> {
    let (signer, key) = signer(7);
    let input = BootInput {
        identity_spki: key.to_spki(),
        signer,
        config: config(),
        boot_id: [9; 16],
        snapshot,
        groups: groups(log),
        now: NOW,
    };
    Vault::boot(input, &mut Counter(5))
}

pub(crate) struct Bench {
    pub(crate) vault: Vault,
    pub(crate) log: MemoryLog,
    pub(crate) rng: Counter,
    pub(crate) now: TimeReading,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::over(Vec::new())
    }

    /// A vault that has read these groups, with its boot entry durable.
    pub(crate) fn over(log: Vec<(Position, Vec<u8>)>) -> Self {
        let vault = boot(None, &log).unwrap();
        let mut bench = Self {
            vault,
            log: MemoryLog(log),
            rng: Counter(3),
            now: NOW,
        };
        bench.commit();
        bench
    }

    pub(crate) fn commit(&mut self) {
        while let Some(group) = self.vault.take_group() {
            let committed = commit(group, &mut self.log).unwrap();
            self.vault.settle(&committed);
        }
    }

    pub(crate) fn with(
        &mut self,
        who: &Caller,
        request: Request,
        context: CallContext,
    ) -> Result<Reply, Refusal> {
        let judged = self.vault.authorize(who, request, &context, self.now);
        let done = judged.operate(&mut self.rng);
        let pending = self.vault.record(done);
        self.commit();
        match pending.release(self.vault.durable().unwrap()) {
            Ok(outcome) => outcome,
            Err(_) => panic!("not released although everything is durable"),
        }
    }

    pub(crate) fn call(&mut self, who: &Caller, request: Request) -> Result<Reply, Refusal> {
        self.with(
            who,
            request,
            CallContext {
                want_proof: true,
                ..CallContext::default()
            },
        )
    }

    pub(crate) fn create(
        &mut self,
        who: &str,
        key_type: KeyType,
        template: &str,
        number: u8,
    ) -> KeyInfo {
        let reply = self.call(
            &bound(who, SenderConstraint::Dpop),
            Request::CreateKey(creation(who, key_type, template, number)),
        );
        match reply.unwrap().answer {
            Answer::CreateKey(info) => info,
            _ => panic!("another answer"),
        }
    }

    pub(crate) fn log_key(&self) -> LogKey {
        signer(7).1
    }

    /// The operations, verdicts and reasons in the log.
    pub(crate) fn entries(&self) -> Vec<vault_audit::Entry> {
        (0..self.vault.size())
            .map(|index| vault_audit::Entry::from_leaf(&self.vault.leaf(index).unwrap()).unwrap())
            .collect()
    }
}

pub(crate) fn subject(name: &str) -> OidcSubject {
    OidcSubject {
        issuer: ISSUER.into(),
        subject: name.into(),
    }
}

pub(crate) fn policy(who: &str, key_type: KeyType, name: &str) -> KeyPolicy {
    let mut args = TemplateArgs::new(subject(who), key_type);
    args.service = (name == "service").then(|| subject("service"));
    template(name, &args).unwrap()
}

pub(crate) fn creation(who: &str, key_type: KeyType, template: &str, number: u8) -> CreateKey {
    CreateKey {
        handle: KeyHandle([number; 16]),
        key_type,
        name: format!("key {number}"),
        policy: policy(who, key_type, template).canonical_bytes().to_vec(),
        labels: vec![Label {
            name: "team".into(),
            value: "blue".into(),
        }],
        share: (key_type == KeyType::RawShare).then(|| Zeroizing::new(vec![number; 320])),
    }
}

pub(crate) fn person(name: &str, roles: &[&str]) -> Caller {
    Caller::new(Some(token(name, roles, SenderConstraint::None)), None).unwrap()
}

/// An owner whose token is bound to its sender.
pub(crate) fn bound(name: &str, constraint: SenderConstraint) -> Caller {
    Caller::new(Some(token(name, &["vault:owner"], constraint)), None).unwrap()
}

pub(crate) fn token(name: &str, roles: &[&str], constraint: SenderConstraint) -> TokenProof {
    TokenProof::assertion(TokenFacts {
        issuer: ISSUER.into(),
        subject: name.into(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        expires_at: UnixSeconds(1_800_003_600),
        constraint,
    })
}

pub(crate) fn owner(name: &str) -> Caller {
    person(name, &["vault:owner"])
}

pub(crate) fn own(info: &KeyInfo) -> KeyRef {
    KeyRef {
        handle: info.handle,
        lineage: None,
    }
}

pub(crate) fn pinned(info: &KeyInfo) -> KeyRef {
    KeyRef {
        handle: info.handle,
        lineage: Some(info.lineage),
    }
}

pub(crate) fn sign(key: KeyRef) -> Request {
    Request::Sign(Sign {
        key,
        input: Payload::Message(b"message".to_vec()),
        format: SignatureFormat::P1363,
    })
}

pub(crate) fn code(outcome: Result<Reply, Refusal>) -> Code {
    outcome.map(|_| ()).unwrap_err().code
}

/// Every request about one key.
pub(crate) fn about(key: KeyRef) -> Vec<Request> {
    let message = vec![1; 4];
    let input = || Payload::Message(vec![1; 4]);
    let format = SignatureFormat::P1363;
    vec![
        Request::GetKey { key },
        Request::GetPolicy { key },
        Request::GetPublicKey { key, version: None },
        Request::Reconstruct { key },
        Request::ScheduleDeletion(ScheduleDeletion { key, window: 0 }),
        Request::Sign(Sign {
            key,
            input: input(),
            format,
        }),
        Request::Sign(Sign {
            key,
            input: Payload::Digest(vec![0; 32]),
            format,
        }),
        Request::Verify(Verify {
            key,
            input: input(),
            format,
            signature: vec![0; 64],
            version: None,
        }),
        Request::Wrap(Wrap {
            key,
            plaintext: Zeroizing::new(message.clone()),
            aad: vec![],
        }),
        Request::Unwrap(Unwrap {
            key,
            ciphertext: vec![0; 100],
            aad: vec![],
        }),
        Request::Mac(Mac {
            key,
            message: message.clone(),
        }),
        Request::MacVerify(MacVerify {
            key,
            message,
            tag: vec![0; 32],
            version: None,
        }),
    ]
}
