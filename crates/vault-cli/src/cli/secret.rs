//! `secret …`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `secret …`
#[derive(Subcommand, Debug)]
pub(crate) enum SecretCommand {
    /// Split a secret over vaults: any THRESHOLD of them give it back, fewer learn nothing.
    #[command(after_help = "Examples:
  evault secret split wallet-seed --in FILE --threshold 2 --shares 4
  evault secret split wallet-seed --in - --threshold 3 --shares 5 --policy policy.yaml --dry-run")]
    Split(SecretSplit),
    /// Get a secret back, and name every vault that did not help.
    #[command(after_help = "Example:\n  evault secret reconstruct wallet-seed --out FILE")]
    Reconstruct(SecretReconstruct),
    /// Share a secret anew over the same vaults; shares stolen before are worth nothing after it.
    #[command(after_help = "Example:\n  evault secret refresh wallet-seed")]
    Refresh(SecretRefresh),
    /// Share a secret anew without vaults that are lost, and with others in their place.
    #[command(after_help = "Examples:
  evault secret repair wallet-seed
  evault secret repair wallet-seed --without 3f09 --with 77ab")]
    Repair(SecretRepair),
    /// The split secrets that are recorded here. Offline.
    #[command(after_help = "Example:\n  evault secret list")]
    List,
    /// Find secrets on the vaults without their records, by listing and trial decoding.
    #[command(after_help = "Examples:
  evault secret recover
  evault secret recover --out-dir found
  evault secret recover --adopt 00112233445566778899aabbccddeeff=wallet-seed
  evault secret recover --adopt 00112233445566778899aabbccddeeff=wallet-seed --policy policy.yaml
  evault secret recover --without-owner --out-dir found")]
    Recover(SecretRecover),
}

/// A split secret.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecretArg {
    /// The name under which it is recorded here; no vault sees it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// `secret split`
#[derive(Args, Debug)]
pub(crate) struct SecretSplit {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The secret; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// How many shares give it back.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(2..))]
    pub(crate) threshold: u8,
    /// How many vaults get a share: those that --vault names, or as many operators and machines
    /// as there are.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..))]
    pub(crate) shares: u8,
    /// The policy of every share: a YAML or JSON file, `-`, or `template:NAME`.
    #[arg(long, value_name = "F|template:NAME", default_value = "template:owner")]
    pub(crate) policy: String,
    /// Show which vaults would get a share, and store nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `secret reconstruct`
#[derive(Args, Debug)]
pub(crate) struct SecretReconstruct {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// The secret, readable by its owner only; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
    /// Wait for every vault, so that each is judged.
    #[arg(long)]
    pub(crate) all: bool,
}

/// `secret refresh`
#[derive(Args, Debug)]
pub(crate) struct SecretRefresh {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// Another policy for the new shares: a YAML or JSON file, `-`, or `template:NAME`.
    #[arg(long, value_name = "F|template:NAME")]
    pub(crate) policy: Option<String>,
    /// Show which shares would be replaced, and replace none.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `secret repair`
#[derive(Args, Debug)]
pub(crate) struct SecretRepair {
    #[command(flatten)]
    pub(crate) secret: SecretArg,
    /// A vault that is lost or not trusted any more; repeatable. Without it: every vault whose
    /// share is missing or wrong now.
    #[arg(long, value_name = "ID")]
    pub(crate) without: Vec<String>,
    /// A vault that gets a share in its place; repeatable. Without it: as many others as are lost
    /// and can be reached.
    #[arg(long, value_name = "ID")]
    pub(crate) with: Vec<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// `secret recover`
#[derive(Args, Debug)]
pub(crate) struct SecretRecover {
    /// Write every secret that is found into a file of this directory, which is new or empty;
    /// readable by its owner only.
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
    /// Record the set of this id again under this name; repeatable.
    #[arg(long, value_name = "SET=NAME", value_parser = adoption)]
    pub(crate) adopt: Vec<(String, String)>,
    /// The policy of what is recorded again: a YAML or JSON file, `-`, or `template:NAME`. Without
    /// it: the one that as many vaults as the threshold tell for their shares.
    #[arg(long, value_name = "F|template:NAME", requires = "adopt")]
    pub(crate) policy: Option<String>,
    /// Without the owner key: try combinations of shares, up to a bound.
    #[arg(long, conflicts_with = "adopt")]
    pub(crate) without_owner: bool,
}

fn adoption(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((set, name)) if !set.is_empty() && !name.is_empty() => {
            Ok((set.to_owned(), name.to_owned()))
        }
        _ => Err("expected set=name".to_owned()),
    }
}
