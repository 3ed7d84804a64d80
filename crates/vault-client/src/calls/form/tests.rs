//! The forms are those of the page and its vectors, which vaults and Go are held to as well.

use super::*;
use vault_encoding::Limits;

const LIMITS: Limits = Limits {
    bytes: 1 << 16,
    depth: 8,
    nodes: 1024,
};

fn key() -> v1::KeyRef {
    v1::KeyRef {
        handle: vault_policy::KeyHandle([1; 16]).to_string(),
        ..Default::default()
    }
}

fn pinned() -> v1::KeyRef {
    v1::KeyRef {
        lineage: vec![2; 32],
        ..key()
    }
}

macro_rules! form {
    ($request:ident { $($field:ident: $value:expr),* $(,)? }) => {
        v1::$request { $($field: $value.into(),)* ..Default::default() }.form()
    };
}

/// In the order of the vectors.
fn forms() -> Vec<Option<Form>> {
    let json = || b"{}".to_vec();
    let der = SignatureFormat::SIGNATURE_FORMAT_DER;
    let label = v1::Label {
        name: "ä".into(),
        value: "\\".into(),
        ..Default::default()
    };
    let message = sign_request::Input::Message(b"m".to_vec());
    let digest = sign_request::Input::Digest(vec![0; 32]);
    let verified = verify_request::Input::Message(b"m".to_vec());
    let (p256, share) = (
        v1::KeyType::KEY_TYPE_P256_SIGNING,
        v1::KeyType::KEY_TYPE_RAW_SHARE,
    );
    vec![
        form!(CreateKeyRequest {
            handle: key().handle,
            r#type: p256,
            name: "a \"name\"\n",
            policy: json(),
            labels: vec![label]
        }),
        form!(GetKeyRequest { key: key() }),
        form!(GetPolicyRequest { key: pinned() }),
        form!(ReconstructRequest { key: key() }),
        form!(CreateKeyRequest {
            handle: key().handle,
            r#type: share,
            policy: json(),
            share: vec![1; 320]
        }),
        form!(ScheduleDeletionRequest { key: key() }),
        form!(SignRequest {
            key: key(),
            input: message,
            format: der
        }),
        form!(SignRequest {
            key: pinned(),
            input: digest,
            format: der
        }),
        form!(VerifyRequest {
            key: key(),
            input: verified,
            format: der,
            signature: vec![1],
            version: 1u32
        }),
        form!(WrapRequest {
            key: key(),
            plaintext: vec![1]
        }),
        form!(UnwrapRequest {
            key: key(),
            ciphertext: vec![1],
            aad: vec![2]
        }),
        form!(MacRequest {
            key: key(),
            message: vec![1]
        }),
        form!(MacVerifyRequest {
            key: key(),
            message: vec![1]
        }),
        form!(GetPublicKeyRequest { key: key() }),
        form!(UpdatePolicyRequest {
            key: key(),
            policy: json(),
            expected_version: 1u64
        }),
        form!(StagePendingProfileRequest {
            key: key(),
            profile: json()
        }),
        form!(ListPendingProfilesRequest { key: key() }),
        form!(PromotePendingProfileRequest {
            key: pinned(),
            profile_digest: vec![3; 32],
            expected_version: 1u64
        }),
        form!(RevokePendingProfileRequest {
            key: pinned(),
            profile_digest: vec![3; 32]
        }),
        form!(CancelDeletionRequest { key: key() }),
        form!(BeginApprovalRequest {
            key: key(),
            request: json(),
            valid_for: 60u64
        }),
        form!(IssueApprovalTokenRequest {
            key: key(),
            statement: json()
        }),
        form!(SimulateRequest {
            key: key(),
            request: json()
        }),
    ]
}

#[test]
fn the_forms_are_those_of_the_vectors() {
    let vectors = include_str!("../../../../../vectors/audit/requests.jsonl");
    let forms = forms();
    assert_eq!(vectors.lines().count(), forms.len());
    for (vector, form) in vectors.lines().zip(forms) {
        let vector = Canonical::from_bytes(vector.as_bytes(), LIMITS).unwrap();
        let Canonical::Map(vector) = vector else {
            panic!("no object");
        };
        let form = String::from_utf8(form.unwrap().canonical()).unwrap();
        assert_eq!(vector["canonical"].as_text(), Some(form.as_str()));
    }
}
