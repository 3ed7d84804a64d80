//! Certificates with evidence inside, before anything of them is trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ratls::UnappraisedLeaf;
use vault_policy::UnixSeconds;

fuzz_target!(|data: &[u8]| {
    let _ = UnappraisedLeaf::parse(data, UnixSeconds(1_751_000_000));
});
