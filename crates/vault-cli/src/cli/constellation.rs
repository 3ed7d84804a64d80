//! `constellation …`

use clap::{Args, Subcommand};
use std::path::PathBuf;
use vault_governance::{ConstellationId, GovernanceKey};

/// `constellation …`
#[derive(Subcommand, Debug)]
pub(crate) enum ConstellationCommand {
    /// A new constellation's id, for `[constellation]` of every vault before its first start.
    #[command(after_help = "Example:\n  evault constellation new-id")]
    NewId,
    /// Make a governance key.
    #[command(after_help = "Example:\n  evault constellation keygen --out governance.pem")]
    Keygen {
        /// The private key, readable by its owner only; never overwritten.
        #[arg(long, value_name = "FILE.pem")]
        out: PathBuf,
    },
    /// Sign the first manifest over the vaults' fingerprints.
    #[command(after_help = "Examples:
  evault constellation init --member a.json --member b.json --governance-key governance.pem --out manifest.json
  evault constellation init --member a.json --operator ann --governance-key one.pem --governance 5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c5f3c --threshold 2 --out manifest.json")]
    Init(ConstellationInit),
    /// The manifest, held to where trust in it starts.
    #[command(after_help = "Example:\n  evault constellation show --manifest manifest.json")]
    Show,
    /// Sign the next version: other members, or other governance keys.
    #[command(after_help = "Examples:
  evault constellation update --manifest manifest.json --member d.json --governance-key governance.pem
  evault constellation update --manifest manifest.json --remove 3fa1 --governance-key governance.pem")]
    Update(ConstellationUpdate),
    /// Add signatures to the newest version, by whoever else must sign.
    #[command(
        after_help = "Example:\n  evault constellation sign --manifest manifest.json --governance-key two.pem"
    )]
    Sign(ConstellationSign),
    /// Let a vault take on another trust configuration, by the quorum that it has sealed.
    #[command(after_help = "Examples:
  evault constellation reconfigure --vault 3fa1 --governance-key governance.pem --dry-run
  evault constellation reconfigure --vault 3fa1 --governance-key one.pem --governance-key two.pem --yes")]
    Reconfigure(ConstellationReconfigure),
}

/// `constellation init`
#[derive(Args, Debug)]
pub(crate) struct ConstellationInit {
    /// What `evaultd identity` printed on stdout; one for each vault.
    #[arg(long, value_name = "FINGERPRINT.json", required = true)]
    pub(crate) member: Vec<PathBuf>,
    /// Who runs it: once for all, or once for each member in their order; else the file's name.
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Vec<String>,
    /// A private key that governs and signs now.
    #[arg(long, value_name = "KEY.pem", required = true)]
    pub(crate) governance_key: Vec<PathBuf>,
    /// A public key that governs too, and signs elsewhere.
    #[arg(long, value_name = "HEX")]
    pub(crate) governance: Vec<GovernanceKey>,
    /// How many of the keys must sign; more than half of them, if left out.
    #[arg(long, value_name = "T")]
    pub(crate) threshold: Option<u8>,
    /// The constellation that the fingerprints must be of.
    #[arg(long, value_name = "HEX")]
    pub(crate) id: Option<ConstellationId>,
    /// The manifest; never overwritten.
    #[arg(long, value_name = "manifest.json")]
    pub(crate) out: PathBuf,
}

/// `constellation update`
#[derive(Args, Debug)]
pub(crate) struct ConstellationUpdate {
    /// A fingerprint: a new member, or what a member is from now on.
    #[arg(long, value_name = "FINGERPRINT.json")]
    pub(crate) member: Vec<PathBuf>,
    /// Who runs it; as with `init`. A member that stays keeps its operator, if left out.
    #[arg(long, value_name = "NAME")]
    pub(crate) operator: Vec<String>,
    /// A vault that is no member any more, by its id or the beginning of it.
    #[arg(long, value_name = "ID")]
    pub(crate) remove: Vec<String>,
    /// The public keys that govern from now on; the present ones, if left out.
    #[arg(long, value_name = "HEX")]
    pub(crate) governance: Vec<GovernanceKey>,
    /// How many of them must sign.
    #[arg(long, value_name = "T")]
    pub(crate) threshold: Option<u8>,
    /// A private key of the present quorum.
    #[arg(long, value_name = "KEY.pem", required = true)]
    pub(crate) governance_key: Vec<PathBuf>,
    /// Where to write it; in the place of the manifest, if left out.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
}

/// `constellation sign`
#[derive(Args, Debug)]
pub(crate) struct ConstellationSign {
    /// A private key of the quorum that must sign.
    #[arg(long, value_name = "KEY.pem", required = true)]
    pub(crate) governance_key: Vec<PathBuf>,
    /// Where to write it; in the place of the manifest, if left out.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
}

/// `constellation reconfigure`
#[derive(Args, Debug)]
pub(crate) struct ConstellationReconfigure {
    /// A private key of the quorum that the vault has sealed.
    #[arg(long, value_name = "KEY.pem")]
    pub(crate) governance_key: Vec<PathBuf>,
    /// Host and port of the vault; else those of configuration and registries.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) endpoint: Option<String>,
    /// The trust root to move to; that of the present configuration, if left out.
    #[arg(long, value_name = "HEX")]
    pub(crate) to: Option<String>,
    /// What `vault inspect --verify-config --output json` said before, to show what differs.
    #[arg(long, value_name = "F")]
    pub(crate) before: Option<PathBuf>,
    /// Yes, change it.
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) yes: bool,
    /// Show what would change, and sign nothing.
    #[arg(long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,
}
