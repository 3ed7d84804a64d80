//! `audit …`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `audit …`
#[derive(Subcommand, Debug)]
pub(crate) enum AuditCommand {
    /// Entries of the log; for auditors.
    #[command(after_help = "Example:\n  evault audit read --profile auditor --from 0 --to 20")]
    Read(AuditRead),
    /// Hold the log to its signed checkpoints; exit code 7 if it does not hold.
    #[command(after_help = "Examples:
  evault audit verify --profile auditor
  evault audit verify --profile auditor --since checkpoint
  evault audit verify --file log.export --identity identity.pem
  evault audit verify --evidence evidence.json")]
    Verify(AuditVerify),
    /// Write the whole log with a checkpoint to a file, for verifiers elsewhere.
    #[command(
        after_help = "Example:\n  evault audit export --profile auditor --out log.export --identity identity.pem"
    )]
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
    /// An export, to be verified offline.
    #[arg(long, value_name = "EXPORT")]
    pub(crate) file: Option<PathBuf>,
    /// The vault's identity key (PEM), for `--file`; else it is taken from the configuration.
    #[arg(long, value_name = "PEM", requires = "file")]
    pub(crate) identity: Option<PathBuf>,
    /// Evidence of a rollback or fork, as `vault evidence export` writes it, to be checked offline.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["file", "since"])]
    pub(crate) evidence: Option<PathBuf>,
}

/// `audit export`
#[derive(Args, Debug)]
pub(crate) struct AuditExport {
    /// The export; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
    /// Also write the vault's attested identity key here as PEM.
    #[arg(long, value_name = "PEM")]
    pub(crate) identity: Option<PathBuf>,
    /// Also write the signed checkpoint here, as it is.
    #[arg(long, value_name = "F")]
    pub(crate) checkpoint: Option<PathBuf>,
}
