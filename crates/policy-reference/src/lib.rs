//! A second, naive policy evaluator, and what compares the two.
//!
//! [`naive`] is written from the rules that docs/policy.md states and from the canonical form, without
//! the code of the decision, and shares no code with it: it reads
//! the canonical text as it stands and recomputes everything on every call. [`generate`] makes
//! policies and facts from a seed, [`compare`] judges one case by both, and [`coverage`] says
//! what the generated cases reached.

pub mod compare;
pub mod coverage;
pub mod generate;
pub mod naive;
mod rng;

pub use rng::Seeded;
