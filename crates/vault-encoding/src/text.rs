//! The three ways in which bytes are written as text.

const HEX: &[u8; 16] = b"0123456789abcdef";
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    encode_bits(bytes, HEX, 4)
}

/// Exactly `N` bytes from lower-case hex; `None` for any other text.
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = decode_bits(text, HEX, 4)?;
    bytes.try_into().ok()
}

/// RFC 4648 base32, lower case, unpadded.
pub fn base32(bytes: &[u8]) -> String {
    encode_bits(bytes, BASE32, 5)
}

/// Bytes from RFC 4648 base32, lower case, unpadded; `None` if any unused bit is set.
pub fn unbase32(text: &str) -> Option<Vec<u8>> {
    decode_bits(text, BASE32, 5)
}

/// RFC 4648 base64url, unpadded.
pub fn base64url(bytes: &[u8]) -> String {
    encode_bits(bytes, BASE64URL, 6)
}

/// Bytes from RFC 4648 base64url, unpadded; `None` if any unused bit is set.
pub fn unbase64url(text: &str) -> Option<Vec<u8>> {
    decode_bits(text, BASE64URL, 6)
}

fn encode_bits(bytes: &[u8], alphabet: &[u8], width: u32) -> String {
    let mask = (1u32 << width) - 1;
    let mut out = String::with_capacity(bytes.len() * 8 / width as usize + 1);
    let (mut buffer, mut held) = (0u32, 0u32);
    let mut push = |index: u32| {
        if let Some(&symbol) = alphabet.get((index & mask) as usize) {
            out.push(char::from(symbol));
        }
    };
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        held += 8;
        while held >= width {
            held -= width;
            push(buffer >> held);
        }
        buffer &= (1 << held) - 1;
    }
    if held > 0 {
        push(buffer << (width - held));
    }
    out
}

fn decode_bits(text: &str, alphabet: &[u8], width: u32) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * width as usize / 8);
    let (mut buffer, mut held) = (0u32, 0u32);
    for symbol in text.bytes() {
        let index = alphabet.iter().position(|&known| known == symbol)?;
        buffer = (buffer << width) | u32::try_from(index).ok()?;
        held += width;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from((buffer >> held) & 0xff).ok()?);
        }
        buffer &= (1 << held) - 1;
    }
    // What is left must be shorter than one symbol and zero: one text per byte string.
    (held < width && buffer == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_the_vectors_of_rfc_4648() {
        assert_eq!(hex(b"foobar"), "666f6f626172");
        assert_eq!(base32(b"foobar"), "mzxw6ytboi");
        assert_eq!(base32(b"fooba"), "mzxw6ytb");
        assert_eq!(base64url(b"foob"), "Zm9vYg");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }

    #[test]
    fn refuses_upper_case_padding_and_set_unused_bits() {
        assert_eq!(unhex::<1>("FF"), None);
        assert_eq!(unhex::<1>("f"), None);
        assert_eq!(unhex::<2>("ff"), None);
        assert_eq!(unbase32("mzxw6ytboi======"), None);
        assert_eq!(unbase64url("Zm9vYh"), None);
        assert_eq!(unbase64url("Zm9vYg=="), None);
        assert_eq!(unbase64url("A"), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert_eq!(unbase32(&base32(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(unbase64url(&base64url(&bytes)), Some(bytes.clone()));
            prop_assert_eq!(decode_bits(&hex(&bytes), HEX, 4), Some(bytes));
        }

        #[test]
        fn what_decodes_encodes_to_itself(text in "[a-zA-Z0-9_=-]{0,12}") {
            if let Some(bytes) = unbase64url(&text) { prop_assert_eq!(base64url(&bytes), text.clone()); }
            if let Some(bytes) = unbase32(&text) { prop_assert_eq!(base32(&bytes), text); }
        }
    }
}
