//! A run: boots, events, crashes, and boots again, all from one seed.

use crate::sim::invariants::Violation;
use crate::sim::trace::Trace;
use crate::sim::world::World;

/// How long a run is, and what is broken in it.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Crashes.
    pub crashes: u64,
    /// Events between two crashes, at most.
    pub events: u64,
    /// Whether the disk syncs when it is told to. Off, the suite must fail.
    pub sync: bool,
    /// Whether the process may start again on a disk that failed a write or a sync, without the
    /// power failing: what was not durable is then still there to be read.
    pub restart_after_disk_errors: bool,
    /// Whether the trace carries a state digest for every event.
    pub digests: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            crashes: 4,
            events: 200,
            sync: true,
            restart_after_disk_errors: false,
            digests: false,
        }
    }
}

/// Runs one seed; what happened, or which invariant broke with everything that led to it.
pub fn run(seed: u64, plan: Plan) -> Result<Trace, (Violation, Box<Trace>)> {
    let mut world = match World::new(seed, plan) {
        Ok(world) => world,
        Err(violation) => return Err((violation, Box::default())),
    };
    match live(&mut world) {
        Ok(()) => Ok(world.trace),
        Err(violation) => Err((violation, Box::new(world.trace))),
    }
}

fn live(world: &mut World) -> Result<(), Violation> {
    world.boot()?;
    for _ in 0..world.plan.crashes {
        let mut disk_failed = false;
        for _ in 0..1 + world.rng.below(world.plan.events) {
            if !world.step()? {
                disk_failed = true;
                break;
            }
        }
        world.crash(disk_failed)?;
        world.boot()?;
    }
    world.snapshot_equals_fold()
}
