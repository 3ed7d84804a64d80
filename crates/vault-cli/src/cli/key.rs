//! `key …`

use super::approve::ApprovalArg;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use vault_policy::KeyType;

/// `key …`
#[derive(Subcommand, Debug)]
pub(crate) enum KeyCommand {
    /// Make a key under a policy.
    #[command(after_help = "Examples:
  evault key create --type p256 --name release
  evault key create --type ed25519 --policy policy.yaml --label env=prod
  evault key create --type p256 --policy template:owner --dry-run")]
    Create(KeyCreate),
    /// One's own keys.
    #[command(after_help = "Example:\n  evault key list --limit 50")]
    List(KeyList),
    /// A key's metadata and public key.
    #[command(after_help = "Example:\n  evault key show release --pem release.pem")]
    Show(KeyShow),
    /// Sign a message or a digest.
    #[command(after_help = "Examples:
  evault key sign release --in FILE --out FILE.sig
  evault key sign release --in FILE --digest sha256 --format p1363 --output json")]
    Sign(KeySign),
    /// Verify a signature in the vault; exit code 7 if it is not valid.
    #[command(after_help = "Example:\n  evault key verify release --in FILE --signature FILE.sig")]
    Verify(KeyVerify),
    /// Encrypt.
    #[command(
        after_help = "Example:\n  evault key wrap kek --in secret --out secret.wrapped --aad volume-7"
    )]
    Wrap(KeyWrap),
    /// Decrypt what `wrap` made.
    #[command(
        after_help = "Example:\n  evault key unwrap kek --in secret.wrapped --out secret --aad volume-7"
    )]
    Unwrap(KeyUnwrap),
    /// Make a tag, or check one; exit code 7 if it is not valid.
    #[command(after_help = "Examples:
  evault key mac session --in FILE --out FILE.tag
  evault key mac session --in FILE --verify FILE.tag")]
    Mac(KeyMac),
    /// Destroy a key for ever, at once or when a window has passed.
    #[command(after_help = "Examples:
  evault key delete release --dry-run
  evault key delete release --yes
  evault key delete release --window 86400 --yes")]
    Delete(KeyDelete),
    /// Take back a deletion that is pending: the owner, or any manager.
    #[command(after_help = "Example:\n  evault key cancel-deletion release")]
    CancelDeletion(KeyCancelDeletion),
}

/// A key.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyArg {
    /// A name, a handle, or HANDLE@LINEAGE for keys of others.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

/// Types of keys by their names.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TypeName {
    /// ECDSA over P-256 with SHA-256.
    P256,
    /// Ed25519.
    Ed25519,
    /// XAES-256-GCM.
    Aes256Gcm,
    /// HMAC with SHA-256.
    HmacSha256,
    /// A share of a split secret; made by `secret split` alone.
    RawShare,
}

impl From<TypeName> for KeyType {
    fn from(name: TypeName) -> Self {
        match name {
            TypeName::P256 => Self::P256Signing,
            TypeName::Ed25519 => Self::Ed25519Signing,
            TypeName::Aes256Gcm => Self::Aes256Gcm,
            TypeName::HmacSha256 => Self::HmacSha256,
            TypeName::RawShare => Self::RawShare,
        }
    }
}

/// How a signature is written.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FormatName {
    /// ASN.1, as openssl reads it; P-256 only.
    Der,
    /// r and s side by side; Ed25519 knows no other.
    P1363,
}

/// What is hashed here and signed as it is there.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum DigestName {
    /// SHA-256.
    Sha256,
}

/// `key create`
#[derive(Args, Debug)]
pub(crate) struct KeyCreate {
    /// The type of the key, fixed for life.
    #[arg(long = "type", value_enum)]
    pub(crate) key_type: TypeName,
    /// A YAML or JSON file, `-`, or `template:NAME`.
    #[arg(long, value_name = "F|template:NAME", default_value = "template:owner")]
    pub(crate) policy: String,
    /// A name, unique among one's own keys.
    #[arg(long, value_name = "N")]
    pub(crate) name: Option<String>,
    /// The handle, to give keys on several vaults one: what `key create` said on the first.
    #[arg(long, value_name = "HANDLE")]
    pub(crate) handle: Option<String>,
    /// A label; repeatable.
    #[arg(long, value_name = "K=V", value_parser = label)]
    pub(crate) label: Vec<(String, String)>,
    /// Show what would be made, and make nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected name=value".to_owned()),
    }
}

/// `key list`
#[derive(Args, Debug)]
pub(crate) struct KeyList {
    /// Keys on one page.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
    /// Where the page before ended.
    #[arg(long, value_name = "T", default_value = "")]
    pub(crate) page_token: String,
}

/// `key show`
#[derive(Args, Debug)]
pub(crate) struct KeyShow {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// Write the public key here as PEM; `-` for stdout.
    #[arg(long, value_name = "FILE")]
    pub(crate) pem: Option<PathBuf>,
}

/// `key sign`
#[derive(Args, Clone, Debug)]
pub(crate) struct KeySign {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The message; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// Hash here, and have the digest signed; needs the usage sign_digest.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
    /// Default: der for P-256, p1363 for Ed25519.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FormatName>,
    /// Write the signature here; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key verify`
#[derive(Args, Debug)]
pub(crate) struct KeyVerify {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The message; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// The signature.
    #[arg(long, value_name = "F")]
    pub(crate) signature: PathBuf,
    /// Hash here, and have the digest verified.
    #[arg(long, value_enum)]
    pub(crate) digest: Option<DigestName>,
    /// Default: der for P-256, p1363 for Ed25519.
    #[arg(long, value_enum)]
    pub(crate) format: Option<FormatName>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key wrap`
#[derive(Args, Debug)]
pub(crate) struct KeyWrap {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The plaintext; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// The ciphertext; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
    /// A file that is authenticated with it, and needed again to unwrap.
    #[arg(long, value_name = "F")]
    pub(crate) aad: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key unwrap`
#[derive(Args, Debug)]
pub(crate) struct KeyUnwrap {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The ciphertext; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// The plaintext, readable by its owner only; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
    /// The file that was given to wrap.
    #[arg(long, value_name = "F")]
    pub(crate) aad: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key mac`
#[derive(Args, Debug)]
pub(crate) struct KeyMac {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The message; `-` for stdin.
    #[arg(long = "in", value_name = "F")]
    pub(crate) input: PathBuf,
    /// Check the tag in this file instead of making one.
    #[arg(long, value_name = "TAGFILE", conflicts_with = "out")]
    pub(crate) verify: Option<PathBuf>,
    /// Write the tag here; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key delete`
#[derive(Args, Debug)]
pub(crate) struct KeyDelete {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// Yes, for ever.
    #[arg(long, required_unless_present = "dry_run")]
    pub(crate) yes: bool,
    /// Show what would be destroyed, and destroy nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Seconds until it is gone, at least those of its policy. Until then it can be taken back.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub(crate) window: u64,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}

/// `key cancel-deletion`
#[derive(Args, Debug)]
pub(crate) struct KeyCancelDeletion {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    #[command(flatten)]
    pub(crate) approval: ApprovalArg,
}
