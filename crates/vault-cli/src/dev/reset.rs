//! `dev reset`: removes what `dev` made, and nothing else.

use super::layout::Layout;
use crate::files;
use crate::output::{Human, Output};
use serde_json::json;
use std::path::{Path, PathBuf};
use vault_client::{Error, ErrorCode, Result};

/// Everything that this release and the one before write into the directory. The mark comes last:
/// a reset that was interrupted can be done again.
const MADE: [&str; 21] = [
    "vaults",
    "state",
    "secrets",
    "logs",
    "sim",
    "issuer",
    "vault",
    "config.toml",
    "env",
    "root.der",
    "issuer-ca.pem",
    "registry.toml",
    "relay.toml",
    "manifest.json",
    "governance.key.pem",
    "control",
    "lock",
    "out",
    "config.next",
    "vault.toml",
    "dev.json",
];

pub(super) fn run(dir: &Path, yes: bool) -> Result<Output> {
    let layout = Layout::existing(dir)?;
    if !is_of_dev(&layout) {
        return Err(Error::new(ErrorCode::InvalidArgument).detail(format_args!(
            "{} is no directory of dev: nothing is removed",
            layout.dir().display()
        )));
    }
    let _lock = layout.lock()?;
    let there: Vec<PathBuf> = MADE
        .iter()
        .map(|name| layout.file(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .collect();
    if !yes {
        return Err(Error::new(ErrorCode::InvalidArgument)
            .detail(format_args!(
                "this removes every key, log and identity in {}: say --yes",
                layout.dir().display()
            ))
            .next(format!("evault dev reset --dir {} --yes", dir.display())));
    }
    for path in &there {
        remove(path).map_err(|error| files::inaccessible(path, &error))?;
    }
    // Whatever else lies there is somebody's.
    let emptied = std::fs::remove_dir(layout.dir()).is_ok();
    let names: Vec<_> = there
        .iter()
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    let human = Human::Fields(vec![
        ("removed", names.join(", ")),
        (
            "directory",
            if emptied {
                "removed"
            } else {
                "kept: it holds other files"
            }
            .to_owned(),
        ),
    ]);
    let json = json!({ "removed": names, "directory_removed": emptied });
    Ok(Output::new(json, human))
}

fn is_of_dev(layout: &Layout) -> bool {
    let older = ["vault.toml", "sim", "secrets", "lock"];
    layout.plan().exists() || older.iter().all(|name| layout.file(name).exists())
}

fn remove(path: &Path) -> std::io::Result<()> {
    if path.symlink_metadata()?.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    }
}
