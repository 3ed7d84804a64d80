//! What makes a start with very many keys quick.

use vault_keys::Rng;
use vault_policy::Lineage;

/// Where the slot of a lineage is. A lineage is a SHA-256 value that nobody chooses: its first four bytes say
/// where to look, and tell it from almost all others. Nothing is ever taken out.
#[derive(Default)]
pub(crate) struct ByLineage {
    /// Four bytes of the lineage, then its position plus one; 0 is a free place. Their number is a
    /// power of two, and a quarter of them is free.
    places: Vec<u64>,
    len: usize,
}

const FEWEST: usize = 64;

impl ByLineage {
    /// Positions of slots that may have this lineage, among them the one that has.
    pub(crate) fn candidates<'a>(
        &'a self,
        lineage: &Lineage,
    ) -> impl Iterator<Item = usize> + use<'a> {
        let tag = tag(lineage);
        let found = self.probe(tag).map_while(|place| match place {
            0 => None,
            place => Some(place),
        });
        let same = found.filter(move |place| place >> 32 == tag);
        same.filter_map(|place| usize::try_from((place & LOW).checked_sub(1)?).ok())
    }

    /// Adds a lineage that is not there yet. Four billion slots do not fit into memory.
    pub(crate) fn insert(&mut self, lineage: &Lineage, position: usize) {
        self.reserve(1);
        let place = tag(lineage) << 32 | (position as u64).saturating_add(1).min(LOW);
        put(&mut self.places, place);
        self.len = self.len.saturating_add(1);
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        let needed = self.len.saturating_add(more).saturating_mul(4) / 3 + 1;
        if needed <= self.places.len() {
            return;
        }
        let mut places = vec![0; needed.next_power_of_two().max(FEWEST)];
        for place in self.places.iter().filter(|place| **place != 0) {
            put(&mut places, *place);
        }
        self.places = places;
    }

    /// All places, from the first one of this tag on.
    fn probe(&self, tag: u64) -> impl Iterator<Item = u64> {
        let (before, from) = self
            .places
            .split_at_checked(first(tag, self.places.len()))
            .unwrap_or_default();
        from.iter().chain(before).copied()
    }
}

const LOW: u64 = u32::MAX as u64;

fn tag(lineage: &Lineage) -> u64 {
    let [a, b, c, d, ..] = lineage.0.0;
    u64::from(u32::from_be_bytes([a, b, c, d]))
}

/// The first of so many places.
fn first(tag: u64, places: usize) -> usize {
    usize::try_from(tag).unwrap_or(0) & places.saturating_sub(1)
}

fn put(places: &mut [u64], place: u64) {
    let (before, from) = places.split_at_mut(first(place >> 32, places.len()));
    if let Some(free) = from.iter_mut().chain(before).find(|place| **place == 0) {
        *free = place;
    }
}

/// Randomness that was drawn before, for work that must not wait for the source. Not for secrets: what was
/// drawn is not wiped.
pub(crate) struct Given<'a> {
    left: &'a [u8],
    ran_out: bool,
}

impl<'a> Given<'a> {
    pub(crate) fn new(drawn: &'a [u8]) -> Self {
        Self {
            left: drawn,
            ran_out: false,
        }
    }

    /// Whether more was asked for than was drawn: then nothing that was given counts.
    pub(crate) fn ran_out(&self) -> bool {
        self.ran_out
    }
}

impl Rng for Given<'_> {
    fn fill(&mut self, out: &mut [u8]) {
        match self.left.split_at_checked(out.len()) {
            Some((given, left)) => {
                out.copy_from_slice(given);
                self.left = left;
            }
            None => self.ran_out = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::{Hash, sha256};

    #[test]
    fn what_was_drawn_is_given_once_and_no_more_than_that() {
        let drawn: Vec<u8> = (0..50).collect();
        let mut given = Given::new(&drawn);
        let mut seen = Vec::new();
        for _ in 0..2 {
            let mut out = [0; 24];
            given.fill(&mut out);
            seen.extend(out);
        }
        assert!(!given.ran_out());
        assert_eq!(seen, drawn[..48]);
        given.fill(&mut [0; 24]);
        assert!(given.ran_out());
        given.fill(&mut [0; 2]);
        assert!(given.ran_out());
    }

    #[test]
    fn every_lineage_is_found_among_few_and_no_other_one() {
        let lineage = |number: u32| Lineage(sha256(&number.to_be_bytes()));
        let mut map = ByLineage::default();
        assert_eq!(map.candidates(&lineage(0)).count(), 0);
        for number in 0..10_000 {
            map.insert(&lineage(number), number as usize);
            assert!(map.len * 4 <= map.places.len() * 3);
        }
        for number in 0..10_000 {
            let found: Vec<usize> = map.candidates(&lineage(number)).collect();
            assert!(found.contains(&(number as usize)) && found.len() <= 2);
        }
        let strangers = (10_000..20_000).flat_map(|number| map.candidates(&lineage(number)));
        assert!(strangers.count() <= 2);
    }

    #[test]
    fn lineages_with_the_same_first_bytes_are_all_found_also_around_the_end() {
        let lineage = |last: u8| {
            let mut bytes = [255; 32];
            bytes[31] = last;
            Lineage(Hash(bytes))
        };
        let mut map = ByLineage::default();
        for last in 0..100 {
            map.insert(&lineage(last), usize::from(last));
        }
        let mut found: Vec<usize> = map.candidates(&lineage(7)).collect();
        found.sort_unstable();
        assert!(found.into_iter().eq(0..100));
    }
}
