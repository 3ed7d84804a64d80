//! Exports that are on disk: read in pieces, whatever their length, and verified.

use super::audit_verify::is_false;
use crate::context::usage;
use crate::files;
use crate::pem;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use vault_audit::{
    Checkpoint, ExportLine, ExportReader, LogKey, LogTree, LogVerifier, Tile, verify_tiles,
};
use vault_client::{Result, SeenHead};

/// Bytes of a note, docs/audit-log.md.
const LARGEST_NOTE: u64 = 1 << 20;

/// An export that holds.
pub(crate) struct Offline {
    pub(crate) head: SeenHead,
    pub(crate) tree: LogTree,
}

/// A key as `audit export` writes it: PEM, or the text of a verifier key.
pub(crate) fn key(path: &Path) -> Result<LogKey> {
    let bytes = files::read(path)?;
    let from_pem = pem::decode(&bytes, "PUBLIC KEY").and_then(|spki| LogKey::from_spki(&spki).ok());
    let from_vkey = || LogKey::from_vkey(std::str::from_utf8(&bytes).ok()?.trim_end()).ok();
    from_pem.or_else(from_vkey).ok_or_else(|| {
        let path = path.display();
        usage(format_args!(
            "{path} is no identity key, neither PEM nor verifier key"
        ))
    })
}

/// Verifies a file of lines, or a directory of tiles.
pub(crate) fn verify(path: &Path, key: &LogKey) -> Result<Offline> {
    match path.is_dir() {
        true => tiles(path, key),
        false => lines(path, key, |_| Ok(())),
    }
}

/// Reads an export line by line; `each` is given every line after it was judged.
pub(crate) fn lines(
    path: &Path,
    key: &LogKey,
    mut each: impl FnMut(&ExportLine) -> Result<()>,
) -> Result<Offline> {
    let mut input = open(path)?;
    let mut reader = ExportReader::new();
    let mut verifier = LogVerifier::new(*key);
    let mut last = Vec::new();
    while let Some(bytes) = next_line(&mut input, path)? {
        let Some(line) = reader.line(&bytes).map_err(is_false)? else {
            continue;
        };
        match &line {
            ExportLine::Leaf(leaf) => {
                verifier.leaf(leaf).map_err(is_false)?;
            }
            ExportLine::Checkpoint(note) => {
                verifier.checkpoint(note).map_err(is_false)?;
                last.clone_from(note);
            }
        }
        each(&line)?;
    }
    reader.finish().map_err(is_false)?;
    let head = verifier.finish().map_err(is_false)?;
    Ok(Offline {
        head: seen(&head, last),
        tree: verifier.into_tree(),
    })
}

fn open(path: &Path) -> Result<Box<dyn BufRead>> {
    if files::is_dash(path) {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(path).map_err(|error| files::inaccessible(path, &error))?;
    Ok(Box::new(BufReader::with_capacity(1 << 20, file)))
}

/// The next line with its newline, as far as one may be long.
fn next_line(input: &mut impl BufRead, path: &Path) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let most = ExportReader::MAX_LINE_BYTES as u64;
    let read = input.take(most).read_until(b'\n', &mut line);
    read.map_err(|error| files::inaccessible(path, &error))?;
    Ok((!line.is_empty()).then_some(line))
}

/// Verifies a directory in the layout of tlog-tiles.
pub(crate) fn tiles(dir: &Path, key: &LogKey) -> Result<Offline> {
    let path = dir.join("checkpoint");
    let note = files::read_regular(&path, LARGEST_NOTE + 1);
    let note = note.map_err(|error| files::inaccessible(&path, &error))?;
    let mut failed = None;
    let read = |tile: &Tile| {
        let read = files::read_tile(dir, tile);
        read.unwrap_or_else(|error| {
            failed.get_or_insert(error);
            None
        })
    };
    let verified = verify_tiles(&note, key, read);
    // What could not be read says nothing about the log, and is not absent: also where a full tile stands
    // in for a partial one, it is told.
    let verified = match failed {
        Some(error) => return Err(error),
        None => verified.map_err(is_false)?,
    };
    Ok(Offline {
        head: seen(&verified.head, note),
        tree: verified.tree,
    })
}

fn seen(head: &Checkpoint, checkpoint: Vec<u8>) -> SeenHead {
    SeenHead {
        size: head.size,
        root: head.root,
        checkpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_client::ErrorCode;

    const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors/audit");

    #[test]
    fn a_partial_tile_that_cannot_be_read_is_not_absent_where_the_full_one_is_there() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("tiles");
        let mut copy = std::process::Command::new("cp");
        let copied = copy.args(["-r", &format!("{VECTORS}/tiles")]).arg(&dir);
        assert!(copied.status().unwrap().success());
        let key = key(Path::new(&format!("{VECTORS}/identity.vkey"))).unwrap();
        let (partial, full) = (dir.join("tile/0/001.p/44"), dir.join("tile/0/001"));
        let mut hashes = std::fs::read(&partial).unwrap();
        hashes.resize(256 * 32, 0);
        std::fs::write(&full, hashes).unwrap();
        std::fs::remove_file(&partial).unwrap();
        assert_eq!(tiles(&dir, &key).unwrap().head.size, 300);
        // A loop, and what is no file.
        for target in [partial.as_path(), Path::new("/dev/zero")] {
            std::os::unix::fs::symlink(target, &partial).unwrap();
            let error = tiles(&dir, &key).err().unwrap();
            assert_eq!(error.code, ErrorCode::FileInaccessible);
            assert!(error.message().contains("001.p/44"), "{}", error.message());
            std::fs::remove_file(&partial).unwrap();
        }
    }
}
