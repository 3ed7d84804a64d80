//! The ten bytes before every payload.

use crate::preamble::Reason;

/// Bytes of a header: magic 4, version 1, kind 1, payload length 4 (big-endian).
pub const HEADER_LENGTH: usize = 10;

/// No payload is longer.
pub const MAX_PAYLOAD: usize = 64 * 1024;

const MAGIC: [u8; 4] = *b"EVAT";
const VERSION: u8 = 1;

/// The kind of a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The client's first frame.
    Hello,
    /// The server's evidence.
    Evidence,
    /// The caller enclave's evidence; stands for its confirmation as well.
    CallerEvidence,
    /// The sender accepts the other end.
    Confirm,
    /// The sender ends the connection.
    Refuse,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Hello,
        Self::Evidence,
        Self::CallerEvidence,
        Self::Confirm,
        Self::Refuse,
    ];

    /// Its byte.
    pub fn byte(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Evidence => 2,
            Self::CallerEvidence => 3,
            Self::Confirm => 4,
            Self::Refuse => 5,
        }
    }

    fn allows(self, length: usize) -> bool {
        match self {
            Self::Hello => length == 33,
            Self::Evidence | Self::CallerEvidence => length <= MAX_PAYLOAD,
            Self::Confirm => length == 0,
            Self::Refuse => length == 2,
        }
    }
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FrameError {
    /// The first four bytes are not the magic: the peer speaks something else.
    #[error("not a preamble: wrong magic")]
    Magic,
    /// Another version of the preamble.
    #[error("preamble version {0} is not spoken here")]
    Version(u8),
    /// A kind that does not exist.
    #[error("unknown frame kind {0}")]
    Kind(u8),
    /// The length is not one that the kind allows.
    #[error("a frame of this kind cannot be {0} bytes long")]
    Length(u32),
    /// The payload ends inside a field, or goes on behind the last one.
    #[error("the payload does not end where its last field ends")]
    Fields,
    /// A field holds a value that is not allowed.
    #[error("a field holds a value that is not allowed")]
    Value,
}

impl FrameError {
    /// Stable name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Magic => "frame_magic",
            Self::Version(_) => "frame_version",
            Self::Kind(_) => "frame_kind",
            Self::Length(_) => "frame_length",
            Self::Fields => "frame_fields",
            Self::Value => "frame_value",
        }
    }

    /// What the peer is told.
    pub fn reason(self) -> Reason {
        match self {
            Self::Version(_) => Reason::Version,
            Self::Length(_) => Reason::TooLarge,
            Self::Magic | Self::Kind(_) | Self::Fields | Self::Value => Reason::Malformed,
        }
    }
}

/// A parsed header. INVARIANT: the kind allows the length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    kind: Kind,
    length: usize,
}

impl Header {
    pub(super) fn new(kind: Kind, length: usize) -> Self {
        Self { kind, length }
    }

    /// Reads a header; magic first, so that a peer that speaks something else is cut at once.
    pub fn parse(bytes: &[u8; HEADER_LENGTH]) -> Result<Self, FrameError> {
        let [m0, m1, m2, m3, version, kind, l0, l1, l2, l3] = *bytes;
        if [m0, m1, m2, m3] != MAGIC {
            return Err(FrameError::Magic);
        }
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        let kind = Kind::ALL
            .into_iter()
            .find(|known| known.byte() == kind)
            .ok_or(FrameError::Kind(kind))?;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        match usize::try_from(length) {
            Ok(bytes) if kind.allows(bytes) => Ok(Self {
                kind,
                length: bytes,
            }),
            _ => Err(FrameError::Length(length)),
        }
    }

    /// The kind of the frame.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Bytes of the payload that follows.
    pub fn payload_length(&self) -> usize {
        self.length
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[VERSION, self.kind.byte()]);
        out.extend_from_slice(&u32::try_from(self.length).unwrap_or(u32::MAX).to_be_bytes());
    }
}
