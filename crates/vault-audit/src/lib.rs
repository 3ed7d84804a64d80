//! Audit entries, the Merkle log, signed checkpoints, proofs and their verification. Sans-IO: the
//! caller keeps leaves and checkpoints, and brings the signature.
//!
//! What a vault writes: [`Entry::to_leaf`] → [`LogTree::append`] → [`Checkpoint::sign`] → [`Receipt`].
//! What a client holds it to: [`verify_receipt`] and [`verify_extension`].
//! What an auditor runs over everything: [`verify_export`], from a file that [`Export`] reads, or
//! [`verify_tiles`], over the layout of [`Tile`]; [`Frontier`] is for those who follow a log.
//! docs/audit-log.md describes all of it for a second implementation.

mod checkpoint;
mod entry;
mod evidence;
mod export;
mod extension;
mod frontier;
mod heads;
mod note;
mod principal;
mod receipt;
mod salt;
mod tile;
mod tree;
mod verify;
mod verify_tiles;
mod writer;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use entry::{Entry, LeafError, MAX_LEAF_BYTES};
pub use evidence::{
    CheckedEvidence, EvidenceFault, EvidenceHead, EvidenceKind, Found, HeadEvidence, Proven,
};
pub use export::{Export, ExportFormatError, ExportLine, ExportReader};
pub use extension::{ExtensionError, verify_extension};
pub use frontier::Frontier;
pub use heads::{Carried, Shown, judge_answer, judge_carried};
pub use note::{LogKey, LogKeyError, NoteError};
pub use principal::Principal;
pub use receipt::{Receipt, ReceiptError, VerifiedReceipt, verify_receipt};
pub use salt::{change_hash, change_salt, request_hash, request_salt};
pub use tile::{TILE_WIDTH, Tile, TileKind, from_bundle, new_tiles, to_bundle};
pub use tree::LogTree;
pub use verify::{ExportError, LogVerifier, VerifiedLog, verify_export};
pub use verify_tiles::{TilesError, VerifiedTiles, verify_tiles};
