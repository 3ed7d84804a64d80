//! Who has no right to a key is told of it, by every method that names one, exactly what is told of a
//! key that does not exist: the same status, the same headers, the same bytes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;

use buffa::Message;
use ratls::tls::ClientKey;
use server_wire::{Wire, vault};
use std::collections::BTreeMap;
use std::sync::Arc;
use vault_approval::{ApprovalRequest, Digested, SignatureForm};
use vault_client::{CreateKey, KeyInfo};
use vault_policy::{
    AttestationProfile, CertificateIdentity, KeyHandle, KeyPolicy, KeyType, KeyVersion,
    NamedCertificate, OidcSubject, PrincipalName, TemplateArgs, template,
};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::{approval_proof, sign_request, verify_request};
use vault_test::issuer::{Client, Issuer, IssuerConfig};

const PROTOS: [(&str, &str); 5] = [
    (
        "KeyService",
        include_str!("../../../proto/enclavevaults/v1/key.proto"),
    ),
    (
        "CryptoService",
        include_str!("../../../proto/enclavevaults/v1/crypto.proto"),
    ),
    (
        "PolicyService",
        include_str!("../../../proto/enclavevaults/v1/policy.proto"),
    ),
    (
        "ApprovalService",
        include_str!("../../../proto/enclavevaults/v1/approval.proto"),
    ),
    (
        "ProfileService",
        include_str!("../../../proto/enclavevaults/v1/profile.proto"),
    ),
];

/// A key, the context of a call about it, and what the call sends along.
struct About {
    key: v1::KeyRef,
    context: v1::CallContext,
    policy: Vec<u8>,
}

type Field<T> = buffa::MessageField<T, buffa::Inline<T>>;

impl About {
    fn key(&self) -> Field<v1::KeyRef> {
        buffa::MessageField::some(self.key.clone())
    }

    fn context(&self) -> Field<v1::CallContext> {
        buffa::MessageField::some(self.context.clone())
    }
}

macro_rules! message {
    ($about:ident, $message:ident { $($field:ident: $value:expr),* }) => {
        v1::$message {
            context: $about.context(),
            key: $about.key(),
            $($field: $value,)*
            ..Default::default()
        }
        .encode_to_vec()
    };
}

/// One valid call of every method that names a key.
fn calls(about: &About) -> Vec<(&'static str, Vec<u8>)> {
    let p1363 = v1::SignatureFormat::SIGNATURE_FORMAT_P1363;
    let request = ApprovalRequest::Sign {
        key_version: KeyVersion(1),
        payload: Digested::of(b"m"),
        format: SignatureForm::P1363,
    };
    let sign = Some(sign_request::Input::Message(vec![1]));
    let verify = Some(verify_request::Input::Message(vec![1]));
    let tag = [2; 32];
    vec![
        ("KeyService/GetKey", message!(about, GetKeyRequest {})),
        (
            "KeyService/ScheduleDeletion",
            message!(about, ScheduleDeletionRequest { window: 60 }),
        ),
        (
            "KeyService/CancelDeletion",
            message!(about, CancelDeletionRequest {}),
        ),
        (
            "CryptoService/Sign",
            message!(
                about,
                SignRequest {
                    input: sign,
                    format: p1363.into()
                }
            ),
        ),
        (
            "CryptoService/Verify",
            message!(
                about,
                VerifyRequest {
                    input: verify,
                    format: p1363.into(),
                    signature: vec![1; 64]
                }
            ),
        ),
        (
            "CryptoService/Wrap",
            message!(about, WrapRequest { plaintext: vec![1] }),
        ),
        (
            "CryptoService/Unwrap",
            message!(
                about,
                UnwrapRequest {
                    ciphertext: vec![1; 80]
                }
            ),
        ),
        (
            "CryptoService/Mac",
            message!(about, MacRequest { message: vec![1] }),
        ),
        (
            "CryptoService/MacVerify",
            message!(
                about,
                MacVerifyRequest {
                    message: vec![1],
                    tag: tag.to_vec()
                }
            ),
        ),
        (
            "CryptoService/GetPublicKey",
            message!(about, GetPublicKeyRequest {}),
        ),
        (
            "CryptoService/Reconstruct",
            message!(about, ReconstructRequest {}),
        ),
        (
            "PolicyService/GetPolicy",
            message!(about, GetPolicyRequest {}),
        ),
        (
            "PolicyService/UpdatePolicy",
            message!(
                about,
                UpdatePolicyRequest {
                    policy: about.policy.clone(),
                    expected_version: 1
                }
            ),
        ),
        (
            "PolicyService/Simulate",
            message!(
                about,
                SimulateRequest {
                    request: request.canonical_bytes()
                }
            ),
        ),
        (
            "ApprovalService/BeginApproval",
            message!(
                about,
                BeginApprovalRequest {
                    request: request.canonical_bytes()
                }
            ),
        ),
        (
            "ApprovalService/IssueApprovalToken",
            message!(
                about,
                IssueApprovalTokenRequest {
                    statement: statement(about, &request)
                }
            ),
        ),
        (
            "ProfileService/StagePendingProfile",
            message!(about, StagePendingProfileRequest { profile: profile() }),
        ),
        (
            "ProfileService/ListPendingProfiles",
            message!(about, ListPendingProfilesRequest {}),
        ),
        (
            "ProfileService/PromotePendingProfile",
            message!(
                about,
                PromotePendingProfileRequest {
                    profile_digest: vec![3; 32],
                    expected_version: 1
                }
            ),
        ),
        (
            "ProfileService/RevokePendingProfile",
            message!(
                about,
                RevokePendingProfileRequest {
                    profile_digest: vec![3; 32]
                }
            ),
        ),
    ]
}

