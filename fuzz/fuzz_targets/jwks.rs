//! Key sets of issuers.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vault_core::authn::jwks::KeySet;

fuzz_target!(|data: &[u8]| {
    let _ = KeySet::parse(data);
});
