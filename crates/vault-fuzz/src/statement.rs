//! Requests and statements of approvals. What parses has one spelling, and a statement's request is the one
//! that a caller could have begun.

use vault_approval::{ApprovalRequest, Statement};

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(request) = ApprovalRequest::parse(data) {
        assert_eq!(request.canonical_bytes(), data);
        assert!(vault_policy::Approvable::from_name(request.operation()).is_some());
    }
    if let Ok(statement) = Statement::parse(data) {
        assert_eq!(statement.canonical_bytes(), data);
        let request = statement.request.canonical_bytes();
        assert_eq!(ApprovalRequest::parse(&request), Ok(statement.request));
    }
}
