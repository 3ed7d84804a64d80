//! Frames to bytes and back. What decodes encodes to the same bytes.

use crate::preamble::reader::Reader;
use crate::preamble::{FrameError, HEADER_LENGTH, Header, Kind, Place, Reason};
use vault_encoding::Hash;

const OFFERS_CALLER: u8 = 1;
const MAX_CLAIMS: usize = 16 * 1024;
const MAX_QUOTE: usize = 16 * 1024;
const MAX_COLLATERAL: usize = 48 * 1024;
const MAX_PATH: usize = 32;

/// The client's first frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Fresh; the server's evidence must commit to it.
    pub nonce: [u8; 32],
    /// Whether evidence of the caller will follow.
    pub offers_caller: bool,
}

/// The server's evidence and its nonce for the caller's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// Fresh; the caller's evidence, if any, must commit to it.
    pub caller_nonce: [u8; 32],
    /// The evidence.
    pub proof: Proof,
}

/// Evidence of either role, not yet appraised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proof {
    /// Claims in canonical form; the same bytes as in the certificate.
    pub claims: Vec<u8>,
    /// The quote over the batch's root.
    pub quote: Vec<u8>,
    /// What it is verified against.
    pub collateral: Vec<u8>,
    /// Where this connection's binding stands in the batch.
    pub place: Place,
}

/// One frame.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// Client to server, first.
    Hello(Hello),
    /// Server to client, second.
    Evidence(Evidence),
    /// Client to server instead of Confirm, if the Hello offered it.
    CallerEvidence(Proof),
    /// Client to server, then server to client: the sender accepts.
    Confirm,
    /// Either way, at any time, last.
    Refuse(Reason),
}

impl Frame {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Hello(_) => Kind::Hello,
            Self::Evidence(_) => Kind::Evidence,
            Self::CallerEvidence(_) => Kind::CallerEvidence,
            Self::Confirm => Kind::Confirm,
            Self::Refuse(_) => Kind::Refuse,
        }
    }

    /// Header and payload, to be written at once. Longer than a peer takes if a field is.
    pub fn encode(&self) -> Vec<u8> {
        let mut payload = Vec::new();
        match self {
            Self::Hello(hello) => hello.write(&mut payload),
            Self::Evidence(evidence) => {
                payload.extend_from_slice(&evidence.caller_nonce);
                evidence.proof.write(&mut payload);
            }
            Self::CallerEvidence(proof) => proof.write(&mut payload),
            Self::Confirm => {}
            Self::Refuse(reason) => payload.extend_from_slice(&reason.number().to_be_bytes()),
        }
        let mut out = Vec::with_capacity(HEADER_LENGTH + payload.len());
        Header::new(self.kind(), payload.len()).write(&mut out);
        out.extend_from_slice(&payload);
        out
    }

    /// Reads the payload that followed `header`.
    pub fn parse(header: Header, payload: &[u8]) -> Result<Self, FrameError> {
        if payload.len() != header.payload_length() {
            return Err(FrameError::Fields);
        }
        let mut reader = Reader::new(payload);
        let frame = match header.kind() {
            Kind::Hello => Self::Hello(Hello::read(&mut reader)?),
            Kind::Evidence => Self::Evidence(Evidence {
                caller_nonce: reader.array()?,
                proof: Proof::read(&mut reader)?,
            }),
            Kind::CallerEvidence => Self::CallerEvidence(Proof::read(&mut reader)?),
            Kind::Confirm => Self::Confirm,
            Kind::Refuse => Self::Refuse(read_reason(&mut reader)?),
        };
        reader.end().map(|()| frame)
    }

    /// Reads exactly one frame, nothing before and nothing behind it.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let (header, payload) = bytes.split_first_chunk().ok_or(FrameError::Fields)?;
        Self::parse(Header::parse(header)?, payload)
    }
}

impl Hello {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.nonce);
        out.push(if self.offers_caller { OFFERS_CALLER } else { 0 });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        let nonce = reader.array()?;
        match reader.byte()? {
            0 => Ok(Self {
                nonce,
                offers_caller: false,
            }),
            OFFERS_CALLER => Ok(Self {
                nonce,
                offers_caller: true,
            }),
            _ => Err(FrameError::Value),
        }
    }
}

impl Proof {
    fn write(&self, out: &mut Vec<u8>) {
        for block in [&self.claims, &self.quote, &self.collateral] {
            out.extend_from_slice(&u32::try_from(block.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(block);
        }
        let Place {
            index,
            size,
            root,
            path,
        } = &self.place;
        out.extend_from_slice(&index.to_be_bytes());
        out.extend_from_slice(&size.to_be_bytes());
        out.extend_from_slice(root.as_bytes());
        out.push(u8::try_from(path.len()).unwrap_or(u8::MAX));
        for step in path {
            out.extend_from_slice(step.as_bytes());
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, FrameError> {
        Ok(Self {
            claims: reader.block(MAX_CLAIMS)?,
            quote: reader.block(MAX_QUOTE)?,
            collateral: reader.block(MAX_COLLATERAL)?,
            place: read_place(reader)?,
        })
    }
}

fn read_place(reader: &mut Reader<'_>) -> Result<Place, FrameError> {
    let (index, size) = (reader.number()?, reader.number()?);
    let root = reader.hash()?;
    let steps = usize::from(reader.byte()?);
    if index >= size || steps > MAX_PATH {
        return Err(FrameError::Value);
    }
    let path = (0..steps)
        .map(|_| reader.hash())
        .collect::<Result<Vec<Hash>, _>>()?;
    Ok(Place {
        index,
        size,
        root,
        path,
    })
}

fn read_reason(reader: &mut Reader<'_>) -> Result<Reason, FrameError> {
    Reason::from_number(u16::from_be_bytes(reader.array()?)).ok_or(FrameError::Value)
}
