//! Requests: the messages of every service, those of a stream and of a batch, what a governance quorum
//! hands in, and the headers that say who calls. What maps is put to a vault, whoever asks.

use crate::golden::{ISSUER, MemoryLog, NOW, Owned, Sevens, flush};
use http::{HeaderMap, HeaderValue};
use std::sync::LazyLock;
use vault_audit::Entry;
use vault_core::api::CreateKey;
use vault_core::authn::token::TokenProof;
use vault_core::{Answer, CallContext, Caller, Code, Position, Refusal, Reply, Request, Vault};
use vault_policy::{
    KeyHandle, KeyType, OidcSubject, SenderConstraint, TemplateArgs, TokenFacts, UnixSeconds,
    template,
};
use vault_server::fuzzing::{Asked, KINDS, asked, batch, credentials, operate, reconfigure};
use zeroize::Zeroizing;

static LOG: LazyLock<Vec<(Position, Vec<u8>)>> = LazyLock::new(|| {
    let owned = Owned::of(&[7; 32]);
    let mut vault = owned.boot(None, &[]).expect("an empty log");
    let mut log = MemoryLog::default();
    flush(&mut vault, &mut log);
    for (number, key_type) in (1..).zip(KeyType::ALL) {
        let create = Request::CreateKey(creation(key_type, number));
        let made = perform(&mut vault, &mut log, &caller(0), create, CallContext::default());
        assert!(matches!(made.map(|reply| reply.answer), Ok(Answer::CreateKey(_))));
    }
    log.0
});

/// An owner's, in canonical form.
pub(crate) fn policy(key_type: KeyType) -> Vec<u8> {
    let args = TemplateArgs::new(subject("alice"), key_type);
    template("owner", &args).expect("a template").canonical_bytes().to_vec()
}

/// The change by which a vault makes such a key.
pub(crate) fn created(key_type: KeyType, number: u8) -> Vec<u8> {
    let owned = Owned::of(&[7; 32]);
    let mut vault = owned.boot(None, &[]).expect("an empty log");
    let mut log = MemoryLog::default();
    let create = Request::CreateKey(creation(key_type, number));
    let context = CallContext {
        idempotency_key: "once".into(),
        ..CallContext::default()
    };
    let made = perform(&mut vault, &mut log, &caller(0), create, context);
    assert!(made.is_ok());
    let (_, payload) = log.0.last().expect("a group");
    crate::seeds::changes(payload).pop().expect("a change")
}

/// Keys are known by their numbers: the handle of the first is 16 times 1.
fn creation(key_type: KeyType, number: u8) -> CreateKey {
    CreateKey {
        handle: KeyHandle([number; 16]),
        key_type,
        name: format!("key {number}"),
        policy: policy(key_type),
        labels: Vec::new(),
        share: (key_type == KeyType::RawShare).then(|| Zeroizing::new(vec![number; 320])),
    }
}

fn subject(name: &str) -> OidcSubject {
    OidcSubject {
        issuer: ISSUER.into(),
        subject: name.into(),
    }
}

/// An owner, another one, an auditor, a service, and somebody whose issuer is unknown.
fn caller(who: u8) -> Caller {
    let (name, role, issuer) = match who % 5 {
        0 => ("alice", "vault:owner", ISSUER),
        1 => ("bob", "vault:owner", ISSUER),
        2 => ("carol", "vault:auditor", ISSUER),
        3 => ("service", "", ISSUER),
        _ => ("alice", "vault:owner", "https://other.test"),
    };
    let facts = TokenFacts {
        issuer: issuer.into(),
        subject: name.into(),
        roles: [role.to_owned()].into(),
        expires_at: UnixSeconds(1_800_003_600),
        constraint: SenderConstraint::Dpop,
    };
    Caller::new(Some(TokenProof::assertion(facts)), None).expect("a caller")
}

fn perform(
    vault: &mut Vault,
    log: &mut MemoryLog,
    who: &Caller,
    request: Request,
    context: CallContext,
) -> Result<Reply, Refusal> {
    let judged = vault.authorize(who, request, &context, NOW);
    let pending = vault.record(judged.operate(&mut Sevens));
    flush(vault, log);
    let durable = vault.durable().expect("a head");
    match pending.release(durable) {
        Ok(outcome) => outcome,
        Err(_) => panic!("not released although everything is durable"),
    }
}

/// One input: the kind of message and who sends it, then the message.
pub fn run(data: &[u8]) {
    let [kind, who, body @ ..] = data else {
        return;
    };
    let calls: Vec<Asked> = match kind % (KINDS + 4) {
        kind if kind < KINDS => asked(kind, body).into_iter().collect(),
        kind if kind == KINDS => operate(body).into_iter().map(|(_, call)| call).collect(),
        kind if kind == KINDS + 1 => {
            let calls = batch(body).unwrap_or_default();
            calls.into_iter().map(|(_, call)| call).collect()
        }
        kind if kind == KINDS + 2 => {
            let _ = reconfigure(body);
            return;
        }
        _ => return headers(body),
    };
    let mut mapped = Vec::new();
    for call in calls {
        match call {
            Ok(call) => mapped.push(call),
            Err(refusal) => assert_eq!(refusal.code, Code::InvalidArgument),
        }
    }
    if !mapped.is_empty() {
        put(&caller(*who), mapped);
    }
}

/// To a vault that has a key of every type: what it logs reads, and says what happened.
fn put(who: &Caller, calls: Vec<(Request, CallContext)>) {
    let owned = Owned::of(&[7; 32]);
    let mut vault = owned.boot(None, &LOG).expect("a log");
    let mut log = MemoryLog(LOG.clone());
    flush(&mut vault, &mut log);
    for (request, context) in calls {
        let (keys, size) = (vault.census(), vault.size());
        let may_change =
            matches!(request, Request::CreateKey(_) | Request::ScheduleDeletion(_));
        let outcome = perform(&mut vault, &mut log, who, request, context);
        let changed = vault.census() != keys;
        assert!(!changed || (may_change && outcome.is_ok()), "a refused call changed a key");
        for index in size..vault.size() {
            let leaf = vault.leaf(index).expect("a leaf in memory");
            let entry = Entry::from_leaf(&leaf).expect("an entry");
            assert_eq!(entry.to_leaf().expect("an entry"), *leaf);
            assert!(entry.operation == "create_key" || !changed || entry.allowed);
        }
    }
    let again = owned.boot(None, &log.0).expect("what a vault wrote");
    assert_eq!(again.census(), vault.census());
    assert_eq!(again.root_at(vault.size()), vault.root_at(vault.size()));
}

/// Lines of headers, `a` for Authorization and `d` for DPoP. At most one token is taken, and only
/// with what belongs to it.
fn headers(body: &[u8]) {
    let mut headers = HeaderMap::new();
    let mut tokens = 0;
    let mut proofs = 0;
    for line in body.split(|byte| *byte == b'\n') {
        let Some((name, value)) = line.split_first() else {
            continue;
        };
        let Ok(value) = HeaderValue::from_bytes(value) else {
            continue;
        };
        match name {
            b'a' => {
                tokens += 1;
                headers.append("authorization", value);
            }
            b'd' => {
                proofs += 1;
                headers.append("dpop", value);
            }
            _ => {}
        }
    }
    match credentials(&headers) {
        Ok([None, _]) => assert_eq!(tokens, 0),
        Ok([Some(_), proof]) => {
            assert_eq!(tokens, 1);
            assert_eq!(proofs, usize::from(proof.is_some()));
        }
        Err(refusal) => assert_eq!(refusal.code, Code::Unauthenticated),
    }
}
