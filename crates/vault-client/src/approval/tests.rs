use super::*;
use crate::error::ErrorCode;
use std::collections::BTreeSet;
use vault_approval::{Nonce, Requester, RequesterPrincipal, challenge_of, root_of, statement_leaf};
use vault_encoding::{Hash, sha256};
use vault_policy::{
    KeyHandle, KeyVersion, Lineage, OidcSubject, PolicyHash, PolicyVersion, UnixSeconds, VaultId,
};

fn statement(number: u8) -> Statement {
    let owner = RequesterPrincipal::Oidc(OidcSubject {
        issuer: "https://login.test".into(),
        subject: "owner".into(),
    });
    Statement {
        constellation: None,
        handle: KeyHandle([number; 16]),
        lineage: Lineage(Hash([number; 32])),
        nonce: Nonce([number; 32]),
        not_after: UnixSeconds(1_800_000_000),
        policy_hash: PolicyHash(Hash([7; 32])),
        policy_version: PolicyVersion(1),
        request: ApprovalRequest::Mac {
            key_version: KeyVersion(1),
            payload: Digested::of(b"message"),
        },
        requester: Requester {
            principals: BTreeSet::from([owner]),
            tls_client_key: None,
        },
        vault_id: VaultId(sha256(&[number])),
    }
}

fn gesture() -> Gesture {
    Gesture::new(vec![statement(1), statement(2)], Context::default()).unwrap()
}

fn credential() -> SoftwareCredential {
    SoftwareCredential::generate("localhost", "http://localhost:8080").unwrap()
}

#[test]
fn one_answer_gives_every_vault_an_approval_that_leads_to_what_was_signed() {
    let gesture = gesture();
    let answer = credential().approve(&gesture).unwrap();
    let approvals = gesture.approvals(std::slice::from_ref(&answer)).unwrap();
    assert_eq!(approvals.len(), 2);
    for statement in gesture.statements() {
        let approval = &approvals[&statement.vault_id];
        assert_eq!(approval.nonce, statement.nonce);
        let leaf = statement_leaf(&approval.salt, &statement.canonical_bytes());
        let root = root_of(leaf, approval.index, &approval.path).unwrap();
        assert_eq!(challenge_of(&root), answer.challenge);
    }
}

#[test]
fn an_answer_by_token_goes_only_to_the_vault_that_gave_its_word() {
    let gesture = gesture();
    let vault = statement(2).vault_id;
    let token = OidcApproval {
        manager: "grace".into(),
        by: OidcSubject {
            issuer: "https://login.test".into(),
            subject: "grace".into(),
        },
        signature: vec![1; 64],
    };
    let answer = ApprovalAnswer {
        challenge: gesture.challenge().unwrap(),
        decision: Decision::ApproveByToken(vec![(vault, token)]),
    };
    let approvals = gesture.approvals(&[answer]).unwrap();
    assert_eq!(approvals.keys().collect::<Vec<_>>(), [&vault]);
}

#[test]
fn a_refusal_no_answer_and_an_answer_to_something_else_are_errors() {
    let (ours, other) = (gesture(), gesture());
    let refusal = ApprovalAnswer {
        challenge: ours.challenge().unwrap(),
        decision: Decision::Refuse,
    };
    let yes = credential().approve(&ours).unwrap();
    let to_other = credential().approve(&other).unwrap();
    for answers in [
        vec![],
        vec![refusal.clone()],
        vec![yes.clone(), refusal],
        vec![yes, to_other],
    ] {
        let error = ours.approvals(&answers).unwrap_err();
        assert_eq!(error.code, ErrorCode::ApprovalRefused, "{answers:?}");
    }
}

#[test]
fn statements_that_are_not_one_request_are_no_gesture() {
    let mut other = statement(2);
    other.policy_hash = PolicyHash(Hash([8; 32]));
    let error = Gesture::new(vec![statement(1), other], Context::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidArgument);
    assert!(Gesture::new(Vec::new(), Context::default()).is_err());
    let json = gesture().bundle().to_json();
    assert!(Gesture::parse(&json).is_ok());
    assert!(Gesture::parse(&json[1..]).is_err());
}

#[test]
fn a_software_credential_reads_back_from_its_file_and_shows_no_key() {
    let made = credential();
    let read = SoftwareCredential::parse(&made.to_json()).unwrap();
    assert_eq!(made.principal(), read.principal());
    assert!(!format!("{read:?}").contains("pkcs8"));
    let text = String::from_utf8(made.to_json().to_vec()).unwrap();
    let spoilt = text.replace("es256", "rs256");
    assert!(SoftwareCredential::parse(spoilt.as_bytes()).is_err());
    assert!(SoftwareCredential::parse(b"{}").is_err());
}

#[test]
fn a_relay_has_a_url_and_ids_change_no_path() {
    let second = std::time::Duration::from_secs(1);
    for url in ["ftp://relay.test", "relay.test", "http://", ""] {
        assert!(Relay::new(url, second).is_err(), "{url}");
    }
    assert!(Relay::new("http://127.0.0.1:8080/", second).is_ok());
}
