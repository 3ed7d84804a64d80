//! C2SP tlog-tiles (c2sp.org/tlog-tiles): a log as files that never change, 256 hashes or entries
//! each. Which files there are, what they are called and what is in them.

use crate::tree::LogTree;
use vault_encoding::Hash;

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: u64 = 256;
const TILE_HEIGHT: u32 = 8;
/// Bytes in which the length of an entry stands before it.
const LENGTH: usize = 2;

/// What a tile holds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TileKind {
    /// The leaves themselves: an entry bundle.
    Entries,
    /// Hashes; of leaves at level 0, of full tiles of the level below at the others.
    Hashes(u8),
}

/// One file of the layout.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Tile {
    /// What it holds.
    pub kind: TileKind,
    /// Its place in its level.
    pub index: u64,
    /// How many hashes or entries, 1 to 256.
    pub width: u64,
}

impl Tile {
    /// Whether it will never grow.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same place when it is full.
    pub fn full(&self) -> Self {
        Self {
            width: TILE_WIDTH,
            ..*self
        }
    }

    /// Bytes that its file has at most; those of hashes have exactly so many.
    pub fn most_bytes(&self) -> u64 {
        let each = match self.kind {
            TileKind::Entries => LENGTH as u64 + u64::from(u16::MAX),
            TileKind::Hashes(_) => 32,
        };
        self.width.saturating_mul(each)
    }

    /// `tile/<L>/<N>[.p/<W>]`, with `entries` for the level of entry bundles.
    pub fn path(&self) -> String {
        let level = match self.kind {
            TileKind::Entries => "entries".to_owned(),
            TileKind::Hashes(level) => level.to_string(),
        };
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        match self.is_full() {
            true => format!("tile/{level}/{number}"),
            false => format!("tile/{level}/{number}.p/{}", self.width),
        }
    }
}

/// Entry bundles and tiles of the tree of `new` leaves that the tree of `old` leaves does not have:
/// the bundles first, then level by level.
pub fn new_tiles(old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let levels = (0..8u8).map(TileKind::Hashes);
    std::iter::once(TileKind::Entries)
        .chain(levels)
        .flat_map(move |kind| level_tiles(kind, old, new))
}

fn level_tiles(kind: TileKind, old: u64, new: u64) -> impl Iterator<Item = Tile> {
    let shift = match kind {
        TileKind::Entries => 0,
        TileKind::Hashes(level) => TILE_HEIGHT * u32::from(level),
    };
    let at = |size: u64| size.checked_shr(shift).unwrap_or(0);
    let (old, new) = (at(old), at(new));
    let first = old / TILE_WIDTH;
    let end = if new > old {
        new.div_ceil(TILE_WIDTH)
    } else {
        first
    };
    (first..end).map(move |index| Tile {
        kind,
        index,
        width: (new - index * TILE_WIDTH).min(TILE_WIDTH),
    })
}

impl LogTree {
    /// The bytes of a tile of hashes; `None` if the tree does not have it, and of entry bundles,
    /// whose bytes the tree does not keep.
    pub fn tile(&self, tile: &Tile) -> Option<Vec<u8>> {
        let TileKind::Hashes(level) = tile.kind else {
            return None;
        };
        let height = usize::from(level) * TILE_HEIGHT as usize;
        let from = tile.index.checked_mul(TILE_WIDTH)?;
        let hashes: Option<Vec<Hash>> = (from..from + tile.width)
            .map(|index| self.complete(height, index))
            .collect();
        Some(hashes?.iter().flat_map(|hash| hash.0).collect())
    }
}

/// An entry bundle: each leaf behind its length, two bytes big-endian. `None` if one is too long.
pub fn to_bundle<'a>(leaves: impl IntoIterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for leaf in leaves {
        out.extend(u16::try_from(leaf.len()).ok()?.to_be_bytes());
        out.extend(leaf);
    }
    Some(out)
}

/// The leaves of an entry bundle; `None` if its bytes are not exactly those of so many.
pub fn from_bundle(mut bytes: &[u8], count: u64) -> Option<Vec<&[u8]>> {
    let mut leaves = Vec::new();
    for _ in 0..count {
        let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        leaves.push(leaf);
        bytes = rest;
    }
    bytes.is_empty().then_some(leaves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let tile = |kind, index, width| Tile { kind, index, width }.path();
        assert_eq!(tile(TileKind::Hashes(0), 5, 256), "tile/0/005");
        let deep = "tile/2/x001/x234/067.p/8";
        assert_eq!(tile(TileKind::Hashes(2), 1_234_067, 8), deep);
        let entries = "tile/entries/x001/000.p/255";
        assert_eq!(tile(TileKind::Entries, 1000, 255), entries);
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_that_the_specification_counts() {
        let count = |kind, full| {
            new_tiles(0, 70_000)
                .filter(|tile| tile.kind == kind && tile.is_full() == full)
                .map(|tile| tile.width)
                .collect::<Vec<_>>()
        };
        for kind in [TileKind::Hashes(0), TileKind::Entries] {
            assert_eq!(count(kind, true).len(), 273);
            assert_eq!(count(kind, false), [112]);
        }
        assert_eq!(count(TileKind::Hashes(1), true).len(), 1);
        assert_eq!(count(TileKind::Hashes(1), false), [17]);
        assert_eq!(count(TileKind::Hashes(2), true).len(), 0);
        assert_eq!(count(TileKind::Hashes(2), false), [1]);
        assert_eq!(count(TileKind::Hashes(3), false).len(), 0);
        assert_eq!(new_tiles(70_000, 70_000).count(), 0);
        assert_eq!(new_tiles(0, 0).count(), 0);
        assert_eq!(
            new_tiles(0, u64::MAX).nth(1 << 12).map(|tile| tile.index),
            Some(1 << 12)
        );
    }

    #[test]
    fn bundles_have_one_spelling() {
        let leaves = [&b"one"[..], b"", b"three"];
        let bundle = to_bundle(leaves).unwrap();
        assert_eq!(bundle, b"\0\x03one\0\0\0\x05three");
        assert_eq!(from_bundle(&bundle, 3).unwrap(), leaves);
        for cut in [1, 3, 4, 6, 8, bundle.len() - 1] {
            assert_eq!(from_bundle(&bundle[..cut], 3), None, "{cut}");
        }
        for other in [0, 1, 2, 4, u64::MAX] {
            assert_eq!(from_bundle(&bundle, other), None, "{other}");
        }
        assert_eq!(to_bundle([&[0; 65_536][..]]), None);
    }

    #[test]
    fn no_file_of_the_layout_is_longer_than_its_width_allows() {
        let longest = to_bundle([&[0; 65_535][..]; 3]).unwrap();
        let most = |kind, width| {
            let index = 0;
            Tile { kind, index, width }.most_bytes()
        };
        assert_eq!(most(TileKind::Entries, 3), longest.len() as u64);
        assert_eq!(most(TileKind::Hashes(1), 256), 256 * 32);
    }
}
