//! `approve …`

use super::key::{DigestName, FormatName, KeyArg};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `approve …`
#[derive(Subcommand, Debug)]
pub(crate) enum ApproveCommand {
    /// Ask managers to approve one exact request, on every vault that holds the key.
    #[command(after_help = "Examples:
  evault approve request release --operation sign --in FILE --out request.json
  evault approve request release --operation sign --in FILE --relay http://localhost:7450 --wait 600 --out approved.json
  evault approve request release --operation sign --in FILE --dry-run
  evault approve request release --operation update_policy --policy policy.yaml --out request.json")]
    Request(Box<ApproveRequest>),
    /// What waits at a relay for a credential.
    #[command(after_help = "Example:
  evault approve list --relay http://localhost:7450 --credential grace.json")]
    List(ApproveList),
    /// What a request does, in full, and who has answered.
    #[command(after_help = "Examples:
  evault approve show request.json
  evault approve show mfrggzdfmztwq2lknnwg23tpoa --relay http://localhost:7450 --out approved.json")]
    Show(ApproveShow),
    /// Approve or refuse a request: by a software credential, or as a manager by token. Shows what it
    /// is about to sign, and asks.
    #[command(after_help = "Examples:
  evault approve sign request.json --credential grace.json --yes --out answer.json
  evault approve sign request.json --profile manager --yes --out answer.json
  evault approve sign mfrggzdfmztwq2lknnwg23tpoa --relay http://localhost:7450 --credential grace.json
  evault approve sign mfrggzdfmztwq2lknnwg23tpoa --relay http://localhost:7450 --credential grace.json --yes --challenge 5f2c…
  evault approve sign mfrggzdfmztwq2lknnwg23tpoa --relay http://localhost:7450 --credential grace.json --refuse")]
    Sign(ApproveSign),
    /// Make a software credential, and show what a policy says of it.
    #[command(after_help = "Example:
  evault approve register --out grace.json --origin http://localhost:7450")]
    Register(ApproveRegister),
}

/// The approval that a call carries.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ApprovalArg {
    /// What `approve request` wrote, and answers to it; repeatable.
    #[arg(long, value_name = "FILE")]
    pub(crate) approval: Vec<PathBuf>,
}

/// A relay.
#[derive(Args, Clone, Debug)]
pub(crate) struct RelayArg {
    /// Who carries requests and answers; not believed.
    #[arg(long, value_name = "URL", env = "EVAULT_RELAY")]
    pub(crate) relay: Option<String>,
}

/// What can be approved.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
#[value(rename_all = "snake_case")]
pub(crate) enum ApprovableName {
    /// Sign --in (with --digest: its hash).
    Sign,
    /// Verify --signature over --in.
    Verify,
    /// Encrypt --in.
    Wrap,
    /// Decrypt --in.
    Unwrap,
    /// A tag over --in.
    Mac,
    /// Check the tag --tag over --in.
    MacVerify,
    /// The public key.
    GetPublicKey,
    /// Fetch a share.
    Reconstruct,
    /// Destroy the key in --window seconds.
    DeleteKey,
    /// Take a pending deletion back.
    CancelDeletion,
    /// Put --policy in the place of the key's.
    UpdatePolicy,
    /// Propose the profile --attestation.
    StageProfile,
    /// Take the profile --digest-of-profile into the policy.
    PromoteProfile,
    /// Drop the profile --digest-of-profile.
    RevokeProfile,
}

