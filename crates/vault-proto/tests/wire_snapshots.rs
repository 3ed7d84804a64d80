//! The bytes of messages on the wire, as hex files under `tests/wire`. A change there is a change
//! of the protocol: `BLESS=1 cargo test -p vault-proto` writes them anew.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use buffa::{Message, MessageField};
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use vault_proto::v1::{self, ErrorCode, KeyState, KeyType, SignatureFormat};

/// Sixty digits a line.
fn hex_lines(bytes: &[u8]) -> String {
    let digits = vault_encoding::text::hex(bytes);
    let lines: Vec<&str> = (0..digits.len())
        .step_by(60)
        .map(|from| &digits[from..digits.len().min(from + 60)])
        .collect();
    format!("{}\n", lines.join("\n"))
}

fn check<M: Message + PartialEq + Debug>(name: &str, message: &M) {
    let bytes = message.encode_to_vec();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/{name}.hex"));
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, hex_lines(&bytes)).unwrap();
    }
    let saved = fs::read_to_string(&path).expect("snapshot is there");
    assert_eq!(hex_lines(&bytes), saved, "{name}");
    assert_eq!(&M::decode_from_slice(&bytes).unwrap(), message, "{name}");
}

fn head() -> v1::Head {
    v1::Head {
        size: 300,
        root: vec![0x11; 32],
        checkpoint: b"note".to_vec(),
        ..Default::default()
    }
}

fn leaf() -> v1::LoggedLeaf {
    v1::LoggedLeaf {
        index: 299,
        request_salt: vec![0x22; 32],
        leaf: b"{}".to_vec(),
        proof: vec![vec![0x33; 32], vec![0x44; 32]],
        ..Default::default()
    }
}

fn receipt() -> MessageField<v1::Receipt, buffa::Inline<v1::Receipt>> {
    MessageField::some(v1::Receipt {
        head: MessageField::some(head()),
        leaf: MessageField::some(leaf()),
        ..Default::default()
    })
}

fn context() -> v1::CallContext {
    v1::CallContext {
        idempotency_key: "once".into(),
        seen: MessageField::some(v1::SeenHead {
            vault_id: vec![0x55; 32],
            size: 7,
            root: vec![0x66; 32],
            ..Default::default()
        }),
        want_proof: true,
        ..Default::default()
    }
}

fn key() -> v1::KeyRef {
    v1::KeyRef {
        handle: "k-aaaaaaaaaaaaaaaaaaaaaaaaaa".into(),
        lineage: vec![0x77; 32],
        ..Default::default()
    }
}

fn key_info() -> v1::KeyInfo {
    v1::KeyInfo {
        handle: key().handle,
        lineage: key().lineage,
        name: "releases".into(),
        r#type: KeyType::KEY_TYPE_ED25519_SIGNING.into(),
        state: KeyState::KEY_STATE_ENABLED.into(),
        version: 1,
        policy_hash: vec![0x88; 32],
        policy_version: 1,
        labels: vec![v1::Label {
            name: "team".into(),
            value: "build".into(),
            ..Default::default()
        }],
        created_at: 1_800_000_000,
        origin: "generated".into(),
        exportable: false,
        public_key: vec![0x99; 4],
        ..Default::default()
    }
}

#[test]
fn keys_are_created_and_described_in_these_bytes() {
    check(
        "create_key_request",
        &v1::CreateKeyRequest {
            context: MessageField::some(context()),
            handle: key().handle,
            r#type: KeyType::KEY_TYPE_P256_SIGNING.into(),
            name: "releases".into(),
            policy: b"{}".to_vec(),
            labels: key_info().labels,
            ..Default::default()
        },
    );
    check(
        "create_key_response",
        &v1::CreateKeyResponse {
            receipt: receipt(),
            key: MessageField::some(key_info()),
            ..Default::default()
        },
    );
    check(
        "schedule_deletion_response",
        &v1::ScheduleDeletionResponse {
            receipt: receipt(),
            state: KeyState::KEY_STATE_DESTROYED.into(),
            tombstone_index: 12,
            ..Default::default()
        },
    );
}

