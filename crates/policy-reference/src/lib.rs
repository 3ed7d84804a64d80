//! A second, naive implementation of what policies say, and what compares the two.
//!
//! [`naive`] is written from docs/policy.md and the canonical form alone. It shares no code with
//! the decision that vaults run: it reads the canonical text as it stands and works everything
//! out anew on every call. [`generate`] makes policies, facts and edits from a seed, [`compare`]
//! judges one case by both, [`shrink`] makes a disagreement readable, and [`coverage`] says what
//! the generated cases reached.
//!
//! # What is decided here, in the order of the questions
//!
//! 1. *Who is it?* ([`naive::principal`]) The owner, a manager by a token of their own, an
//!    auditor, or somebody whom a rule names. Nobody of these: a stranger.
//! 2. *Is it theirs by right?* ([`naive::decide`]) Reading metadata and policy, and what belongs
//!    to owner and managers alone. Where the owner has a second factor, what is more than
//!    reading needs it too.
//! 3. *Is it granted?* A matching rule with a proven name other than `any`; through `owner` only
//!    with the second factor.
//! 4. *Is nothing in the way?* Every matching rule's condition is True ([`naive::condition`],
//!    [`naive::evidence`], [`naive::approval`]).
//! 5. *May the policy become this one?* ([`naive::change`]) Judged by the old policy, field by
//!    field, and by what only ever narrows.

pub mod compare;
pub mod coverage;
pub mod generate;
pub mod naive;
mod rng;
pub mod shrink;
mod text;

pub use rng::Seeded;
