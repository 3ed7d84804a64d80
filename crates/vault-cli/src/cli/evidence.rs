//! `vault evidence …`

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `vault evidence …`
#[derive(Subcommand, Debug)]
pub(crate) enum EvidenceCommand {
    /// Everything that is kept; `--vault ID` for one vault. Offline.
    #[command(after_help = "Example:\n  evault vault evidence list")]
    List,
    /// One piece in full: both heads, and what they prove.
    #[command(
        after_help = "Example:\n  evault vault evidence show 0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    )]
    Show {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Write one piece to a file, for `audit verify --evidence` elsewhere.
    #[command(
        after_help = "Example:\n  evault vault evidence export 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --out evidence.json"
    )]
    Export(EvidenceExport),
    /// Decide with which of the two heads to go on. Nothing else lets a vault be used again.
    #[command(
        after_help = "Example:\n  evault vault evidence acknowledge 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --go-on-with seen"
    )]
    Acknowledge(EvidenceAcknowledge),
}

/// `vault evidence export`
#[derive(Args, Debug)]
pub(crate) struct EvidenceExport {
    /// Its id, or the beginning of it.
    pub(crate) id: String,
    /// The file; `-` for stdout.
    #[arg(long, value_name = "F")]
    pub(crate) out: PathBuf,
}

/// `vault evidence acknowledge`
#[derive(Args, Debug)]
pub(crate) struct EvidenceAcknowledge {
    /// Its whole id.
    pub(crate) id: String,
    /// `seen`: the vault must show the log that was seen first. `answered`: what that log held
    /// beyond the other is given up, as after a restored backup.
    #[arg(long, value_enum, value_name = "HEAD")]
    pub(crate) go_on_with: WhichHead,
}

/// One of the two heads.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhichHead {
    /// The one that was seen first.
    Seen,
    /// The one that was shown later.
    Answered,
}
