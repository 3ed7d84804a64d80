//! An export as one file of lines. It takes its place in one step, when all of it has been proven.

use super::audit_entry;
use super::audit_export::{Exported, damaged};
use super::audit_offline::{self, Offline};
use crate::files;
use crate::temporary::Temporary;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;
use vault_audit::{ExportLine, ExportReader, Frontier, LogKey};
use vault_client::{Client, Error, LogReader, Result};

pub(crate) async fn write(path: &Path, client: Client, key: &LogKey) -> Result<Exported> {
    let failed = |error: std::io::Error| files::inaccessible(path, &error);
    let mut next = Next::begin(path)?;
    let before = next.copy(path, key)?;
    let (frontier, seen) = match before {
        Some(Offline { head, tree }) => (tree.frontier(), Some(head)),
        None => (Frontier::new(), None),
    };
    let kept = frontier.size();
    let signed = seen.as_ref().map(|seen| seen.size);
    let mut reader = LogReader::resume(client, frontier, seen);
    let head = reader.advance().await?;
    while let Some(page) = reader.next(head.size).await? {
        audit_entry::parse(&page)?;
        for leaf in page.leaves {
            next.line(&ExportLine::Leaf(leaf)).map_err(failed)?;
        }
    }
    if signed != Some(head.size) {
        let note = ExportLine::Checkpoint(head.checkpoint.clone());
        next.checkpoints.push(note);
    }
    next.finish(path)?;
    Ok(Exported { head, kept })
}

/// The file that will be.
struct Next {
    out: BufWriter<Temporary>,
    checkpoints: Vec<ExportLine>,
}

impl Next {
    fn begin(path: &Path) -> Result<Self> {
        let file = match files::is_stream(path) {
            true => Temporary::new_in(&std::env::temp_dir()),
            false => files::beside(path),
        };
        let file = file.map_err(|error| files::inaccessible(path, &error))?;
        let mut next = Self {
            out: BufWriter::new(file),
            checkpoints: Vec::new(),
        };
        let first = next.out.write_all(&ExportReader::first_line());
        first.map_err(|error| files::inaccessible(path, &error))?;
        Ok(next)
    }

    /// Takes over an earlier export, if there is one; it must hold.
    fn copy(&mut self, path: &Path, key: &LogKey) -> Result<Option<Offline>> {
        if files::is_stream(path) || !path.exists() {
            return Ok(None);
        }
        let before = audit_offline::lines(path, key, |line| match line {
            ExportLine::Leaf(_) => self
                .line(line)
                .map_err(|error| files::inaccessible(path, &error)),
            ExportLine::Checkpoint(_) => {
                self.checkpoints.push(line.clone());
                Ok(())
            }
        });
        before
            .map(Some)
            .map_err(|error: Error| damaged(path, &error))
    }

    fn line(&mut self, line: &ExportLine) -> std::io::Result<()> {
        self.out.write_all(&line.to_bytes())
    }

    fn finish(mut self, path: &Path) -> Result<()> {
        let mut end = || {
            for note in std::mem::take(&mut self.checkpoints) {
                self.line(&note)?;
            }
            self.out.flush()
        };
        let failed = |error: std::io::Error| files::inaccessible(path, &error);
        end().map_err(failed)?;
        let file = self
            .out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        if files::is_stream(path) {
            let mut written = file.as_file();
            written.rewind().map_err(failed)?;
            return files::copy(&mut written, path);
        }
        files::put(file, path)
    }
}
