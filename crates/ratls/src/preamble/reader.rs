//! Takes fields off the front of a payload.

use crate::preamble::FrameError;
use vault_encoding::Hash;

pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(FrameError::Fields)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        self.bytes(N)?.try_into().map_err(|_| FrameError::Fields)
    }

    pub(super) fn hash(&mut self) -> Result<Hash, FrameError> {
        self.array().map(Hash)
    }

    pub(super) fn byte(&mut self) -> Result<u8, FrameError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn number(&mut self) -> Result<u32, FrameError> {
        self.array().map(u32::from_be_bytes)
    }

    /// A length in four bytes, 1 to `most`, then that many bytes.
    pub(super) fn block(&mut self, most: usize) -> Result<Vec<u8>, FrameError> {
        let length = usize::try_from(self.number()?).map_err(|_| FrameError::Value)?;
        if length == 0 || length > most {
            return Err(FrameError::Value);
        }
        self.bytes(length).map(<[u8]>::to_vec)
    }

    pub(super) fn end(self) -> Result<(), FrameError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(FrameError::Fields)
        }
    }
}
