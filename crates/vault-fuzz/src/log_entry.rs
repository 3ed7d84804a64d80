//! Leaves of the log: a leaf that reads has no second spelling.

use vault_audit::Entry;

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(entry) = Entry::from_leaf(data) {
        assert_eq!(entry.to_leaf().expect("it was read"), data);
    }
}
