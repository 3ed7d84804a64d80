//! `policy …`

use super::approve::ApprovalArg;
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
    /// What an edit of a policy widens and what it narrows, in words, and whose approval it takes.
    /// Offline.
    #[command(after_help = "Example:\n  evault policy diff policy.yaml edited.yaml")]
    Diff(PolicyDiff),
    /// Who may do what under a policy, and which rule and condition stand in the way, named as
    /// refusals name them. Offline.
    #[command(after_help = "Examples:
  evault policy explain policy.yaml
  evault policy explain policy.yaml --operation sign")]
    Explain(PolicyExplain),
    /// Whether a caller would be allowed, and if not, what is missing. Offline, for callers with
    /// tokens and certificates; exit code 3 if not.
    #[command(after_help = "Examples:
  evault policy simulate policy.yaml --operation sign --issuer https://login.example.com --subject ann --approved-by bob --at 1790000000
  evault policy simulate policy.yaml --operation sign --certificate-name dns:web.example.com --certificate-authority 5f2c…")]
    Simulate(PolicySimulate),
    /// Put another policy in the place of a key's, on every vault that holds the key; without a file,
    /// in an editor. The policy that stands judges the change.
    #[command(after_help = "Examples:
  evault policy edit release
  evault policy edit release --policy policy.yaml --dry-run
  evault policy edit release --policy policy.yaml --approval approved.json")]
    Edit(PolicyEdit),
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
    /// For caller-enclave, luks-volume and app-kek: the build that may use the key.
    #[arg(long, value_name = "HEX")]
    pub(crate) mrenclave: Option<String>,
    /// In the place of --mrenclave: the exact build of a TDX trust domain, 96 hex digits.
    #[arg(long, value_name = "HEX", conflicts_with = "mrenclave")]
    pub(crate) mrtd: Option<String>,
    /// With --mrtd: a runtime measurement, as its index (0 to 3), `=`, and 96 hex digits. May be repeated.
    #[arg(long, value_name = "INDEX=HEX", requires = "mrtd")]
    pub(crate) rtmr: Vec<String>,
    /// For service, ci-signing and app-kek: `sub` of the account at the owner's issuer.
    #[arg(long, value_name = "SUB")]
    pub(crate) service: Option<String>,
    /// For role: the role's name at the owner's issuer.
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: Option<String>,
    /// With a build: a machine on which it counts; may be given again. Without it, every machine.
    #[arg(long = "platform", value_name = "HEX")]
    pub(crate) platforms: Vec<String>,
    /// Who approves; may be given again. A file as the wallet shows a person, `ID=F` with what
    /// `approve register` prints, or `ID=oidc:SUB` at the owner's issuer.
    #[arg(long = "manager", value_name = "F|ID=F|ID=oidc:SUB")]
    pub(crate) managers: Vec<String>,
    /// How many managers it takes: to approve what the template has approved, and to change the policy.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) threshold: u32,
    /// The owner's authenticator, asked for whatever the owner does: what `approve register` prints.
    #[arg(long, value_name = "F")]
    pub(crate) second_factor: Option<String>,
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

/// `policy diff`
#[derive(Args, Debug)]
pub(crate) struct PolicyDiff {
    /// The policy in force: a YAML or JSON file.
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// The policy that is to replace it; `-` for stdin.
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
}

/// `policy explain`
#[derive(Args, Debug)]
pub(crate) struct PolicyExplain {
    /// A YAML or JSON file; `-` for stdin.
    #[arg(value_name = "F")]
    pub(crate) file: String,
    /// Only this operation; otherwise all that rules or usage name.
    #[arg(long, value_name = "OP")]
    pub(crate) operation: Option<String>,
}

/// `policy simulate`
#[derive(Args, Debug)]
pub(crate) struct PolicySimulate {
    /// A YAML or JSON file; `-` for stdin.
    #[arg(value_name = "F")]
    pub(crate) file: String,
    /// What the caller wants to do: an operation, or get_key, get_policy, delete_key, list_profiles,
    /// cancel_deletion.
    #[arg(long, value_name = "OP")]
    pub(crate) operation: String,
    /// Also whether a key of this type can do it.
    #[arg(long = "type", value_enum)]
    pub(crate) key_type: Option<TypeName>,
    /// `iss` of the caller's token.
    #[arg(long, value_name = "URL", requires = "subject")]
    pub(crate) issuer: Option<String>,
    /// `sub` of the caller's token.
    #[arg(long, value_name = "SUB", requires = "issuer")]
    pub(crate) subject: Option<String>,
    /// A role that the token holds; repeatable.
    #[arg(long, value_name = "ROLE", requires = "subject")]
    pub(crate) role: Vec<String>,
    /// The key of the caller's client certificate: SHA-256 of its SubjectPublicKeyInfo.
    #[arg(long, value_name = "HEX")]
    pub(crate) certificate_key: Option<String>,
    /// A name of that certificate: dns:NAME, uri:…, email:… or ip:…; repeatable.
    #[arg(long, value_name = "SAN")]
    pub(crate) certificate_name: Vec<String>,
    /// The key of an authority that vouches for that certificate, like its own; repeatable.
    #[arg(long, value_name = "HEX")]
    pub(crate) certificate_authority: Vec<String>,
    /// A manager who has just approved this request; repeatable.
    #[arg(long, value_name = "PERSON")]
    pub(crate) approved_by: Vec<String>,
    /// The owner's second factor has just approved this request.
    #[arg(long)]
    pub(crate) second_factor: bool,
    /// Unix seconds, instead of now.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) at: Option<u64>,
}

/// `policy edit`
#[derive(Args, Debug)]
pub(crate) struct PolicyEdit {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The new policy: a YAML or JSON file, or `-`. Without it, `$VISUAL` or `$EDITOR` shows the
    /// present one.
    #[arg(long, value_name = "F")]
    pub(crate) policy: Option<String>,
    /// The version that it replaces; the present one if left out.
    #[arg(long, value_name = "N")]
    pub(crate) expected_version: Option<u64>,
    /// Show what would change and what it takes, and change nothing; exit code 3 if it cannot be done.
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}
