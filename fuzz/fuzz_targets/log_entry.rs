//! Leaves of the log: a leaf that reads has no second spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_audit::Entry;

fuzz_target!(|data: &[u8]| {
    if let Ok(entry) = Entry::from_leaf(data) {
        assert_eq!(entry.to_leaf().expect("it was read"), data);
    }
});
