//! Statements, requests and files of tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vault_approval::{
    ApprovalRequest, Digested, Nonce, Requester, RequesterPrincipal, SignatureForm, SignedInput,
    Statement,
};
use vault_encoding::{Canonical, Hash, Json, Limits, sha256};
use vault_policy::{
    KeyHandle, KeyVersion, Lineage, Measurement, OidcSubject, PlatformId, PolicyHash,
    PolicyVersion, TdMeasurement, UnixSeconds, VaultId,
};

pub(crate) fn hash(text: &str) -> Hash {
    sha256(text.as_bytes())
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/approval")
}

pub(crate) fn read(name: &str) -> Json {
    let limits = Limits {
        bytes: 4 << 20,
        depth: 16,
        nodes: 1 << 16,
    };
    let bytes = std::fs::read(folder().join(name)).unwrap();
    Json::parse(&bytes, limits).unwrap()
}

pub(crate) fn items(json: &Json) -> &[Json] {
    match json {
        Json::List(items) => items,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    let value = json.get(name).unwrap_or_else(|| panic!("{name}"));
    value.as_text().unwrap()
}

pub(crate) fn bytes(json: &Json, name: &str) -> Vec<u8> {
    vault_encoding::text::unbase64url(text(json, name)).unwrap()
}

pub(crate) fn hex(json: &Json, name: &str) -> Hash {
    Hash::from_hex(text(json, name)).unwrap()
}

pub(crate) fn subject(name: &str) -> OidcSubject {
    OidcSubject {
        issuer: "https://issuer.example".into(),
        subject: name.into(),
    }
}

/// One of every operation.
pub(crate) fn requests() -> Vec<ApprovalRequest> {
    let key_version = KeyVersion(1);
    let payload = Digested::of(b"pay 100 to bob");
    let aad = Digested::of(b"");
    let format = SignatureForm::Der;
    let profile_digest = hash("profile");
    let policy_version = PolicyVersion(3);
    vec![
        ApprovalRequest::Sign {
            key_version,
            payload,
            format,
        },
        ApprovalRequest::Sign {
            key_version,
            payload,
            format: SignatureForm::P1363,
        },
        ApprovalRequest::SignDigest {
            key_version,
            payload: Digested::of(hash("pay 100 to bob").as_bytes()),
            format,
        },
        ApprovalRequest::Verify {
            key_version: KeyVersion(2),
            input: SignedInput::Message,
            payload,
            format,
            signature_sha256: hash("signature"),
        },
        ApprovalRequest::Verify {
            key_version,
            input: SignedInput::Digest,
            payload: Digested::of(hash("message").as_bytes()),
            format,
            signature_sha256: hash("signature"),
        },
        ApprovalRequest::Wrap {
            key_version,
            aad,
            payload,
        },
        ApprovalRequest::Unwrap {
            key_version: KeyVersion(0),
            aad: Digested::of(b"associated"),
            payload,
        },
        ApprovalRequest::Mac {
            key_version,
            payload,
        },
        ApprovalRequest::MacVerify {
            key_version,
            payload,
            tag_sha256: hash("tag"),
        },
        ApprovalRequest::GetPublicKey { key_version },
        ApprovalRequest::Reconstruct { key_version },
        ApprovalRequest::DeleteKey { window: 86_400 },
        ApprovalRequest::CancelDeletion,
        ApprovalRequest::UpdatePolicy {
            expected_version: PolicyVersion(3),
            new_policy_hash: PolicyHash(hash("new policy")),
        },
        ApprovalRequest::StageProfile {
            policy_version,
            profile_digest,
        },
        ApprovalRequest::PromoteProfile {
            policy_version,
            profile_digest,
        },
        ApprovalRequest::RevokeProfile { profile_digest },
    ]
}

/// The statement of one vault.
pub(crate) fn statement(vault: u8, request: ApprovalRequest) -> Statement {
    Statement {
        constellation: Some(hash("constellation")),
        handle: KeyHandle([0x11; 16]),
        lineage: Lineage(hash(&format!("lineage {vault}"))),
        nonce: Nonce(hash(&format!("nonce {vault}")).0),
        not_after: UnixSeconds(1_800_003_600),
        policy_hash: PolicyHash(hash("policy")),
        policy_version: PolicyVersion(3),
        request,
        requester: Requester {
            principals: BTreeSet::from([RequesterPrincipal::Oidc(subject("ann"))]),
            tls_client_key: Some(hash("tls client key")),
        },
        vault_id: VaultId(hash(&format!("vault {vault}"))),
    }
}

/// Every kind of principal, texts that need escapes, and no constellation.
pub(crate) fn statements() -> Vec<Statement> {
    let mut all: Vec<_> = requests()
        .into_iter()
        .map(|request| statement(0, request))
        .collect();
    let plain = all[0].clone();
    let enclave = RequesterPrincipal::Enclave {
        measurement: Measurement(hash("measurement")),
        platform: PlatformId(hash("platform")),
    };
    let certificate = RequesterPrincipal::Certificate { spki: hash("spki") };
    let odd = RequesterPrincipal::Oidc(subject("\"ann\" \\ é 😀"));
    let mut several = plain.clone();
    several
        .requester
        .principals
        .extend([enclave.clone(), certificate]);
    let mut alone = plain.clone();
    alone.constellation = None;
    alone.requester = Requester {
        principals: BTreeSet::from([enclave]),
        tls_client_key: None,
    };
    let mut escaped = plain;
    escaped.requester.principals = BTreeSet::from([odd]);
    let mut domain = all[0].clone();
    domain.requester.principals = BTreeSet::from([RequesterPrincipal::Td {
        mrtd: TdMeasurement([0x44; 48]),
        platform: PlatformId(hash("platform")),
        rtmrs: Box::new([0, 1, 2, 3].map(|byte| TdMeasurement([byte; 48]))),
    }]);
    all.extend([several, alone, escaped, domain]);
    all
}

/// A file that people can read; what it says is canonical only in its texts.
pub(crate) fn pretty(value: &Canonical, indent: usize, out: &mut String) {
    let pad = "  ".repeat(indent + 1);
    let close = "  ".repeat(indent);
    let text = |value: &Canonical| String::from_utf8(value.to_bytes()).unwrap();
    match value {
        Canonical::Text(_) => out.push_str(&text(value)),
        Canonical::List(items) if items.is_empty() => out.push_str("[]"),
        Canonical::List(items) => {
            out.push_str("[\n");
            for (number, item) in items.iter().enumerate() {
                out.push_str(if number > 0 { ",\n" } else { "" });
                out.push_str(&pad);
                pretty(item, indent + 1, out);
            }
            out.push_str(&format!("\n{close}]"));
        }
        Canonical::Map(members) => {
            out.push_str("{\n");
            for (number, (name, item)) in members.iter().enumerate() {
                out.push_str(if number > 0 { ",\n" } else { "" });
                out.push_str(&format!("{pad}{}: ", text(&Canonical::text(name))));
                pretty(item, indent + 1, out);
            }
            out.push_str(&format!("\n{close}}}"));
        }
    }
}
