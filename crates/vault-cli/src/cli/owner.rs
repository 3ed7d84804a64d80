//! `owner …`

use clap::Subcommand;
use std::path::PathBuf;

/// `owner …`
#[derive(Subcommand, Debug)]
pub(crate) enum OwnerCommand {
    /// Write a copy of the owner key, for a safe place.
    #[command(after_help = "Example:\n  evault owner export owner.key.copy.json")]
    Export {
        /// A file that does not exist yet.
        #[arg(value_name = "F")]
        file: PathBuf,
    },
    /// Take over an owner key, where there is none yet.
    #[command(after_help = "Example:\n  evault owner import owner.key.copy.json")]
    Import {
        /// What `owner export` wrote.
        #[arg(value_name = "F")]
        file: PathBuf,
    },
}
