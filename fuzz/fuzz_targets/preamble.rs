//! Frames of the attestation preamble: a frame that reads has no second spelling.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ratls::preamble::Frame;

fuzz_target!(|data: &[u8]| {
    if let Ok(frame) = Frame::decode(data) {
        assert_eq!(frame.encode(), data);
    }
});
