//! Where everything stands in a blob. Its length alone says so: there is one length for each
//! size class, and no header.

use vault_policy::SHARE_CLASSES;

/// The most that is shared byte by byte.
pub(super) const MAX_BYTEWISE: usize = 64 * 1024;
/// The largest class whose secrets are shared byte by byte.
const LAST_BYTEWISE: usize = 65_664;
pub(super) const X: usize = 1;
pub(super) const NONCE: usize = 12;
pub(super) const METADATA: usize = 23;
pub(super) const TAG: usize = 16;
const EDGES: usize = X + NONCE + METADATA + TAG;
/// What precedes the secret in the payload.
pub(super) const HEADER: usize = 60;
/// The key that is shared instead of a large secret.
pub(super) const KEY: usize = 32;
/// What precedes a large secret in its plaintext.
pub(super) const LENGTH: usize = 4;

/// The parts of one size class: `x ‖ y ‖ body ‖ nonce ‖ sealed metadata ‖ tag`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Layout {
    /// Length of the blob.
    pub(super) blob: usize,
    /// Length of the share of the payload.
    pub(super) y: usize,
    /// Length of the ciphertext of a large secret with its tag; 0 if it is shared byte by byte.
    pub(super) body: usize,
}

impl Layout {
    /// The layout of a blob of this length, if there is a class of it.
    pub(super) fn of_blob(blob: usize) -> Option<Self> {
        SHARE_CLASSES.contains(&blob).then(|| Self::of_class(blob))
    }

    /// The smallest layout that holds a secret of this length.
    pub(super) fn for_secret(len: usize) -> Option<Self> {
        let mut layouts = SHARE_CLASSES.into_iter().map(Self::of_class);
        layouts.find(|layout| len > 0 && layout.holds(len))
    }

    fn of_class(blob: usize) -> Self {
        let inner = blob - EDGES;
        match blob <= LAST_BYTEWISE {
            true => Self {
                blob,
                y: inner,
                body: 0,
            },
            false => Self {
                blob,
                y: HEADER + KEY,
                body: inner - HEADER - KEY,
            },
        }
    }

    fn holds(self, len: usize) -> bool {
        match self.body {
            0 => len <= MAX_BYTEWISE && len <= self.y - HEADER,
            body => len > MAX_BYTEWISE && len <= body - LENGTH - TAG,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_has_the_smallest_class_that_holds_it_up_to_the_bound() {
        let class = |len| Layout::for_secret(len).map(|layout| layout.blob);
        let bounds = [
            (0, None),
            (1, Some(320)),
            (208, Some(320)),
            (209, Some(1_088)),
            (976, Some(1_088)),
            (977, Some(4_160)),
            (4_048, Some(4_160)),
            (4_049, Some(16_448)),
            (16_336, Some(16_448)),
            (16_337, Some(65_664)),
            (65_536, Some(65_664)),
            (65_537, Some(262_208)),
            (262_044, Some(262_208)),
            (262_045, Some(983_104)),
            (982_940, Some(983_104)),
            (982_941, None),
        ];
        for (len, expected) in bounds {
            assert_eq!(class(len), expected, "{len}");
        }
    }

    #[test]
    fn the_parts_of_every_class_are_its_length() {
        for class in SHARE_CLASSES {
            let layout = Layout::of_blob(class).unwrap();
            assert_eq!(layout.y + layout.body + EDGES, class);
        }
        assert_eq!(Layout::of_blob(321), None);
    }
}
