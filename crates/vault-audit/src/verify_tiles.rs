//! The auditor's verifier over the tlog-tiles layout: every entry, every tile, and the root that the
//! checkpoint names.

use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::entry::{Entry, LeafError};
use crate::note::LogKey;
use crate::tile::{Tile, TileKind, from_bundle, new_tiles};
use crate::tree::LogTree;

/// Why tiles are refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TilesError {
    /// The checkpoint is not of this vault.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A file that the checkpoint's size asks for is not there.
    #[error("{0} is not there")]
    Absent(String),
    /// An entry bundle that does not hold as many entries as its name says.
    #[error("{0} is not a bundle of that many entries")]
    Bundle(String),
    /// An entry cannot be read.
    #[error("entry {index}: {error}")]
    Leaf {
        /// Its index.
        index: u64,
        /// Why.
        error: LeafError,
    },
    /// A tile whose hashes are not those of the entries.
    #[error("{0} does not hold the hashes of the entries")]
    OtherHashes(String),
    /// The entries are not those that the vault has signed.
    #[error("the root over {size} entries is not that of the checkpoint")]
    OtherRoot {
        /// Size of the checkpoint.
        size: u64,
    },
}

/// Tiles that hold.
#[derive(Clone, Debug)]
pub struct VerifiedTiles {
    /// The head that they were held to.
    pub head: Checkpoint,
    /// The tree over all entries.
    pub tree: LogTree,
}

/// Verifies everything that a checkpoint covers. `read` gives the bytes of a file of the layout, if
/// it is there; of a longer one than [`Tile::most_bytes`] any beginning that is longer will do. In the
/// place of a partial tile the full one will do.
pub fn verify_tiles(
    note: &[u8],
    key: &LogKey,
    mut read: impl FnMut(&Tile) -> Option<Vec<u8>>,
) -> Result<VerifiedTiles, TilesError> {
    let head = Checkpoint::verify(note, key)?;
    let mut tree = LogTree::new();
    for tile in new_tiles(0, head.size) {
        let (found, bytes) = find(&tile, &mut read)?;
        match tile.kind {
            TileKind::Entries => append(&mut tree, &tile, &found, &bytes)?,
            TileKind::Hashes(_) => compare(&tree, &tile, &found, &bytes)?,
        }
    }
    match tree.root() == head.root {
        true => Ok(VerifiedTiles { head, tree }),
        false => Err(TilesError::OtherRoot { size: head.size }),
    }
}

fn find(
    tile: &Tile,
    read: &mut impl FnMut(&Tile) -> Option<Vec<u8>>,
) -> Result<(Tile, Vec<u8>), TilesError> {
    for candidate in [*tile, tile.full()] {
        if let Some(bytes) = read(&candidate) {
            return Ok((candidate, bytes));
        }
    }
    Err(TilesError::Absent(tile.path()))
}

fn append(tree: &mut LogTree, tile: &Tile, found: &Tile, bytes: &[u8]) -> Result<(), TilesError> {
    let leaves = from_bundle(bytes, found.width);
    let leaves = leaves.ok_or_else(|| TilesError::Bundle(found.path()))?;
    for (_, leaf) in (0..tile.width).zip(leaves) {
        let index = tree.size();
        Entry::from_leaf(leaf).map_err(|error| TilesError::Leaf { index, error })?;
        tree.append(leaf);
    }
    Ok(())
}

/// Of a full tile in the place of a partial one, the beginning is compared.
fn compare(tree: &LogTree, tile: &Tile, found: &Tile, bytes: &[u8]) -> Result<(), TilesError> {
    let whole = bytes.len() as u64 == found.width * 32;
    let expected = tree.tile(tile);
    match expected.is_some_and(|expected| whole && bytes.starts_with(&expected)) {
        true => Ok(()),
        false => Err(TilesError::OtherHashes(found.path())),
    }
}
