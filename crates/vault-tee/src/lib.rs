//! The platform below a vault: quotes, sealing root, host time.
//!
//! One trait; a backend is a crate of its own (`tee-sim` is the software one). Calls block, a
//! quote for tens of milliseconds on hardware: call them off the threads that serve sockets.
//!
//! A machine without a TEE, as a backend that says so:
//!
//! ```
//! use vault_tee::{Evidence, Platform, PlatformKind, QuoteError, SealError, TimeError};
//! use zeroize::Zeroizing;
//!
//! struct Bare;
//!
//! impl Platform for Bare {
//!     fn quote(&self, _: [u8; 64]) -> Result<Evidence, QuoteError> {
//!         Err(QuoteError::Unavailable)
//!     }
//!     fn seal_root(&self) -> Result<Zeroizing<[u8; 32]>, SealError> {
//!         Err(SealError::Unavailable)
//!     }
//!     fn kind(&self) -> PlatformKind {
//!         PlatformKind::Simulated
//!     }
//!     fn measurement(&self) -> [u8; 32] {
//!         [0; 32]
//!     }
//!     fn host_time(&self) -> Result<u64, TimeError> {
//!         Err(TimeError::Unreadable)
//!     }
//! }
//!
//! let platform: std::sync::Arc<dyn Platform> = std::sync::Arc::new(Bare);
//! assert_eq!(platform.quote([0; 64]), Err(QuoteError::Unavailable));
//! assert!(platform.seal_root().is_err());
//! ```

mod egetkey;
mod error;
mod gramine;
mod platform;

pub use egetkey::{Egetkey, EgetkeyError, KEPT, KEY_REQUEST, KeyRequest, Svns};
pub use error::{QuoteError, SealError, TimeError};
pub use gramine::{GramineKeys, expand};
pub use platform::{Evidence, Platform, PlatformKind};
