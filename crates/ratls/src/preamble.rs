//! The attestation preamble: what both ends of a fresh TLS 1.3 connection say before HTTP/2.
//!
//! Sans-IO. [`Frame`] is the codec, [`client`] and [`server`] are the two roles as types that
//! allow only the right next step, [`Binding`] is the one way to what a quote commits to. The
//! caller must read and write whole frames, bound the time, take the exporter from the connection
//! at hand, and appraise the evidence: nothing here verifies a quote. Byte by byte in
//! `docs/protocol.md`, with vectors in `vectors/preamble`.

mod batch;
mod binding;
pub mod client;
mod frame;
mod header;
mod reader;
mod refuse;
pub mod server;

pub use batch::{Batch, Place};
pub use binding::{Binding, EXPORTER_LABEL};
pub use frame::{Evidence, Frame, Hello, Proof};
pub use header::{FrameError, HEADER_LENGTH, Header, Kind, MAX_PAYLOAD};
pub use refuse::Reason;

/// The ALPN name of a connection that begins with this preamble and carries HTTP/2 after it.
pub const ALPN: &[u8] = b"ev-attest/1";
