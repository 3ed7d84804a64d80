//! An export in the layout of C2SP tlog-tiles. Full tiles never change, so only what is new is
//! written; the checkpoint takes its place last, and everything that it covers is durable then.

use super::audit_export::{Exported, damaged};
use super::audit_offline;
use super::audit_verify::is_false;
use crate::files;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vault_audit::{
    Entry, LogKey, LogTree, TILE_WIDTH, Tile, TileKind, from_bundle, new_tiles, to_bundle,
};
use vault_client::{Client, ErrorCode, LogReader, Result, SeenHead};
use vault_encoding::{Hash, merkle};

pub(crate) async fn write(dir: &Path, client: Client, key: &LogKey) -> Result<Exported> {
    let before = Before::read(dir, key)?;
    let signed = before.head.as_ref().map_or(0, |head| head.size);
    let mut reader = LogReader::resume(client, before.tree.frontier(), before.head);
    let head = reader.advance().await?;
    let own = reader.check().await;
    own.map_err(|error| match error.code {
        ErrorCode::ReceiptInvalid => damaged(dir, &error),
        _ => error,
    })?;
    let base = before.tree.size();
    let mut writer = Writer::new(dir, before.tree);
    while let Some(page) = reader.next(head.size).await? {
        for leaf in page.leaves {
            writer.leaf(leaf)?;
        }
    }
    writer.finish(signed.min(base), &head)?;
    Ok(Exported {
        kept: signed.max(base),
        head,
    })
}

/// What is in the directory already.
struct Before {
    /// Over the full entry bundles.
    tree: LogTree,
    head: Option<SeenHead>,
}

impl Before {
    /// A checkpoint must hold over what is there. Full bundles behind it, from an export that was
    /// interrupted, are taken over; the vault's head proves them.
    fn read(dir: &Path, key: &LogKey) -> Result<Self> {
        let path = dir.join("checkpoint");
        let exists = path.try_exists();
        let (mut hashes, head) = match exists.map_err(|error| files::inaccessible(&path, &error))? {
            false => (Vec::new(), None),
            true => {
                let local = audit_offline::tiles(dir, key);
                let local = local.map_err(|error| match error.code {
                    ErrorCode::FileInaccessible => error,
                    _ => damaged(dir, &error),
                })?;
                (local.tree.leaf_hashes().collect(), Some(local.head))
            }
        };
        hashes.truncate(hashes.len() / TILE_WIDTH as usize * TILE_WIDTH as usize);
        while let Some(more) = full_bundle(dir, hashes.len() as u64 / TILE_WIDTH)? {
            hashes.extend(more);
        }
        let tree = LogTree::from_leaf_hashes(hashes);
        Ok(Self { tree, head })
    }
}

/// Hashes of its leaves, if it is there and whole.
fn full_bundle(dir: &Path, index: u64) -> Result<Option<Vec<Hash>>> {
    let Some(bytes) = files::read_tile(dir, &bundle(index, TILE_WIDTH))? else {
        return Ok(None);
    };
    let leaves = from_bundle(&bytes, TILE_WIDTH);
    Ok(leaves.map(|leaves| leaves.into_iter().map(merkle::leaf_hash).collect()))
}

fn bundle(index: u64, width: u64) -> Tile {
    Tile {
        kind: TileKind::Entries,
        index,
        width,
    }
}

struct Writer<'a> {
    dir: &'a Path,
    tree: LogTree,
    /// Leaves of the bundle that is not full yet.
    open: Vec<Vec<u8>>,
    /// Directories whose names have to become durable.
    touched: BTreeSet<PathBuf>,
}

impl<'a> Writer<'a> {
    fn new(dir: &'a Path, tree: LogTree) -> Self {
        Self {
            dir,
            tree,
            open: Vec::new(),
            touched: BTreeSet::new(),
        }
    }

    fn leaf(&mut self, leaf: Vec<u8>) -> Result<()> {
        let (index, _) = self.tree.append(&leaf);
        Entry::from_leaf(&leaf)
            .map_err(|error| is_false(format_args!("entry {index}: {error}")))?;
        self.open.push(leaf);
        match self.open.len() as u64 {
            TILE_WIDTH => self.bundle(),
            _ => Ok(()),
        }
    }

    /// Writes what is open as a bundle.
    fn bundle(&mut self) -> Result<()> {
        let width = self.open.len() as u64;
        let index = (self.tree.size() - width) / TILE_WIDTH;
        let bytes = to_bundle(self.open.iter().map(Vec::as_slice));
        let bytes = bytes.ok_or_else(|| is_false("an entry is too long for a bundle"))?;
        self.open.clear();
        self.file(&bundle(index, width).path(), &bytes)
    }

    fn file(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(path);
        let above = path.ancestors().skip(1);
        let inside = above.take_while(|above| above.starts_with(self.dir));
        self.touched.extend(inside.map(Path::to_owned));
        files::replace_lazily(&path, bytes)
    }

    fn finish(mut self, old: u64, head: &SeenHead) -> Result<()> {
        if !self.open.is_empty() {
            self.bundle()?;
        }
        let hashes = |tile: &Tile| tile.kind != TileKind::Entries;
        for tile in new_tiles(old, head.size).filter(hashes) {
            let bytes = self.tree.tile(&tile);
            let bytes = bytes.ok_or_else(|| is_false("the tree has no such tile"))?;
            self.file(&tile.path(), &bytes)?;
        }
        for dir in &self.touched {
            files::sync_dir(dir)?;
        }
        files::replace(&self.dir.join("checkpoint"), &head.checkpoint)?;
        for tile in new_tiles(old, head.size).filter(Tile::is_full) {
            let partial = self.dir.join(format!("{}.p", tile.path()));
            // They are not needed any more; that they stay does no harm.
            let _ = std::fs::remove_dir_all(partial);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
