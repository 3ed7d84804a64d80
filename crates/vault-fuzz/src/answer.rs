//! Answers to bundles of approvals. What parses writes itself.

use vault_approval::ApprovalAnswer;

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(answer) = ApprovalAnswer::parse(data) {
        let json = answer.to_json();
        assert_eq!(ApprovalAnswer::parse(&json), Ok(answer));
    }
}
