//! `profile …`

use super::approve::ApprovalArg;
use super::key::KeyArg;
use clap::{Args, Subcommand};

/// `profile …`
#[derive(Subcommand, Debug)]
pub(crate) enum ProfileCommand {
    /// Propose an attestation profile for a key. It authorises nothing.
    #[command(
        after_help = "Example:\n  evault profile stage release --attestation next-build.yaml"
    )]
    Stage(ProfileStage),
    /// What is proposed for a key.
    #[command(after_help = "Example:\n  evault profile list release")]
    List(ProfileList),
    /// Take a proposed profile into the policy, on every vault that holds the key.
    #[command(after_help = "Example:
  evault profile promote release --digest 0000000000000000000000000000000000000000000000000000000000000000 --approval approved.json")]
    Promote(ProfilePromote),
    /// Drop a proposal.
    #[command(after_help = "Example:
  evault profile revoke release --digest 0000000000000000000000000000000000000000000000000000000000000000")]
    Revoke(ProfileRevoke),
}

/// `profile stage`
#[derive(Args, Debug)]
pub(crate) struct ProfileStage {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The profile, as a policy's `tees` has it: a YAML or JSON file, or `-`.
    #[arg(long, value_name = "F")]
    pub(crate) attestation: String,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `profile list`
#[derive(Args, Debug)]
pub(crate) struct ProfileList {
    #[command(flatten)]
    pub(crate) key: KeyArg,
}

/// `profile promote`
#[derive(Args, Debug)]
pub(crate) struct ProfilePromote {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The digest of the entire profile.
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: String,
    /// The version of the policy that it is taken into; the present one if left out.
    #[arg(long, value_name = "N")]
    pub(crate) expected_version: Option<u64>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `profile revoke`
#[derive(Args, Debug)]
pub(crate) struct ProfileRevoke {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The digest of the entire profile.
    #[arg(long, value_name = "HEX")]
    pub(crate) digest: String,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}
