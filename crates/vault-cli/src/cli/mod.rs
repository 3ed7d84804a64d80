//! The grammar of the command line.

mod approve;
mod audit;
mod constellation;
#[cfg(feature = "dev")]
mod dev;
mod evidence;
mod key;
mod owner;
mod policy;
mod profile;
mod secret;

pub(crate) use approve::{
    ApprovableName, ApprovalArg, ApproveCommand, ApproveList, ApproveRegister, ApproveRequest,
    ApproveShow, ApproveSign, RelayArg, WhatArg,
};
pub(crate) use audit::{
    AuditCommand, AuditExport, AuditFollow, AuditRead, AuditVerify, ExportFormat,
};
pub(crate) use constellation::{
    ConstellationCommand, ConstellationInit, ConstellationReconfigure, ConstellationSign,
    ConstellationUpdate,
};
#[cfg(feature = "dev")]
pub(crate) use dev::{
    CallerChildArgs, DemoArgs, DevArgs, DevCommand, IssuerChildArgs, RegistryChildArgs,
    RelayChildArgs, SharesChildArgs, SharesCommand, ThiefChildArgs, VaultChildArgs,
};
pub(crate) use evidence::{EvidenceCommand, WhichHead};
pub(crate) use key::{
    DigestName, FormatName, KeyArg, KeyCancelDeletion, KeyCommand, KeyCreate, KeyDelete, KeyList,
    KeyMac, KeyShow, KeySign, KeyUnwrap, KeyVerify, KeyWrap,
};
pub(crate) use owner::OwnerCommand;
pub(crate) use policy::{
    PolicyCommand, PolicyDiff, PolicyEdit, PolicyExplain, PolicyLint, PolicyShow, PolicySimulate,
    PolicyTemplate, TextFormat,
};
pub(crate) use profile::{
    ProfileCommand, ProfileList, ProfilePromote, ProfileRevoke, ProfileStage,
};
pub(crate) use secret::{
    SecretCommand, SecretReconstruct, SecretRecover, SecretRefresh, SecretRepair, SecretSplit,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use std::path::PathBuf;

/// A distributed virtual HSM: keys that are used only inside attested enclaves, under policies
/// that nobody can step over.
#[derive(Parser, Debug)]
#[command(
    name = "evault",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Examples:
  evault demo                      the whole story, with real processes
  evault dev --dir D               four vaults on this machine, until you stop them
  . D/env                          then, in another shell: point evault to it
  evault key create --type p256 --name release
  evault key sign release --in FILE --out FILE.sig")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How results are printed.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "table",
        env = "EVAULT_OUTPUT"
    )]
    pub(crate) output: OutputFormat,
    /// The configuration file.
    #[arg(long, global = true, value_name = "F", env = "EVAULT_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The profile of the configuration that tokens come from.
    #[arg(long, global = true, value_name = "P", env = "EVAULT_PROFILE")]
    pub(crate) profile: Option<String>,
    /// The root of attestation: `intel` or a certificate file (DER or PEM).
    #[arg(long, global = true, value_name = "intel|FILE")]
    pub(crate) trust: Option<String>,
    /// The vault, by its id or the beginning of it; repeatable.
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) vault: Vec<String>,
    /// The file that says which vaults there are, signed by the governance keys.
    #[arg(long, global = true, value_name = "F", env = "EVAULT_MANIFEST")]
    pub(crate) manifest: Option<PathBuf>,
    /// A registry to ask where vaults are, instead of the configuration's; repeatable.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) registry: Vec<String>,
    /// Exit with 0 although some vaults failed, where the goal was met.
    #[arg(long, global = true)]
    pub(crate) allow_partial: bool,
    /// Longest time of one call, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) timeout: u64,
    /// No notes and no progress on stderr.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
}

/// How results are printed.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum OutputFormat {
    /// For people.
    Table,
    /// For scripts, with a stable schema.
    Json,
}

