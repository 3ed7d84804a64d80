//! The one CBOR shape of an evidence extension: `60000([quote bstr, claims bstr])`.
//!
//! TCG DICE Attestation Architecture, tagged evidence; the tag is that of Intel SGX evidence in
//! interoperable RA-TLS. Only the shortest encoding (RFC 8949, section 4.2.1) is read.

const TAG_60000: [u8; 3] = [0xd9, 0xea, 0x60];
const ARRAY_OF_2: u8 = 0x82;

/// Writes tagged evidence; `None` if a part is longer than 65535 bytes.
pub(crate) fn write(quote: &[u8], claims: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(quote.len() + claims.len() + 10);
    out.extend_from_slice(&TAG_60000);
    out.push(ARRAY_OF_2);
    write_bytes(quote, &mut out)?;
    write_bytes(claims, &mut out)?;
    Some(out)
}

/// Reads tagged evidence: quote and claims. `None` for every other encoding and for bytes behind.
pub(crate) fn read(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes
        .strip_prefix(&TAG_60000)?
        .strip_prefix(&[ARRAY_OF_2])?;
    let (quote, rest) = read_bytes(rest)?;
    let (claims, rest) = read_bytes(rest)?;
    rest.is_empty().then_some((quote, claims))
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let length = u16::try_from(bytes.len()).ok()?;
    let [high, low] = length.to_be_bytes();
    match length {
        0..=23 => out.push(0x40 | low),
        24..=255 => out.extend_from_slice(&[0x58, low]),
        256.. => out.extend_from_slice(&[0x59, high, low]),
    }
    out.extend_from_slice(bytes);
    Some(())
}

fn read_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match bytes {
        [head @ 0x40..=0x57, rest @ ..] => (usize::from(head & 0x1f), rest),
        [0x58, low @ 24..=255, rest @ ..] => (usize::from(*low), rest),
        [0x59, high @ 1..=255, low, rest @ ..] => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_at_every_boundary_of_length() {
        for length in [0, 1, 23, 24, 255, 256, 4600, 65535] {
            let quote = vec![1; length];
            let bytes = write(&quote, b"{}").unwrap();
            assert_eq!(read(&bytes), Some((&quote[..], &b"{}"[..])), "{length}");
        }
        assert_eq!(write(&vec![0; 65536], b""), None);
    }

    #[test]
    fn refuses_longer_encodings_cut_and_appended_bytes() {
        let good = write(&[7; 30], b"abc").unwrap();
        for end in 0..good.len() {
            assert_eq!(read(&good[..end]), None, "{end}");
        }
        assert_eq!(read(&[&good[..], &[0]].concat()), None);
        let head = [&TAG_60000[..], &[ARRAY_OF_2]].concat();
        for longer in [
            &[0x58, 1, 9][..],
            &[0x59, 0, 1, 9],
            &[0x5a, 0, 0, 0, 1, 9],
            &[0x5f],
        ] {
            assert_eq!(read(&[&head, longer, &[0x40]].concat()), None, "{longer:?}");
        }
    }
}
