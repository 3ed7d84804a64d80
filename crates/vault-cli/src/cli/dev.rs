//! `dev`, `demo`, and the children that they start.

use super::KeySign;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `demo`
#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Leave message, signatures, public keys, logs and checkpoints here.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
}

/// `dev`
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DevArgs {
    /// Where everything lives; made if it does not exist.
    #[arg(long, value_name = "D", required = true)]
    pub(crate) dir: Option<PathBuf>,
    /// How many vaults, in a new directory; an existing one keeps its number. 4 if left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    pub(crate) vaults: Option<u8>,
    /// How many of them a secret needs in the examples that are printed; 2 if left out.
    #[arg(long, value_name = "K", value_parser = clap::value_parser!(u8).range(2..=16))]
    pub(crate) threshold: Option<u8>,
    #[command(subcommand)]
    pub(crate) command: Option<DevCommand>,
}

/// `dev …`
#[derive(Subcommand, Debug)]
pub(crate) enum DevCommand {
    /// What runs: every child, every vault with its log.
    #[command(after_help = "Example:\n  evault dev status --dir D")]
    Status {
        /// The directory of `dev`.
        #[arg(long, value_name = "D")]
        dir: PathBuf,
    },
    /// Stop it, from another shell.
    #[command(after_help = "Example:\n  evault dev stop --dir D")]
    Stop {
        /// The directory of `dev`.
        #[arg(long, value_name = "D")]
        dir: PathBuf,
    },
    /// Remove the state of a stopped `dev`: keys, logs, identities, all of it.
    #[command(after_help = "Example:\n  evault dev reset --dir D --yes")]
    Reset {
        /// The directory of `dev`.
        #[arg(long, value_name = "D")]
        dir: PathBuf,
        /// Really remove it. Without it, only say what would go.
        #[arg(long)]
        yes: bool,
    },
}

/// `__vault`
#[derive(Args, Debug)]
pub(crate) struct VaultChildArgs {
    /// The vault's configuration file.
    #[arg(long)]
    pub(crate) server_config: PathBuf,
    /// The simulator's directory.
    #[arg(long)]
    pub(crate) sim: PathBuf,
    /// The simulated machine that it runs on.
    #[arg(long)]
    pub(crate) machine: String,
    /// Print the vault's fingerprint and end.
    #[arg(long)]
    pub(crate) identity: bool,
}

/// `__issuer`
#[derive(Args, Debug)]
pub(crate) struct IssuerChildArgs {
    /// Where keys, secrets and port are kept.
    #[arg(long)]
    pub(crate) dir: PathBuf,
}

/// `__registry`
#[derive(Args, Debug)]
pub(crate) struct RegistryChildArgs {
    /// The registry's configuration file.
    #[arg(long)]
    pub(crate) registry_config: PathBuf,
}

/// `__relay`
#[derive(Args, Debug)]
pub(crate) struct RelayChildArgs {
    /// The relay's configuration file.
    #[arg(long)]
    pub(crate) relay_config: PathBuf,
}

/// `__caller`
#[derive(Args, Debug)]
pub(crate) struct CallerChildArgs {
    /// The simulator's directory.
    #[arg(long)]
    pub(crate) sim: PathBuf,
    /// The name of the build, which gives its measurement.
    #[arg(long)]
    pub(crate) build: String,
    #[command(flatten)]
    pub(crate) sign: KeySign,
}

/// `__shares`
#[derive(Args, Debug)]
pub(crate) struct SharesChildArgs {
    #[command(subcommand)]
    pub(crate) command: SharesCommand,
}

/// `__shares …`
#[derive(Subcommand, Debug)]
pub(crate) enum SharesCommand {
    /// Writes every share of a secret, as the vaults hold it, to a file of its own.
    Fetch {
        name: String,
        /// The files: this path with the extensions 1, 2 and so on.
        #[arg(long)]
        out: PathBuf,
    },
    /// Asks one vault for the share of this handle.
    Ask {
        handle: String,
        /// Which vault.
        #[arg(long)]
        of: String,
    },
    /// Splits a secret over all vaults, one of which gets other bytes than were meant for it.
    SplitBroken {
        name: String,
        #[arg(long = "in")]
        input: PathBuf,
        #[arg(long)]
        threshold: u8,
        /// Which vault.
        #[arg(long)]
        broken: String,
    },
}

/// `__thief`
#[derive(Args, Debug)]
pub(crate) struct ThiefChildArgs {
    /// Shares.
    #[arg(long)]
    pub(crate) stolen: Vec<PathBuf>,
    /// Each stolen share is tried with each of these; without any, with each other.
    #[arg(long)]
    pub(crate) with: Vec<PathBuf>,
}
