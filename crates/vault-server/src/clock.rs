//! The host's clock and the processor's randomness, as the core wants them.

use crate::shared::Shared;
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

/// The same for `ratls`, held to the sealed floor of the vault, if it is open.
pub(crate) fn clock(shared: &Arc<Shared>) -> ratls::tls::Clock {
    let shared = shared.clone();
    Arc::new(move || {
        let open = shared.state.as_ref();
        let floor = open.map_or(UnixSeconds(0), |open| open.read().floor());
        reading(&*shared.platform).not_before(floor)
    })
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
