//! `audit …`

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `audit …`
#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Entries of the log, proven to be of its signed head; for auditors.
    #[command(after_help = "Example:\n  evault audit read --profile auditor --from 0 --to 20")]
    Read(AuditRead),
    /// Hold the log to its signed checkpoints; exit code 7 if it does not hold, 6 if it does not
    /// extend what was signed before.
    #[command(after_help = "Examples:
  evault audit verify --profile auditor
  evault audit verify --profile auditor --since checkpoint
  evault audit verify --file log.export --identity identity.pem
  evault audit verify --file log.tiles --identity log.vkey --since checkpoint
  evault audit verify --evidence evidence.json")]
    Verify(AuditVerify),
    /// Print entries as they come, until stopped; goes on where it was.
    #[command(after_help = "Examples:
  evault audit follow --profile auditor
  evault audit follow --profile auditor --as siem --output json
  evault audit follow --profile auditor --as nightly --once")]
    Follow(AuditFollow),
    /// Write the whole log with a checkpoint, for verifiers elsewhere; an export that is there
    /// already is continued.
    #[command(after_help = "Examples:
  evault audit export --profile auditor --out log.export --identity identity.pem
  evault audit export --profile auditor --format tiles --out log.tiles --vkey log.vkey")]
    Export(AuditExport),
}

/// `audit read`
#[derive(Args, Debug)]
pub(crate) struct AuditRead {
    /// First index.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) from: u64,
    /// Index behind the last; the head if left out.
    #[arg(long, value_name = "N")]
    pub(crate) to: Option<u64>,
}

/// `audit verify`
#[derive(Args, Debug)]
pub(crate) struct AuditVerify {
    /// An earlier checkpoint (a signed note), which the log must extend.
    #[arg(long, value_name = "CHECKPOINT")]
    pub(crate) since: Option<PathBuf>,
    /// An export (a file, or a directory of tiles), to be verified offline.
    #[arg(long, value_name = "EXPORT", requires = "identity")]
    pub(crate) file: Option<PathBuf>,
    /// The vault's identity key (PEM) or its verifier key, for `--file`.
    #[arg(long, value_name = "KEY", requires = "file")]
    pub(crate) identity: Option<PathBuf>,
    /// Evidence of a rollback or fork, as `vault evidence export` writes it, to be checked offline.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "since"])]
    pub(crate) evidence: Option<PathBuf>,
}

/// `audit follow`
#[derive(Args, Debug)]
pub(crate) struct AuditFollow {
    /// Who follows: each name has a place of its own in the log, kept in `state_dir`.
    #[arg(long = "as", value_name = "NAME", default_value = "follower")]
    pub(crate) name: String,
    /// End when the head is reached.
    #[arg(long)]
    pub(crate) once: bool,
    /// How long to wait before asking again, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) interval: u64,
}

/// `audit export`
#[derive(Args, Debug)]
pub(crate) struct AuditExport {
    /// The file, `-` for stdout; or the directory, with `--format tiles`.
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
    /// One file of lines, or a directory of C2SP tiles.
    #[arg(long, value_enum, default_value = "jsonl")]
    pub(crate) format: ExportFormat,
    /// Also write the vault's attested identity key here as PEM.
    #[arg(long, value_name = "PEM")]
    pub(crate) identity: Option<PathBuf>,
    /// Also write the log's verifier key here, as other note tools read it.
    #[arg(long, value_name = "VKEY")]
    pub(crate) vkey: Option<PathBuf>,
    /// Also write the signed checkpoint here, as it is. One that is there must be of this log.
    #[arg(long, value_name = "F")]
    pub(crate) checkpoint: Option<PathBuf>,
}

/// What an export looks like.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum ExportFormat {
    /// `enclave-vaults/log-export/v1`, one file.
    Jsonl,
    /// C2SP tlog-tiles, a directory.
    Tiles,
}
