//! The trait that every backend implements.

use crate::egetkey::Egetkey;
use crate::error::{QuoteError, SealError, TimeError};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A quote, and what is needed to verify it offline.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evidence {
    /// The quote, as the platform made it.
    pub quote: Vec<u8>,
    /// JSON of the collateral (`QuoteCollateralV3` of the crate `dcap-qvl`). It comes from the
    /// untrusted host and is signed by the platform's vendor.
    pub collateral: Vec<u8>,
}

/// Which backend this is. For display only: no decision may rest on it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlatformKind {
    /// The software TEE. It protects nothing.
    Simulated,
}

impl PlatformKind {
    /// The name that is shown to people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
        }
    }
}

/// What a vault asks of the machine that it runs on.
pub trait Platform: Send + Sync {
    /// Evidence over these 64 bytes. INVARIANT: the bytes come from `ratls::report_data` and
    /// never from a caller, else any client could have its own binding quoted.
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError>;

    /// 32 secret bytes that only this measurement on this machine gets. They may be the same at
    /// every call: derive keys from them, and use them for nothing else.
    fn seal_root(&self) -> Result<Zeroizing<[u8; 32]>, SealError>;

    /// The CPU itself, where keys of earlier SVNs can be asked for: then the store's root is sealed with its SVNs,
    /// and not under `seal_root`.
    fn egetkey(&self) -> Option<Arc<dyn Egetkey>> {
        None
    }

    /// For display only.
    fn kind(&self) -> PlatformKind;

    /// The measurement (MRENCLAVE) that this enclave believes to have. For display and for a
    /// check of the own configuration; others learn it from a quote.
    fn measurement(&self) -> [u8; 32];

    /// The host's clock in Unix seconds. Nothing vouches for it.
    fn host_time(&self) -> Result<u64, TimeError>;
}
