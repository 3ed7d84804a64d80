//! The platform below a vault: quotes, sealing root, host time.
//!
//! One trait; a backend is a crate of its own (`tee-sim` is the software one). Calls block, a
//! quote for tens of milliseconds on hardware: call them off the threads that serve sockets.

mod error;
mod platform;

pub use error::{QuoteError, SealError, TimeError};
pub use platform::{Evidence, Platform, PlatformKind};
