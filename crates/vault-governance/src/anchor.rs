//! Where trust in a constellation starts.

use crate::{ConstellationId, Manifest, Quorum};

/// What a client is given by hand: which constellation, and who signs its first manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The constellation.
    pub constellation: ConstellationId,
    /// The quorum of the first manifest.
    pub governance: Quorum,
}

impl Anchor {
    /// The anchor under which a first manifest is signed by the quorum that it names itself.
    pub fn of(first: &Manifest) -> Self {
        Self {
            constellation: first.constellation(),
            governance: first.governance().clone(),
        }
    }
}
