//! GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, eight elements to a word.

const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The product of two elements.
pub(crate) fn mul(a: u8, b: u8) -> u8 {
    let [product, ..] = mul_word(u64::from(a), b).to_le_bytes();
    product
}

/// a^254, which is the inverse of every element but zero, and zero for zero.
pub(crate) fn inverse(a: u8) -> u8 {
    let mut power = a;
    let mut product = 1;
    for _ in 1..8 {
        power = mul(power, power);
        product = mul(product, power);
    }
    product
}

/// `values = values * by + addend`, element by element. Both are of one length.
pub(crate) fn scale_add(values: &mut [u8], by: u8, addend: &[u8]) {
    each(values, addend, |value, addend| mul_word(value, by) ^ addend);
}

/// `sum = sum + by * values`, element by element. Both are of one length.
pub(crate) fn add_scaled(sum: &mut [u8], by: u8, values: &[u8]) {
    each(sum, values, |sum, value| sum ^ mul_word(value, by));
}

fn each(left: &mut [u8], right: &[u8], step: impl Fn(u64, u64) -> u64) {
    let (left_words, left_rest) = left.as_chunks_mut::<8>();
    let (right_words, right_rest) = right.as_chunks::<8>();
    for (left, right) in left_words.iter_mut().zip(right_words) {
        *left = step(u64::from_le_bytes(*left), u64::from_le_bytes(*right)).to_le_bytes();
    }
    for (left, right) in left_rest.iter_mut().zip(right_rest) {
        [*left, ..] = step(u64::from(*left), u64::from(*right)).to_le_bytes();
    }
}

/// Eight products by one element: shift, reduce and add, by masks for the bits of `by`.
fn mul_word(word: u64, by: u8) -> u64 {
    let mut power = word;
    let mut product = 0;
    for bit in 0..8 {
        let mask = u64::from((by >> bit) & 1).wrapping_neg();
        product ^= power & mask;
        power = double(power);
    }
    product
}

/// Eight products by x: what leaves a byte at its top comes back as 0x1b, bits 4, 3, 1 and 0.
fn double(word: u64) -> u64 {
    let carried = (word & HIGH_BITS) >> 7;
    ((word & !HIGH_BITS) << 1) ^ carried ^ (carried << 1) ^ (carried << 3) ^ (carried << 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Schoolbook: the product of two polynomials over GF(2), then long division by 0x11b.
    fn reference(a: u8, b: u8) -> u8 {
        let mut product = 0u16;
        for i in 0..8 {
            for j in 0..8 {
                let bit = (u16::from(a) >> i) & (u16::from(b) >> j) & 1;
                product ^= bit << (i + j);
            }
        }
        for degree in (8..15).rev() {
            if product & (1 << degree) != 0 {
                product ^= 0x11b << (degree - 8);
            }
        }
        u8::try_from(product).unwrap()
    }

    #[test]
    fn all_products_are_those_of_the_schoolbook() {
        for a in 0..=255 {
            for b in 0..=255 {
                assert_eq!(mul(a, b), reference(a, b), "{a} * {b}");
            }
        }
        assert_eq!(mul(0x57, 0x83), 0xc1, "FIPS 197, 4.2");
    }

    #[test]
    fn every_element_but_zero_has_its_inverse() {
        assert_eq!(inverse(0), 0);
        for a in 1..=255 {
            assert_eq!(reference(a, inverse(a)), 1, "{a}");
        }
    }

    #[test]
    fn words_and_the_rest_of_every_length_are_multiplied_alike() {
        let values: Vec<u8> = (0..=255).collect();
        for len in 0..64 {
            for by in [0, 1, 2, 0x80, 0x8d, 0xff] {
                let values = &values[255 - len..255];
                let other: Vec<u8> = values.iter().map(|v| v ^ 0x5a).collect();
                let mut scaled = values.to_vec();
                scale_add(&mut scaled, by, &other);
                let mut added = other.clone();
                add_scaled(&mut added, by, values);
                let expected: Vec<u8> = values
                    .iter()
                    .zip(&other)
                    .map(|(value, other)| reference(*value, by) ^ other)
                    .collect();
                assert_eq!(scaled, expected, "{len} by {by}");
                assert_eq!(added, expected, "{len} by {by}");
            }
        }
    }
}
