//! Frames of the attestation preamble: a frame that reads has no second spelling.

use ratls::preamble::Frame;

/// One input.
pub fn run(data: &[u8]) {
    if let Ok(frame) = Frame::decode(data) {
        assert_eq!(frame.encode(), data);
    }
}