#[test]
fn signatures_are_asked_for_and_returned_in_these_bytes() {
    use v1::__buffa::oneof::sign_request::Input;
    for (name, input) in [
        ("sign_request_message", Input::Message(b"hello".to_vec())),
        ("sign_request_digest", Input::Digest(vec![0xaa; 32])),
    ] {
        check(
            name,
            &v1::SignRequest {
                context: MessageField::some(context()),
                key: MessageField::some(key()),
                input: Some(input),
                format: SignatureFormat::SIGNATURE_FORMAT_DER.into(),
                ..Default::default()
            },
        );
    }
    check(
        "sign_response",
        &v1::SignResponse {
            receipt: receipt(),
            signature: vec![0xbb; 64],
            version: 1,
            ..Default::default()
        },
    );
}

#[test]
fn ciphertexts_and_tags_travel_in_these_bytes() {
    check(
        "wrap_request",
        &v1::WrapRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            plaintext: b"secret".to_vec(),
            aad: b"about".to_vec(),
            ..Default::default()
        },
    );
    check(
        "unwrap_response",
        &v1::UnwrapResponse {
            receipt: receipt(),
            plaintext: b"secret".to_vec(),
            version: 1,
            ..Default::default()
        },
    );
    check(
        "mac_verify_request",
        &v1::MacVerifyRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            message: b"hello".to_vec(),
            tag: vec![0xcc; 32],
            version: 1,
            ..Default::default()
        },
    );
}

#[test]
fn refusals_pages_of_the_log_and_information_travel_in_these_bytes() {
    check(
        "error_detail",
        &v1::ErrorDetail {
            code: ErrorCode::ERROR_CODE_POLICY_DENIED.into(),
            blame: v1::Blame::BLAME_POLICY.into(),
            retry: v1::Retry::RETRY_NEVER.into(),
            rule: "nightly".into(),
            condition: "all[1].time_window".into(),
            retry_after: 0,
            head: MessageField::some(head()),
            leaf: MessageField::some(leaf()),
            ..Default::default()
        },
    );
    check(
        "read_log_response",
        &v1::ReadLogResponse {
            leaves: vec![b"{}".to_vec(), b"{\"a\":\"\"}".to_vec()],
            head: MessageField::some(head()),
            ..Default::default()
        },
    );
    check(
        "get_info_response",
        &v1::GetInfoResponse {
            vault_id: vec![1; 32],
            version: "0.1.0".into(),
            boot_id: vec![2; 16],
            trust_root: vec![3; 32],
            operational_root: vec![4; 32],
            head: MessageField::some(head()),
            identity_key: vec![5; 44],
            locked: true,
            locked_reason: "wrong measurement".into(),
            time_mode: "host".into(),
            ..Default::default()
        },
    );
}

/// That of `vectors/audit/identity.spki.base64`.
const IDENTITY: &str = "302a300506032b6570032100\
                        d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn carried() -> v1::CarriedHead {
    v1::CarriedHead {
        identity_key: vault_encoding::text::unhex::<44>(IDENTITY)
            .unwrap()
            .to_vec(),
        checkpoint: include_bytes!("../../../vectors/audit/checkpoint.note").to_vec(),
        ..Default::default()
    }
}

#[test]
fn heads_of_other_vaults_are_carried_in_these_bytes() {
    check("carried_head", &carried());
    let about = vec![vec![0x55; 32], vec![0x77; 32]];
    let request = v1::ExchangeHeadsRequest {
        context: MessageField::some(context()),
        heads: vec![carried()],
        about,
        ..Default::default()
    };
    check("exchange_heads_request", &request);
    let response = v1::ExchangeHeadsResponse {
        head: MessageField::some(head()),
        heads: vec![carried(), carried()],
        ..Default::default()
    };
    check("exchange_heads_response", &response);
}

fn approval() -> v1::Approval {
    use v1::__buffa::oneof::approval_proof::Proof;
    let proof = |proof| v1::ApprovalProof {
        proof: Some(proof),
        ..Default::default()
    };
    let fido2 = v1::Fido2Assertion {
        credential_id: vec![0x11; 16],
        authenticator_data: vec![0x22; 37],
        client_data_json: b"{}".to_vec(),
        signature: vec![0x33; 70],
        ..Default::default()
    };
    v1::Approval {
        nonce: vec![0x44; 32],
        salt: vec![0x55; 32],
        index: 3,
        path: vec![vec![0x66; 32]; 4],
        proofs: vec![
            proof(Proof::Fido2(fido2.into())),
            proof(Proof::Oidc(oidc().into())),
        ],
        ..Default::default()
    }
}

