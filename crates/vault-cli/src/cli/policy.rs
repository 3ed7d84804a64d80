//! `policy …`

use super::key::{KeyArg, TypeName};
use clap::{Args, Subcommand, ValueEnum};

/// `policy …`
#[derive(Subcommand, Debug)]
pub(crate) enum PolicyCommand {
    /// A policy to start from, or the list of them. Offline.
    #[command(after_help = "Examples:
  evault policy template
  evault policy template owner --owner-issuer https://login.example.com --owner-subject ann
  evault policy template caller-enclave --mrenclave 0000000000000000000000000000000000000000000000000000000000000000 > policy.yaml")]
    Template(PolicyTemplate),
    /// The policy of a key.
    #[command(after_help = "Example:\n  evault policy show release --format yaml")]
    Show(PolicyShow),
    /// What a policy allows more than its author may think. Offline; exit code 7 if there is
    /// something.
    #[command(after_help = "Example:\n  evault policy lint policy.yaml --type p256")]
    Lint(PolicyLint),
}

/// How a policy is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TextFormat {
    /// YAML.
    Yaml,
    /// JSON.
    Json,
}

/// `policy template`
#[derive(Args, Debug)]
pub(crate) struct PolicyTemplate {
    /// Which one; without it, all are listed.
    pub(crate) name: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value = "yaml")]
    pub(crate) format: TextFormat,
    /// What kind of key it is for.
    #[arg(long = "type", value_enum, default_value = "p256")]
    pub(crate) key_type: TypeName,
    /// `iss` of the owner's tokens.
    #[arg(long, value_name = "URL", default_value = "https://login.example.com")]
    pub(crate) owner_issuer: String,
    /// `sub` of the owner's tokens.
    #[arg(long, value_name = "SUB", default_value = "owner")]
    pub(crate) owner_subject: String,
    /// For caller-enclave: the build that may use the key.
    #[arg(long, value_name = "HEX")]
    pub(crate) mrenclave: Option<String>,
    /// For service: `sub` of the account at the owner's issuer.
    #[arg(long, value_name = "SUB")]
    pub(crate) service: Option<String>,
    /// For role: the role's name at the owner's issuer.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
}

/// `policy show`
#[derive(Args, Debug)]
pub(crate) struct PolicyShow {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// How it is written.
    #[arg(long, value_enum, default_value = "yaml")]
    pub(crate) format: TextFormat,
}

/// `policy lint`
#[derive(Args, Debug)]
pub(crate) struct PolicyLint {
    /// A YAML or JSON file; `-` for stdin.
    #[arg(value_name = "F")]
    pub(crate) file: String,
    /// Also whether a key of this type could live under it.
    #[arg(long = "type", value_enum)]
    pub(crate) key_type: Option<TypeName>,
}
