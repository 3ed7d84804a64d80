//! The messages that change what a key is, and those around approvals.

use super::{context, key};
use buffa::{Message, MessageField};
use vault_approval::{ApprovalRequest, Digested, SignatureForm};
use vault_policy::{KeyType, KeyVersion};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::approval_proof::Proof;

/// In the order in which the target counts them.
pub(super) fn messages() -> Vec<Vec<u8>> {
    let sign = ApprovalRequest::Sign {
        key_version: KeyVersion(1),
        payload: Digested::of(b"message"),
        format: SignatureForm::P1363,
    };
    let request = sign.canonical_bytes();
    let update = v1::UpdatePolicyRequest {
        context: approved(),
        key: key(),
        policy: crate::request::policy(KeyType::P256Signing),
        expected_version: 1,
        ..Default::default()
    };
    let simulate = v1::SimulateRequest {
        key: key(),
        request: request.clone(),
        ..Default::default()
    };
    let begin = v1::BeginApprovalRequest {
        key: key(),
        request,
        valid_for: 60,
        ..Default::default()
    };
    let issue = v1::IssueApprovalTokenRequest {
        key: key(),
        statement: b"{}".to_vec(),
        ..Default::default()
    };
    let list = v1::ListPendingProfilesRequest {
        key: key(),
        ..Default::default()
    };
    let cancel = v1::CancelDeletionRequest {
        context: context(),
        key: key(),
        ..Default::default()
    };
    let [stage, promote, revoke] = of_profiles();
    vec![
        update.encode_to_vec(),
        simulate.encode_to_vec(),
        begin.encode_to_vec(),
        issue.encode_to_vec(),
        stage,
        list.encode_to_vec(),
        promote,
        revoke,
        cancel.encode_to_vec(),
    ]
}

fn of_profiles() -> [Vec<u8>; 3] {
    let stage = v1::StagePendingProfileRequest {
        context: context(),
        key: key(),
        profile: br#"{"mrenclave":"","name":"next"}"#.to_vec(),
        ..Default::default()
    };
    let promote = v1::PromotePendingProfileRequest {
        context: approved(),
        key: key(),
        profile_digest: vec![8; 32],
        expected_version: 1,
        ..Default::default()
    };
    let revoke = v1::RevokePendingProfileRequest {
        context: context(),
        key: key(),
        profile_digest: vec![8; 32],
        ..Default::default()
    };
    [
        stage.encode_to_vec(),
        promote.encode_to_vec(),
        revoke.encode_to_vec(),
    ]
}

/// A context with an approval by both kinds of proof.
fn approved() -> MessageField<v1::CallContext, buffa::Inline<v1::CallContext>> {
    let proof = |proof| v1::ApprovalProof {
        proof: Some(proof),
        ..Default::default()
    };
    let assertion = v1::Fido2Assertion {
        credential_id: vec![1; 16],
        authenticator_data: vec![2; 37],
        client_data_json: b"{}".to_vec(),
        signature: vec![3; 64],
        ..Default::default()
    };
    let token = v1::OidcApproval {
        manager: "grace".into(),
        issuer: "https://login.test".into(),
        subject: "grace".into(),
        signature: vec![4; 64],
        ..Default::default()
    };
    let approval = v1::Approval {
        nonce: vec![5; 32],
        salt: vec![6; 32],
        index: 0,
        path: vec![vec![7; 32]; 4],
        proofs: vec![
            proof(Proof::Fido2(assertion.into())),
            proof(Proof::Oidc(token.into())),
        ],
        ..Default::default()
    };
    MessageField::some(v1::CallContext {
        idempotency_key: "once".into(),
        approval: MessageField::some(approval),
        ..Default::default()
    })
}
