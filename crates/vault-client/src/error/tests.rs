use super::*;
use buffa::Enumeration;
use std::collections::BTreeSet;
use vault_proto::v1;

#[test]
fn every_code_of_the_wire_has_its_namesake_here() {
    for code in v1::ErrorCode::values() {
        let ours = ErrorCode::from_wire(*code);
        match code {
            v1::ErrorCode::ERROR_CODE_UNSPECIFIED => assert_eq!(ours, None),
            _ => assert_eq!(ours.unwrap().name(), vault_proto::code_name(*code)),
        }
    }
}

#[test]
fn names_are_unique_and_every_code_has_a_sentence_and_a_next_command() {
    let names: BTreeSet<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(names.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        let error = Error::new(code);
        assert!(error.message().len() > 10, "{code}");
        assert!(error.next.starts_with("evault "), "{code}");
    }
}

#[test]
fn a_vaults_detail_is_taken_over_and_its_control_characters_are_not() {
    let detail = v1::ErrorDetail {
        code: v1::ErrorCode::ERROR_CODE_POLICY_DENIED.into(),
        blame: v1::Blame::BLAME_POLICY.into(),
        retry: v1::Retry::RETRY_NEVER.into(),
        rule: "release\u{1b}[2J".into(),
        condition: "all[0].attestation_matches".into(),
        retry_after: 3,
        ..Default::default()
    };
    let failure = wire::failure(&vault_proto::to_connect_error(&detail, "no"));
    assert!(failure.answered);
    assert_eq!(failure.error.code, ErrorCode::PolicyDenied);
    assert_eq!(failure.error.rule.as_deref(), Some("release[2J"));
    assert_eq!(
        failure.error.condition.as_deref(),
        Some("all[0].attestation_matches")
    );
    assert_eq!(failure.error.retry_after, Some(3));
}

#[test]
fn a_failure_of_the_transport_is_not_an_answer_of_the_vault() {
    let failure = wire::failure(&connectrpc::ConnectError::unavailable("connection reset"));
    assert!(!failure.answered);
    assert_eq!(failure.error.code, ErrorCode::Unavailable);
    let failure = wire::failure(&connectrpc::ConnectError::deadline_exceeded("late"));
    assert_eq!(failure.error.code, ErrorCode::Timeout);
    let cut = "failed to read response body: error reading a body from connection";
    let failure = wire::failure(&connectrpc::ConnectError::internal(cut));
    assert!(!failure.answered);
    assert_eq!(failure.error.code, ErrorCode::Unavailable);
}
