//! What makes a start with very many keys quick.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use vault_keys::Rng;
use vault_policy::Lineage;

/// By lineage, which is a SHA-256 value that nobody chooses: its first bytes are its hash.
pub(crate) type ByLineage = HashMap<Lineage, usize, BuildHasherDefault<FirstBytes>>;

#[derive(Default)]
pub(crate) struct FirstBytes(u64);

impl Hasher for FirstBytes {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length in front of the bytes.
    fn write_usize(&mut self, _: usize) {}
}

/// Randomness by the page: a nonce for each of very many keys. Not for secrets: what was drawn is
/// not wiped.
pub(crate) struct Drawn<'a> {
    from: &'a mut dyn Rng,
    page: [u8; 4_096],
    /// What is used up of the page.
    used: usize,
}

impl<'a> Drawn<'a> {
    pub(crate) fn new(from: &'a mut dyn Rng) -> Self {
        let page = [0; 4_096];
        Self {
            from,
            page,
            used: page.len(),
        }
    }
}

impl Rng for Drawn<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        if out.len() > self.page.len().saturating_sub(self.used) {
            self.from.fill(&mut self.page);
            self.used = 0;
        }
        let end = self.used.saturating_add(out.len());
        match self.page.get(self.used..end) {
            Some(drawn) => out.copy_from_slice(drawn),
            // More than a page.
            None => self.from.fill(out),
        }
        self.used = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use vault_encoding::Hash;

    struct Counting(u64);

    impl Rng for Counting {
        fn fill(&mut self, out: &mut [u8]) {
            for chunk in out.chunks_mut(8) {
                self.0 += 1;
                chunk.copy_from_slice(&self.0.to_be_bytes()[..chunk.len()]);
            }
        }
    }

    #[test]
    fn nothing_that_is_drawn_is_drawn_twice() {
        let mut source = Counting(0);
        let mut drawn = Drawn::new(&mut source);
        let mut seen = BTreeSet::new();
        for length in [24, 8, 5_000, 24].into_iter().cycle().take(3_000) {
            let mut out = vec![0; length];
            drawn.fill(&mut out);
            assert!(out.chunks(8).all(|chunk| seen.insert(chunk.to_vec())));
        }
    }

    #[test]
    fn lineages_are_told_apart_by_all_of_their_bytes() {
        let lineage = |last: u8| {
            let mut bytes = [7; 32];
            bytes[31] = last;
            Lineage(Hash(bytes))
        };
        let mut map = ByLineage::default();
        for last in 0..100 {
            map.insert(lineage(last), usize::from(last));
        }
        assert!((0..100).all(|last| map.get(&lineage(last)) == Some(&usize::from(last))));
        assert_eq!(map.get(&lineage(100)), None);
    }
}
