//! The ways in which a use of an approval can differ from what was begun and signed.

use crate::authenticator::Unsigned;
use crate::common::Bench;
use crate::world::{Managers, TLS_KEY, caller, service, sign};
use vault_approval::{
    Approval, ApprovalRequest, Nonce, Proof, RequesterPrincipal, SignatureForm, Statement,
};
use vault_core::api::KeyInfo;
use vault_core::{Caller, Request, SignatureFormat, TimeReading};
use vault_encoding::{Hash, text::base64url};
use vault_policy::{KeyHandle, KeyVersion, OidcSubject, PolicyVersion, UnixSeconds, VaultId};

/// Everything of one use.
pub(crate) struct Use {
    /// What is signed: the vault gave out another one.
    pub(crate) statement: Statement,
    /// What of the signed assertion is false.
    pub(crate) unsigned: Vec<fn(&mut Unsigned)>,
    /// What is false of what is brought.
    pub(crate) brought: Vec<fn(&mut Approval)>,
    /// Who calls.
    pub(crate) caller: Caller,
    /// What is asked.
    pub(crate) request: Request,
    /// On the other vault.
    pub(crate) elsewhere: bool,
    /// When.
    pub(crate) now: TimeReading,
}

/// The vault's keys: two under one policy, one under another.
pub(crate) struct Keys {
    pub(crate) first: KeyInfo,
    pub(crate) second: KeyInfo,
    pub(crate) other: KeyInfo,
}