/// Nouns, then verbs.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Tell the whole story on this machine, step by step, with real processes (SIMULATED).
    #[cfg(feature = "dev")]
    #[command(after_help = "Examples:\n  evault demo\n  evault demo --output json --keep out")]
    Demo(DemoArgs),
    /// Run a constellation of vaults on this machine until stopped (SIMULATED).
    #[cfg(feature = "dev")]
    #[command(after_help = "Examples:\n  evault dev --dir D\n  evault dev status --dir D")]
    Dev(DevArgs),
    /// The vaults of the configuration.
    #[command(subcommand)]
    Vault(VaultCommand),
    /// Which vaults there are, and who governs them.
    #[command(subcommand)]
    Constellation(ConstellationCommand),
    /// Keys, and their use.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Secrets that are split over several vaults.
    #[command(subcommand)]
    Secret(SecretCommand),
    /// The owner key of split secrets.
    #[command(subcommand)]
    Owner(OwnerCommand),
    /// Policies, offline and of keys.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Approvals of one exact request, by managers.
    #[command(subcommand)]
    Approve(ApproveCommand),
    /// Attestation profiles that are proposed for a key.
    #[command(subcommand)]
    Profile(ProfileCommand),
    /// The audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Check configuration, tokens, attestation and memory, and say what to do.
    #[command(after_help = "Example:\n  evault doctor")]
    Doctor,
    /// What the vault makes of this caller.
    #[command(after_help = "Example:\n  evault whoami --profile auditor")]
    Whoami,
    /// A completion script for a shell.
    #[command(
        after_help = "Example:\n  evault completion bash > ~/.local/share/bash-completion/completions/evault"
    )]
    Completion {
        /// Which shell.
        #[arg(value_enum)]
        shell: Shell,
    },
    /// A vault as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__vault", hide = true)]
    VaultChild(VaultChildArgs),
    /// An issuer as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__issuer", hide = true)]
    IssuerChild(IssuerChildArgs),
    /// A registry as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__registry", hide = true)]
    RegistryChild(RegistryChildArgs),
    /// A relay as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__relay", hide = true)]
    RelayChild(RelayChildArgs),
    /// What a thief in the vaults sees of shares, as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__shares", hide = true)]
    SharesChild(SharesChildArgs),
    /// A thief who tries shares, as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__thief", hide = true)]
    ThiefChild(ThiefChildArgs),
    /// A calling enclave as a child process.
    #[cfg(feature = "dev")]
    #[command(name = "__caller", hide = true)]
    CallerChild(CallerChildArgs),
}

/// `vault …`
#[derive(Subcommand, Debug)]
pub(crate) enum VaultCommand {
    /// Every vault of the configuration, attested now.
    #[command(after_help = "Example:\n  evault vault list --output json")]
    List,
    /// One vault in full: evidence, configuration roots, head of its log.
    #[command(after_help = "Example:\n  evault vault inspect --verify-config")]
    Inspect {
        /// Its id, or the beginning of it; may be left out where there is one.
        id: Option<String>,
        /// Also fetch the configuration and hold it against the attested roots.
        #[arg(long)]
        verify_config: bool,
    },
    /// What is kept of rollbacks and forks of vaults' logs.
    #[command(subcommand)]
    Evidence(EvidenceCommand),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Every leaf of the grammar that people see.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<(String, String)>) {
        let shown: Vec<_> = command
            .get_subcommands()
            .filter(|sub| !sub.is_hide_set())
            .collect();
        if shown.is_empty() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            found.push((path.to_owned(), help));
        }
        for sub in shown {
            leaves(sub, &format!("{path} {}", sub.get_name()), found);
        }
    }

    #[test]
    fn every_command_shows_an_example_that_parses() {
        let mut found = Vec::new();
        leaves(&Cli::command(), "evault", &mut found);
        assert!(found.len() > 15, "{found:?}");
        for (path, help) in found {
            let examples: Vec<_> = help
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("evault "))
                .collect();
            assert!(!examples.is_empty(), "{path} has no example");
            for example in examples {
                let words = example.split(" > ").next().unwrap().split_whitespace();
                let parsed = Cli::try_parse_from(words);
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }

    #[test]
    fn the_document_names_every_command() {
        let document = include_str!("../../../../docs/cli.md");
        let mut found = Vec::new();
        leaves(&Cli::command(), "evault", &mut found);
        for (path, _) in found {
            let name = path.trim_start_matches("evault ");
            assert!(document.contains(&format!("`{name}")), "{name}");
        }
    }

    /// Shows 9: the command that an error names as next is one that exists.
    #[test]
    fn for_every_error_code_the_message_prints_and_the_next_command_parses() {
        for code in vault_client::ErrorCode::ALL {
            let error = vault_client::Error::new(code);
            println!("{code}: {} (next: {})", error.message(), error.next);
            assert!(!error.message().is_empty());
            match Cli::try_parse_from(error.next.split_whitespace()) {
                Ok(_) => {}
                Err(error) => assert_eq!(
                    error.kind(),
                    clap::error::ErrorKind::DisplayHelp,
                    "{code}: {error}"
                ),
            }
        }
    }
}
