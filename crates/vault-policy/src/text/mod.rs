//! What policies say, in words. Pure; the same code offline and in a vault.

mod diff;
mod explain;
mod implies;
mod rights;
mod simulate;
mod words;

pub use diff::{Difference, Direction, diff};
pub use explain::{Explanation, Grant, Requirement, explain};
pub use simulate::{Missing, Outcome, simulate};