pub(crate) type Mutation = (&'static str, fn(&mut Use, &Keys));

/// Bound fields of the statement: signed otherwise than begun.
pub(crate) const SIGNED: &[Mutation] = &[
    ("constellation", |u, _| {
        u.statement.constellation = Some(Hash([1; 32]))
    }),
    ("handle", |u, _| u.statement.handle = KeyHandle([0x99; 16])),
    ("lineage", |u, k| u.statement.lineage = k.second.lineage),
    ("nonce", |u, _| u.statement.nonce = Nonce([1; 32])),
    ("not_after", |u, _| u.statement.not_after.0 += 1),
    ("policy_hash", |u, k| {
        u.statement.policy_hash = k.other.policy_hash
    }),
    ("policy_version", |u, _| {
        u.statement.policy_version = PolicyVersion(2)
    }),
    ("vault_id", |u, _| {
        u.statement.vault_id = VaultId(Hash([1; 32]))
    }),
    ("tls_client_key", |u, _| {
        u.statement.requester.tls_client_key = Some(Hash([1; 32]))
    }),
    ("no tls_client_key", |u, _| {
        u.statement.requester.tls_client_key = None
    }),
    ("another requester", |u, _| {
        u.statement.requester.principals = [RequesterPrincipal::Oidc(OidcSubject {
            issuer: crate::common::ISSUER.into(),
            subject: "mallory".into(),
        })]
        .into();
    }),
    ("one more principal", |u, _| {
        let certificate = RequesterPrincipal::Certificate {
            spki: Hash([1; 32]),
        };
        u.statement.requester.principals.insert(certificate);
    }),
    ("operation", |u, _| {
        u.statement.request = match u.statement.request.clone() {
            ApprovalRequest::Sign {
                key_version,
                payload,
                format,
            } => ApprovalRequest::SignDigest {
                key_version,
                payload,
                format,
            },
            other => other,
        };
    }),
    ("key_version", |u, _| {
        if let ApprovalRequest::Sign { key_version, .. } = &mut u.statement.request {
            *key_version = KeyVersion(2);
        }
    }),
    ("payload_length", |u, _| {
        if let ApprovalRequest::Sign { payload, .. } = &mut u.statement.request {
            payload.length += 1;
        }
    }),
    ("payload_sha256", |u, _| {
        if let ApprovalRequest::Sign { payload, .. } = &mut u.statement.request {
            payload.sha256.0[0] ^= 1;
        }
    }),
    ("signature_format", |u, _| {
        if let ApprovalRequest::Sign { format, .. } = &mut u.statement.request {
            *format = SignatureForm::Der;
        }
    }),
];

/// The assertion: made otherwise than it must be.
pub(crate) const ASSERTED: &[Mutation] = &[
    ("type", |u, _| {
        u.unsigned.push(|a| a.kind = "webauthn.create".into())
    }),
    ("challenge", |u, _| {
        u.unsigned.push(|a| a.challenge = base64url(&[0; 32]))
    }),
    ("origin", |u, _| {
        u.unsigned
            .push(|a| a.origin = "https://evil.example".into())
    }),
    ("crossOrigin", |u, _| {
        u.unsigned.push(|a| a.cross_origin = Some("true".into()))
    }),
    ("topOrigin", |u, _| {
        u.unsigned.push(|a| a.top_origin = Some(a.origin.clone()))
    }),
    ("rp_id", |u, _| {
        u.unsigned.push(|a| a.rp_id = "evil.example".into())
    }),
    ("user presence", |u, _| u.unsigned.push(|a| a.flags &= !1)),
    ("user verification", |u, _| {
        u.unsigned.push(|a| a.flags &= !4)
    }),
];

/// What a call brings: altered on its way.
pub(crate) const BROUGHT: &[Mutation] = &[
    ("brought nonce", |u, _| {
        u.brought.push(|a| a.nonce.0[0] ^= 1)
    }),
    ("salt", |u, _| u.brought.push(|a| a.salt[31] ^= 1)),
    ("index", |u, _| u.brought.push(|a| a.index ^= 1)),
    ("index beyond", |u, _| u.brought.push(|a| a.index += 16)),
    ("path", |u, _| u.brought.push(|a| a.path[3].0[0] ^= 1)),
    ("order of the path", |u, _| {
        u.brought.push(|a| a.path.reverse())
    }),
    ("no proof", |u, _| u.brought.push(|a| a.proofs.clear())),
    ("too many proofs", |u, _| {
        u.brought
            .push(|a| a.proofs = a.proofs.iter().cycle().take(17).cloned().collect());
    }),
    ("credential", |u, _| {
        u.brought
            .push(|a| assertion(a, |p| p.credential_id[0] ^= 1))
    }),
    ("authenticator data", |u, _| {
        u.brought
            .push(|a| assertion(a, |p| *p.authenticator_data.last_mut().unwrap() ^= 1));
    }),
    ("client data", |u, _| {
        u.brought
            .push(|a| assertion(a, |p| p.client_data_json.push(b' ')))
    }),
    ("signature", |u, _| {
        u.brought
            .push(|a| assertion(a, |p| *p.signature.last_mut().unwrap() ^= 1));
    }),
];

fn assertion(approval: &mut Approval, change: fn(&mut vault_approval::Assertion)) {
    for proof in &mut approval.proofs {
        if let Proof::Fido2(assertion) = proof {
            change(assertion);
        }
    }
}

/// The call: another one than was begun.
pub(crate) const CALLED: &[Mutation] = &[
    ("another vault", |u, _| u.elsewhere = true),
    ("another key", |u, k| {
        u.request = again(u, |s| s.key = crate::world::pinned(&k.second))
    }),
    ("a key under another policy", |u, k| {
        u.request = again(u, |s| s.key = crate::world::pinned(&k.other));
    }),
    ("another message", |u, _| {
        u.request = again(u, |s| {
            s.input = vault_core::api::Payload::Message(b"pay 900 to bob".to_vec());
        });
    }),
    ("a longer message", |u, _| {
        u.request = again(u, |s| {
            s.input = vault_core::api::Payload::Message(b"pay 100 to bobby".to_vec());
        });
    }),
    ("another format", |u, _| {
        u.request = again(u, |s| s.format = SignatureFormat::Der)
    }),
    ("another operation", |u, _| {
        if let Request::Sign(sign) = &u.request {
            u.request = Request::GetPublicKey {
                key: sign.key,
                version: None,
            };
        }
    }),
    ("another connection", |u, _| {
        u.caller = caller("service", Some(Hash([0x72; 32])))
    }),
    ("a connection without a certificate", |u, _| {
        u.caller = caller("service", None)
    }),
    ("another caller", |u, _| {
        u.caller = caller("bob", Some(TLS_KEY))
    }),
    ("a stranger", |u, _| {
        u.caller = caller("mallory", Some(TLS_KEY))
    }),
    ("after its time", |u, _| u.now = later(3_600)),
    ("too late for the rule", |u, _| u.now = later(301)),
    ("at no time", |u, _| u.now = TimeReading::Failed),
];

fn again(of: &Use, change: impl FnOnce(&mut vault_core::api::Sign)) -> Request {
    match of.request.clone() {
        Request::Sign(mut sign) => {
            change(&mut sign);
            Request::Sign(sign)
        }
        other => other,
    }
}

fn later(seconds: u64) -> TimeReading {
    let TimeReading::Host(at) = crate::common::NOW else {
        panic!("the clock of the tests");
    };
    TimeReading::Host(UnixSeconds(at.0 + seconds))
}

/// Whether the nonce that was begun is spent by this use: it is brought, here, by who began it.
pub(crate) fn spends(name: &str) -> bool {
    !matches!(
        name,
        "brought nonce" | "another vault" | "another caller" | "a stranger"
    )
}

/// A use that is just as it was begun.
pub(crate) fn as_begun(statement: &Statement, keys: &Keys) -> Use {
    Use {
        statement: statement.clone(),
        unsigned: Vec::new(),
        brought: Vec::new(),
        caller: service(),
        request: sign(
            crate::world::pinned(&keys.first),
            crate::world::MESSAGE,
            SignatureFormat::P1363,
        ),
        elsewhere: false,
        now: crate::common::NOW,
    }
}

/// Makes the approval of a use.
pub(crate) fn approval(of: &Use, begun: &Statement, managers: &Managers) -> Approval {
    let bytes = of.statement.canonical_bytes();
    let mut approval = crate::world::approve_bytes(begun, &bytes, &[]);
    let root = {
        let leaf = vault_approval::statement_leaf(&approval.salt, &bytes);
        vault_approval::root_of(leaf, 0, &approval.path).unwrap()
    };
    let challenge = vault_approval::challenge_of(&root);
    let changes = of.unsigned.clone();
    let assertion = managers.bob.assert_with(&challenge, |unsigned| {
        for change in changes {
            change(unsigned);
        }
    });
    approval.proofs = vec![Proof::Fido2(assertion)];
    for change in &of.brought {
        change(&mut approval);
    }
    approval
}

/// Makes the call.
pub(crate) fn attempt(
    bench: &mut Bench,
    of: Use,
    approval: Approval,
) -> Result<vault_core::Reply, vault_core::Refusal> {
    bench.now = of.now;
    let outcome = bench.with(&of.caller, of.request, crate::world::with(approval));
    bench.now = crate::common::NOW;
    outcome
}