fn profile() -> Vec<u8> {
    let text = format!(
        "{{\"mrenclave\":\"{}\",\"name\":\"next\"}}",
        "07".repeat(32)
    );
    let limits = vault_encoding::Limits {
        bytes: 4096,
        depth: 4,
        nodes: 16,
    };
    let json = vault_encoding::Json::parse(text.as_bytes(), limits).unwrap();
    AttestationProfile::from_json(&json)
        .unwrap()
        .canonical_bytes()
}

/// One that no vault has made.
fn statement(about: &About, request: &ApprovalRequest) -> Vec<u8> {
    use vault_approval::{Nonce, Requester, RequesterPrincipal, Statement};
    use vault_encoding::Hash;
    use vault_policy::{Lineage, PolicyHash, PolicyVersion, UnixSeconds, VaultId};
    let requester = OidcSubject {
        issuer: "https://login.test".into(),
        subject: "alice".into(),
    };
    let statement = Statement {
        constellation: None,
        handle: about.key.handle.parse().unwrap(),
        lineage: Lineage(Hash::from_slice(&about.key.lineage).unwrap_or(Hash([1; 32]))),
        nonce: Nonce([1; 32]),
        not_after: UnixSeconds(4_000_000_000),
        policy_hash: PolicyHash(Hash([1; 32])),
        policy_version: PolicyVersion(1),
        request: request.clone(),
        requester: Requester {
            principals: [RequesterPrincipal::Oidc(requester)].into(),
            tls_client_key: None,
        },
        vault_id: VaultId(Hash([1; 32])),
    };
    statement.canonical_bytes()
}

fn approval() -> v1::Approval {
    let assertion = v1::Fido2Assertion {
        credential_id: vec![1; 16],
        authenticator_data: vec![2; 37],
        client_data_json: b"{}".to_vec(),
        signature: vec![3; 64],
        ..Default::default()
    };
    v1::Approval {
        nonce: vec![1; 32],
        salt: vec![2; 32],
        path: vec![vec![3; 32]; 4],
        proofs: vec![v1::ApprovalProof {
            proof: Some(approval_proof::Proof::Fido2(assertion.into())),
            ..Default::default()
        }],
        ..Default::default()
    }
}

async fn issuer() -> Issuer {
    let clients = vec![
        Client::new("alice", "s", &["vault:owner"]),
        Client::new("bob", "s", &["vault:owner"]),
        Client::new("mallory", "s", &[]),
        Client::new("carol", "s", &["vault:auditor"]),
    ];
    Issuer::start(IssuerConfig::new(clients)).await.unwrap()
}

fn policy(issuer: &Issuer, key_type: KeyType) -> KeyPolicy {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "alice".into(),
    };
    template("owner", &TemplateArgs::new(owner, key_type)).unwrap()
}

/// The same, which also names two certificates: one by its key, one by a name that an authority vouches for.
fn with_certificates(policy: &KeyPolicy) -> KeyPolicy {
    let mut fields = policy.fields().clone();
    let spki = vault_encoding::Hash([5; 32]);
    let san = "dns:web.test".to_owned();
    for (id, identity) in [
        ("host", CertificateIdentity::Spki(spki)),
        ("web", CertificateIdentity::Ca { san, spki }),
    ] {
        let id = id.to_owned();
        let name = PrincipalName::Id(id.clone());
        fields
            .principals
            .mtls
            .push(NamedCertificate { id, identity });
        for rule in &mut fields.operations {
            rule.principals.insert(name.clone());
        }
    }
    KeyPolicy::from_fields(fields).unwrap()
}

