//! Signatures as bytes, in the two formats.

use std::fmt;

/// How a signature is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SignatureFormat {
    /// r and s, 32 bytes each, big-endian (IEEE P1363); for Ed25519 the 64 bytes of RFC 8032.
    P1363,
    /// ASN.1 `Ecdsa-Sig-Value` (RFC 3279); P-256 only.
    Der,
}

impl SignatureFormat {
    /// The name in JSON and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::P1363 => "p1363",
            Self::Der => "der",
        }
    }
}

/// Length of a signature in P1363.
pub(crate) const FIXED_LEN: usize = 64;
/// The longest DER form: two integers of 33 bytes.
const MAX_LEN: usize = 72;
const INTEGER: u8 = 2;
const SEQUENCE: u8 = 0x30;

/// A signature, without an allocation.
#[derive(Clone, Copy)]
pub struct SignatureBytes {
    bytes: [u8; MAX_LEN],
    len: usize,
}

impl SignatureBytes {
    pub(crate) fn from_slice(signature: &[u8]) -> Option<Self> {
        let mut bytes = [0; MAX_LEN];
        bytes.get_mut(..signature.len())?.copy_from_slice(signature);
        Some(Self {
            bytes,
            len: signature.len(),
        })
    }

    fn push(&mut self, more: &[u8]) -> Option<()> {
        let end = self.len.checked_add(more.len())?;
        self.bytes.get_mut(self.len..end)?.copy_from_slice(more);
        self.len = end;
        Some(())
    }
}

impl AsRef<[u8]> for SignatureBytes {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for SignatureBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&vault_encoding::text::hex(self.as_ref()))
    }
}

impl PartialEq for SignatureBytes {
    fn eq(&self, other: &Self) -> bool {
        self.as_ref() == other.as_ref()
    }
}

impl Eq for SignatureBytes {}

/// r and s of a DER signature in 64 bytes; `None` if it is not DER of two integers that fit.
pub(crate) fn der_to_fixed(der: &[u8]) -> Option<SignatureBytes> {
    let (SEQUENCE, body, []) = read(der)? else {
        return None;
    };
    let (INTEGER, r, rest) = read(body)? else {
        return None;
    };
    let (INTEGER, s, []) = read(rest)? else {
        return None;
    };
    let mut fixed = SignatureBytes {
        bytes: [0; MAX_LEN],
        len: FIXED_LEN,
    };
    let (left, right) = fixed
        .bytes
        .get_mut(..FIXED_LEN)?
        .split_at_mut(FIXED_LEN / 2);
    place(r, left)?;
    place(s, right)?;
    Some(fixed)
}

/// The DER form of r and s; `None` if there are not 64 bytes.
pub(crate) fn fixed_to_der(fixed: &[u8]) -> Option<SignatureBytes> {
    let fixed: &[u8; FIXED_LEN] = fixed.try_into().ok()?;
    let (r, s) = fixed.split_at(FIXED_LEN / 2);
    let (r, s) = (magnitude(r), magnitude(s));
    let (r_len, s_len) = (integer_len(r), integer_len(s));
    let mut der = SignatureBytes {
        bytes: [0; MAX_LEN],
        len: 0,
    };
    der.push(&[
        SEQUENCE,
        u8::try_from(r_len.checked_add(s_len)?.checked_add(4)?).ok()?,
    ])?;
    push_integer(&mut der, r, r_len)?;
    push_integer(&mut der, s, s_len)?;
    Some(der)
}

/// Tag, contents and what follows; short form of the length only.
fn read(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&len, rest) = rest.split_first()?;
    if len >= 0x80 {
        return None;
    }
    let (contents, rest) = rest.split_at_checked(usize::from(len))?;
    Some((tag, contents, rest))
}

fn place(integer: &[u8], field: &mut [u8]) -> Option<()> {
    let digits = match integer {
        [0, rest @ ..] => rest,
        digits => digits,
    };
    let start = field.len().checked_sub(digits.len())?;
    field.get_mut(start..)?.copy_from_slice(digits);
    Some(())
}

/// Without leading zeros, but at least one byte.
fn magnitude(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|&&digit| digit == 0).count();
    digits
        .get(zeros.min(digits.len().saturating_sub(1))..)
        .unwrap_or_default()
}

fn integer_len(magnitude: &[u8]) -> usize {
    magnitude.len() + usize::from(needs_sign(magnitude))
}

fn needs_sign(magnitude: &[u8]) -> bool {
    magnitude.first().is_some_and(|&first| first >= 0x80)
}

fn push_integer(der: &mut SignatureBytes, magnitude: &[u8], len: usize) -> Option<()> {
    der.push(&[INTEGER, u8::try_from(len).ok()?])?;
    if needs_sign(magnitude) {
        der.push(&[0])?;
    }
    der.push(magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_two_formats_carry_the_same_numbers(
            mut fixed in proptest::collection::vec(any::<u8>(), 64),
            zeros in 0..34usize,
        ) {
            for byte in fixed.iter_mut().take(zeros) { *byte = 0; }
            let der = fixed_to_der(&fixed).unwrap();
            prop_assert!(der.as_ref().len() <= MAX_LEN);
            let back = der_to_fixed(der.as_ref()).unwrap();
            prop_assert_eq!(back.as_ref(), &fixed[..]);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = der_to_fixed(&bytes);
            let _ = fixed_to_der(&bytes);
        }
    }

    #[test]
    fn integers_are_as_short_as_der_demands() {
        let mut fixed = [0; 64];
        fixed[31] = 0x80;
        fixed[63] = 0x7f;
        let der = fixed_to_der(&fixed).unwrap();
        assert_eq!(der.as_ref(), [0x30, 7, 2, 2, 0, 0x80, 2, 1, 0x7f]);
        let longest = fixed_to_der(&[0xff; 64]).unwrap();
        assert_eq!(longest.as_ref().len(), MAX_LEN);
    }

    #[test]
    fn other_lengths_and_trailing_bytes_are_refused() {
        assert_eq!(fixed_to_der(&[1; 63]), None);
        assert_eq!(fixed_to_der(&[1; 65]), None);
        assert_eq!(der_to_fixed(&[0x30, 6, 2, 1, 1, 2, 1, 1, 0]), None);
        assert_eq!(der_to_fixed(&[0x30, 7, 2, 1, 1, 2, 1, 1, 0]), None);
        assert_eq!(der_to_fixed(&[0x30, 0x81, 6, 2, 1, 1, 2, 1, 1]), None);
    }
}
