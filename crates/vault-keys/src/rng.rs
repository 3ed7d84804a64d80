//! Where randomness comes from.

/// A source of random bytes. In a vault it must be a cryptographic generator seeded by the
/// processor; in a simulation it is seeded by the run.
pub trait Rng {
    /// Fills all of `out`. Must not return without having done so.
    fn fill(&mut self, out: &mut [u8]);
}

impl<R: Rng + ?Sized> Rng for &mut R {
    fn fill(&mut self, out: &mut [u8]) {
        (**self).fill(out);
    }
}
