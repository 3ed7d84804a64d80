//! One sealed group: a fixed-width header, which is the associated data, and the sealed payload.

use zeroize::Zeroizing;

/// The head of the log's tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
}

/// A group that has been authenticated, and stands where it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedGroup {
    /// Its number.
    pub sequence: u64,
    /// The boot that wrote it.
    pub boot_id: [u8; 16],
    /// The head of the tree before its first record. INVARIANT for the caller to check: the fold
    /// of everything before this group has this head.
    pub tree_before: TreeHead,
    /// What was given to `append`.
    pub payload: Zeroizing<Vec<u8>>,
}