/// One exact request.
#[derive(Args, Debug)]
pub(crate) struct WhatArg {
    /// What is asked.
    #[arg(long, value_enum, value_name = "NAME")]
    pub(crate) operation: ApprovableName,
    /// The payload; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: Option<PathBuf>,
    /// Sign and verify: hash here.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
    /// Sign and verify; default: der for P-256, p1363 for Ed25519.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FormatName>,
    /// Wrap and unwrap: the file that is authenticated with it.
    #[arg(long, value_name = "F")]
    pub(crate) aad: Option<PathBuf>,
    /// Verify: the signature.
    #[arg(long, value_name = "F")]
    pub(crate) signature: Option<PathBuf>,
    /// Mac_verify: the tag.
    #[arg(long, value_name = "F")]
    pub(crate) tag: Option<PathBuf>,
    /// Delete_key: seconds until the key is gone.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) window: u64,
    /// Update_policy: the new policy.
    #[arg(long, value_name = "F")]
    pub(crate) policy: Option<String>,
    /// Stage_profile: the attestation profile. Promote_profile and revoke_profile: the one of that
    /// digest, where no vault shows it.
    #[arg(long, value_name = "F")]
    pub(crate) attestation: Option<String>,
    /// Promote_profile and revoke_profile: the digest of the profile.
    #[arg(long, value_name = "HEX")]
    pub(crate) digest_of_profile: Option<String>,
    /// The key's version, where the caller may not read its metadata.
    #[arg(long, value_name = "N")]
    pub(crate) key_version: Option<u32>,
}

/// `approve request`
#[derive(Args, Debug)]
pub(crate) struct ApproveRequest {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    #[command(flatten)]
    pub(crate) what: WhatArg,
    /// How long managers have.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) valid_for: u64,
    /// Words for the managers; nothing vouches for them.
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    /// Hand the whole payload to the managers, who see what it is instead of its hash.
    #[arg(long)]
    pub(crate) show_payload: bool,
    #[command(flatten)]
    pub(crate) relay: RelayArg,
    /// The credential id of a manager to ask, base64url; repeatable. Default: all of the policy.
    #[arg(long, value_name = "ID")]
    pub(crate) to: Vec<String>,
    /// Wait this long for answers at the relay.
    #[arg(long, value_name = "SECONDS", requires = "relay")]
    pub(crate) wait: Option<u64>,
    /// Answers to wait for.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) answers: usize,
    /// Ask each vault whether it would allow this now, and what is missing if not; exit code 3 if it
    /// would not. Nothing is asked of anybody.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write the request here, with the answers that were waited for.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `approve list`
#[derive(Args, Debug)]
pub(crate) struct ApproveList {
    #[command(flatten)]
    pub(crate) relay: RelayArg,
    /// The software credential whose mailbox it is.
    #[arg(long, value_name = "FILE", required_unless_present = "id")]
    pub(crate) credential: Option<PathBuf>,
    /// The credential's id, base64url.
    #[arg(long, value_name = "ID", conflicts_with = "credential")]
    pub(crate) id: Option<String>,
}

/// `approve show`
#[derive(Args, Debug)]
pub(crate) struct ApproveShow {
    /// A file, or the id of a request at the relay.
    #[arg(value_name = "FILE|ID")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) relay: RelayArg,
    /// Write request and answers here, as `--approval` takes them.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `approve sign`
#[derive(Args, Debug)]
pub(crate) struct ApproveSign {
    /// A file, or the id of a request at the relay.
    #[arg(value_name = "FILE|ID")]
    pub(crate) what: String,
    #[command(flatten)]
    pub(crate) relay: RelayArg,
    /// A software credential; without it, every vault is asked for its word with this caller's token.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential: Option<PathBuf>,
    /// Yes, all of what `approve show` shows; nobody is asked. With a request at a relay, --challenge
    /// must say which.
    #[arg(long)]
    pub(crate) yes: bool,
    /// The challenge that `approve show` printed: anything else is not signed.
    #[arg(long, value_name = "HEX")]
    pub(crate) challenge: Option<String>,
    /// No.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) refuse: bool,
    /// Write the answer here; `-` for stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `approve register`
#[derive(Args, Debug)]
pub(crate) struct ApproveRegister {
    /// A file that does not exist yet, for its user only.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// The relying party; the host of the origin if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) rp_id: Option<String>,
    /// Where the wallet is; the credential signs for this origin only.
    #[arg(long, value_name = "URL", default_value = "http://localhost")]
    pub(crate) origin: String,
}
