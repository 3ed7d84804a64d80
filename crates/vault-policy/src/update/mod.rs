//! What may become of a policy: updates, judged by the old one field by field, and promotions,
//! the only way to a new attestation profile.

mod authority;
mod change;
mod deny;
mod judge;

pub use authority::Authority;
pub(crate) use authority::{eligible, promotion_quorum};
pub use change::Change;
pub use deny::UpdateDeny;
pub use judge::{judge_update, promote, required, required_for_promotion};
