//! `audit export`

use super::{audit_export_lines, audit_export_tiles};
use crate::cli::{AuditExport, ExportFormat};
use crate::context::{Context, usage};
use crate::files;
use crate::output::{self, Human, Output};
use crate::outputs;
use crate::pem;
use serde_json::json;
use std::path::Path;
use vault_audit::{Checkpoint, Frontier, LogKey};
use vault_client::{Client, Error, ErrorCode, LogReader, Result, SeenHead};

/// What was written.
pub(crate) struct Exported {
    pub(crate) head: SeenHead,
    /// Entries that were there before.
    pub(crate) kept: u64,
}

pub(crate) async fn run(context: &Context, args: AuditExport) -> Result<Output> {
    let named = [
        ("--out", Some(args.out.as_path())),
        ("--identity", args.identity.as_deref()),
        ("--vkey", args.vkey.as_deref()),
        ("--checkpoint", args.checkpoint.as_deref()),
    ];
    outputs::distinct(&named)?;
    fits(&args)?;
    let connected = context.connect().await?;
    let key = LogKey::from_spki(&connected.peer.claims.identity_key)
        .map_err(|error| Error::new(ErrorCode::VerificationFailed).detail(error))?;
    let client = connected.client.clone();
    if let Some(path) = args.checkpoint.as_deref() {
        extends_kept(path, &client, &key).await?;
    }
    let exported = match args.format {
        ExportFormat::Jsonl => audit_export_lines::write(&args.out, client, &key).await?,
        ExportFormat::Tiles => audit_export_tiles::write(&args.out, client, &key).await?,
    };
    let Exported { head, kept } = exported;
    if let Some(path) = &args.identity {
        let pem = pem::encode("PUBLIC KEY", &connected.peer.claims.identity_key);
        files::write(path, pem.as_bytes())?;
    }
    if let Some(path) = &args.vkey {
        files::write(path, vkey(&key).as_bytes())?;
    }
    if let Some(path) = &args.checkpoint {
        files::replace(path, &head.checkpoint)?;
    }
    let json = json!({
        "size": head.size,
        "root": head.root.to_string(),
        "checkpoint": String::from_utf8_lossy(&head.checkpoint),
        "kept": kept,
        "vaults": [output::vault(&connected.peer, None)],
    });
    let human = Human::Fields(vec![
        (
            "entries",
            format!("{} ({} new)", head.size, head.size - kept),
        ),
        ("root", head.root.to_string()),
    ]);
    Ok(Output {
        stdout_taken: outputs::takes_stdout(&named),
        ..Output::new(json, human)
    })
}

/// One file of lines, or a directory of tiles.
fn fits(args: &AuditExport) -> Result<()> {
    let out = args.out.as_path();
    match args.format {
        ExportFormat::Tiles if files::is_stream(out) => {
            Err(usage("tiles are written to a directory"))
        }
        ExportFormat::Jsonl if out.is_dir() => {
            let error = std::io::Error::from(std::io::ErrorKind::IsADirectory);
            let next = format!("evault audit export --format tiles --out {}", out.display());
            Err(files::inaccessible(out, &error).next(next))
        }
        ExportFormat::Jsonl | ExportFormat::Tiles => Ok(()),
    }
}

/// A checkpoint that somebody kept gives its place only to one that extends it.
async fn extends_kept(path: &Path, client: &Client, key: &LogKey) -> Result<()> {
    if files::is_stream(path) || !path.exists() {
        return Ok(());
    }
    let note = files::read(path)?;
    let kept = Checkpoint::verify(&note, key).map_err(|error| {
        let path = path.display();
        Error::new(ErrorCode::VerificationFailed).detail(format_args!(
            "{path}: {error}; what is there is not replaced: name another place"
        ))
    })?;
    let seen = SeenHead {
        size: kept.size,
        root: kept.root,
        checkpoint: note,
    };
    let mut reader = LogReader::resume(client.clone(), Frontier::new(), Some(seen));
    reader.advance().await.map(drop)
}

fn vkey(key: &LogKey) -> String {
    let name = Checkpoint {
        vault_id: key.vault_id(),
        size: 0,
        root: vault_encoding::merkle::empty_root(),
    };
    format!("{}\n", key.to_vkey(&name.origin()))
}

/// An earlier export cannot be continued.
pub(crate) fn damaged(path: &Path, error: &Error) -> Error {
    Error::new(ErrorCode::VerificationFailed).detail(format_args!(
        "{}: {}; what is there is not continued: remove it, or name another place",
        path.display(),
        error.detail.as_deref().unwrap_or_default()
    ))
}