fn oidc() -> v1::OidcApproval {
    v1::OidcApproval {
        manager: "grace".into(),
        issuer: "https://login.example.com".into(),
        subject: "grace@example.com".into(),
        signature: vec![0x77; 64],
        ..Default::default()
    }
}

#[test]
fn approvals_are_begun_given_and_carried_in_these_bytes() {
    let approved = v1::CallContext {
        approval: MessageField::some(approval()),
        ..context()
    };
    check("call_context_with_approval", &approved);
    check(
        "begin_approval_request",
        &v1::BeginApprovalRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            request: b"{}".to_vec(),
            valid_for: 600,
            ..Default::default()
        },
    );
    check(
        "begin_approval_response",
        &v1::BeginApprovalResponse {
            receipt: receipt(),
            statement: b"{}".to_vec(),
            ..Default::default()
        },
    );
    check(
        "issue_approval_token_request",
        &v1::IssueApprovalTokenRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            statement: b"{}".to_vec(),
            ..Default::default()
        },
    );
    check(
        "issue_approval_token_response",
        &v1::IssueApprovalTokenResponse {
            receipt: receipt(),
            approval: MessageField::some(oidc()),
            ..Default::default()
        },
    );
}

#[test]
fn policies_change_and_are_tried_in_these_bytes() {
    check(
        "update_policy_request",
        &v1::UpdatePolicyRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            policy: b"{}".to_vec(),
            expected_version: 7,
            ..Default::default()
        },
    );
    check(
        "update_policy_response",
        &v1::UpdatePolicyResponse {
            receipt: receipt(),
            policy_hash: vec![0x88; 32],
            policy_version: 8,
            ..Default::default()
        },
    );
    check(
        "simulate_request",
        &v1::SimulateRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            request: b"{}".to_vec(),
            ..Default::default()
        },
    );
    check(
        "simulate_response",
        &v1::SimulateResponse {
            receipt: receipt(),
            allowed: false,
            code: "policy_denied".into(),
            rule: "release".into(),
            condition: "manager_approval".into(),
            missing: vec!["an approval".into()],
            ..Default::default()
        },
    );
}

#[test]
fn profiles_are_staged_listed_promoted_and_revoked_in_these_bytes() {
    check(
        "stage_pending_profile_request",
        &v1::StagePendingProfileRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            profile: b"{}".to_vec(),
            ..Default::default()
        },
    );
    check(
        "list_pending_profiles_response",
        &v1::ListPendingProfilesResponse {
            receipt: receipt(),
            profiles: vec![v1::PendingProfile {
                profile: b"{}".to_vec(),
                profile_digest: vec![0x99; 32],
                staged_at: 1_800_000_000,
                staged_by: "owner".into(),
                ..Default::default()
            }],
            ..Default::default()
        },
    );
    check(
        "promote_pending_profile_request",
        &v1::PromotePendingProfileRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            profile_digest: vec![0x99; 32],
            expected_version: 7,
            ..Default::default()
        },
    );
    check(
        "revoke_pending_profile_request",
        &v1::RevokePendingProfileRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            profile_digest: vec![0x99; 32],
            ..Default::default()
        },
    );
}

#[test]
fn deletions_wait_and_are_cancelled_in_these_bytes() {
    check(
        "schedule_deletion_request",
        &v1::ScheduleDeletionRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            window: 86_400,
            ..Default::default()
        },
    );
    check(
        "schedule_deletion_response_pending",
        &v1::ScheduleDeletionResponse {
            receipt: receipt(),
            state: KeyState::KEY_STATE_PENDING_DELETION.into(),
            due_at: 1_800_086_400,
            ..Default::default()
        },
    );
    check(
        "cancel_deletion_request",
        &v1::CancelDeletionRequest {
            context: MessageField::some(context()),
            key: MessageField::some(key()),
            ..Default::default()
        },
    );
    check(
        "cancel_deletion_response",
        &v1::CancelDeletionResponse {
            receipt: receipt(),
            state: KeyState::KEY_STATE_ENABLED.into(),
            ..Default::default()
        },
    );
    check(
        "key_info_pending_deletion",
        &v1::KeyInfo {
            state: KeyState::KEY_STATE_PENDING_DELETION.into(),
            due_at: 1_800_086_400,
            ..key_info()
        },
    );
}
