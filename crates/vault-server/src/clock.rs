//! The host's clock and the processor's randomness, as the core wants them.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use vault_core::{Rng, TimeReading};
use vault_policy::UnixSeconds;
use vault_tee::Platform;

/// One reading of the platform's clock.
pub(crate) fn reading(platform: &dyn Platform) -> TimeReading {
    match platform.host_time() {
        Ok(seconds) => TimeReading::Host(UnixSeconds(seconds)),
        Err(_) => TimeReading::Failed,
    }
}

/// The same for `ratls`, to which a clock that fails is one at which nothing is valid.
pub(crate) fn clock(platform: &Arc<dyn Platform>) -> ratls::tls::Clock {
    let platform = platform.clone();
    Arc::new(move || UnixSeconds(platform.host_time().unwrap_or(0)))
}

/// The process's random generator.
pub(crate) struct SystemRng;

impl Rng for SystemRng {
    fn fill(&mut self, out: &mut [u8]) {
        fill(out);
    }
}

/// Fills all of `out`. Without randomness nothing may go on.
pub(crate) fn fill(out: &mut [u8]) {
    if SystemRandom::new().fill(out).is_err() {
        crate::stop::abort("no randomness");
    }
}
