//! Whether bytes are one CBOR map (RFC 8949) in the form that CTAP2 allows: definite lengths only. What is in
//! it is not looked at.

/// CTAP2 allows four levels; the map is the first.
const DEPTH: usize = 4;

/// Whether the bytes are one well-formed map, and nothing behind it.
pub(crate) fn is_one_map(bytes: &[u8]) -> bool {
    let is_map = bytes.first().is_some_and(|first| first >> 5 == 5);
    is_map && item(bytes, DEPTH).is_some_and(<[u8]>::is_empty)
}

/// Reads one item; gives what is behind it.
fn item(bytes: &[u8], depth: usize) -> Option<&[u8]> {
    let (first, rest) = bytes.split_first()?;
    let (argument, rest) = argument(first & 0x1f, rest)?;
    match first >> 5 {
        0 | 1 => Some(rest),
        2 => rest.get(argument..),
        3 => {
            let (text, rest) = rest.split_at_checked(argument)?;
            std::str::from_utf8(text).ok().map(|_| rest)
        }
        4 => items(rest, argument, depth),
        5 => items(rest, argument.checked_mul(2)?, depth),
        // Tags are not allowed; of the simple values those with a byte of their own are.
        7 => Some(rest),
        _ => None,
    }
}

fn items(mut rest: &[u8], count: usize, depth: usize) -> Option<&[u8]> {
    let depth = depth.checked_sub(1)?;
    // Each takes a byte at least, so that a count cannot keep this busy for longer than the bytes.
    if count > rest.len() {
        return None;
    }
    for _ in 0..count {
        rest = item(rest, depth)?;
    }
    Some(rest)
}

fn argument(additional: u8, rest: &[u8]) -> Option<(usize, &[u8])> {
    let width = match additional {
        0..=23 => return Some((usize::from(additional), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (bytes, rest) = rest.split_at_checked(width)?;
    let value = bytes.iter().try_fold(0u64, |value, byte| {
        Some(value.checked_mul(256)? | u64::from(*byte))
    })?;
    Some((usize::try_from(value).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_one_and_whole() {
        let fine: [&[u8]; 7] = [
            &[0xa0],
            &[0xa1, 0x61, b'a', 0xf5],
            &[0xa1, 0x01, 0x82, 0x41, 0xff, 0x20],
            &[0xa1, 0x18, 0x20, 0xa1, 0x00, 0x81, 0x80],
            &[0xb8, 0x01, 0x00, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
            &[0xa1, 0x01, 0x59, 0x00, 0x02, 0xff, 0xff],
            &[0xba, 0, 0, 0, 0x01, 0x00, 0x5a, 0, 0, 0, 0x01, 0xff],
        ];
        for bytes in fine {
            assert!(is_one_map(bytes), "{bytes:?}");
            assert!(!is_one_map(&[bytes, &[0]].concat()), "{bytes:?}");
            assert!(!is_one_map(&bytes[..bytes.len() - 1]), "{bytes:?}");
        }
        let bad: [&[u8]; 9] = [
            &[],
            &[0x80],
            &[0xbf, 0xff],
            &[0xa1, 0x00, 0xc0, 0x00],
            &[0xa1, 0x00, 0x61, 0xff],
            &[0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0xa1, 0x00, 0x80],
            &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0xba, 0, 0, 0xff, 0xff, 0],
            &[
                0xa1, 0x00, 0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
            ],
        ];
        for bytes in bad {
            assert!(!is_one_map(bytes), "{bytes:?}");
        }
    }
}