/// A certificate with a name, signed by nobody but itself.
fn self_signed(name: &str) -> Arc<ClientKey> {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let key = zeroize::Zeroizing::new(key.serialize_der());
    Arc::new(ClientKey::new(certificate.der().to_vec(), key))
}

/// The same call of a key that is there and of one that is not.
fn pairs(key: &KeyInfo, policy: &[u8]) -> Vec<(About, About)> {
    let contexts = [
        v1::CallContext::default(),
        v1::CallContext {
            idempotency_key: "once".into(),
            ..Default::default()
        },
        v1::CallContext {
            approval: buffa::MessageField::some(approval()),
            want_proof: true,
            ..Default::default()
        },
    ];
    let lineages = [Vec::new(), key.lineage.0.0.to_vec()];
    let mut pairs = Vec::new();
    for context in &contexts {
        for lineage in &lineages {
            let about = |handle: KeyHandle| About {
                key: v1::KeyRef {
                    handle: handle.to_string(),
                    lineage: lineage.clone(),
                    ..Default::default()
                },
                context: context.clone(),
                policy: policy.to_vec(),
            };
            pairs.push((about(key.handle), about(KeyHandle([200; 16]))));
        }
    }
    pairs
}

#[tokio::test(flavor = "multi_thread")]
async fn of_every_method_a_stranger_gets_the_bytes_of_a_missing_key() {
    let issuer = issuer().await;
    let dir = tempfile::tempdir().unwrap();
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text);
    let client = vault.client(&issuer, "alice").await.unwrap();
    let plain = policy(&issuer, KeyType::P256Signing);
    let named = with_certificates(&plain);
    let mut about = Vec::new();
    for (name, policy) in [("release", plain), ("hosted", named)] {
        let policy = policy.canonical_bytes().to_vec();
        let create = CreateKey {
            handle: None,
            key_type: KeyType::P256Signing,
            name: name.into(),
            policy: policy.clone(),
            labels: Vec::new(),
        };
        let key = client.create_key(create).await.unwrap().value;
        about.extend(pairs(&key, &policy));
    }
    let token = |who| format!("Bearer {}", issuer.token(who).unwrap());
    let mut strangers = Vec::new();
    for who in ["bob", "mallory", "carol"] {
        let wire = Wire::connect(dir.path(), &addr).await;
        strangers.push((who, wire, token(who)));
    }
    for (who, certificate) in [
        ("a certificate", Arc::new(ClientKey::generate().unwrap())),
        ("one with the name", self_signed("web.test")),
    ] {
        let wire = Wire::holding(dir.path(), &addr, certificate).await;
        strangers.push((who, wire, String::new()));
    }
    let (mut compared, mut told) = (0, BTreeMap::new());
    for (who, wire, token) in &strangers {
        for (there, missing) in &about {
            for ((method, one), (_, other)) in calls(there).into_iter().zip(calls(missing)) {
                let path = format!("/enclavevaults.v1.{method}");
                let seen = wire.raw(&path, token, one).await;
                let unseen = wire.raw(&path, token, other).await;
                assert_eq!(seen, unseen, "{who} {method}");
                let text = String::from_utf8_lossy(&seen.2);
                assert!(text.contains("\"not_found\""), "{who} {method}: {text}");
                // One stranger is told what every other is.
                let (status, _, bytes) = seen;
                let first = told.entry(method).or_insert((status, bytes.clone()));
                assert_eq!(*first, (status, bytes), "{who} {method}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 5 * 2 * 6 * 20);
    println!("{compared} refusals compared");
    vault.kill().unwrap();
}

#[test]
fn every_method_that_names_a_key_is_asked() {
    let about = About {
        key: v1::KeyRef {
            handle: KeyHandle([1; 16]).to_string(),
            ..Default::default()
        },
        context: v1::CallContext::default(),
        policy: Vec::new(),
    };
    let asked: Vec<_> = calls(&about)
        .into_iter()
        .map(|(method, _)| method)
        .collect();
    for (service, proto) in PROTOS {
        for line in proto.lines() {
            let Some(rest) = line.trim().strip_prefix("rpc ") else {
                continue;
            };
            let (name, rest) = rest.split_once('(').unwrap();
            let request = rest.split([')', ' ']).next().unwrap();
            let body = proto.split(&format!("message {request} {{")).nth(1);
            let fields = body
                .and_then(|body| body.split('}').next())
                .unwrap_or_default();
            if fields.contains("KeyRef key") {
                let method = format!("{service}/{name}");
                assert!(asked.contains(&method.as_str()), "{method}");
            }
        }
    }
}
