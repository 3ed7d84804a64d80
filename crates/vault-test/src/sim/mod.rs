//! A deterministic simulation of one vault and its clients: seeded clock, network, disk and
//! randomness. The vault, its sealed log and its segment files are the real ones.
//!
//! Everything that happens in a run follows from its seed. Invariants are functions whose names
//! are sentences; they are checked after every event.

mod changes;
mod client;
mod clock;
mod invariants;
mod machine;
mod memory;
mod network;
mod people;
mod rng;
mod run;
mod signatures;
mod trace;
mod world;

pub use changes::Told;
pub use client::Client;
pub use clock::SimClock;
pub use invariants::Violation;
pub use machine::{BootFault, Machine, Owned};
pub use memory::Memory;
pub use people::{Person, config, evidence};
pub use rng::SimRng;
pub use run::{Plan, run};
pub use trace::{Event, Trace};
