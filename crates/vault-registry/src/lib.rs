//! An untrusted phonebook: dials what is announced, appraises it, and lists it until it expires.
//!
//! It knows endpoints, ids, measurements and machines, all of them public, and forgets them when
//! it stops. Nobody believes it: whoever reads the list dials and appraises, and compares with the
//! constellation's manifest. What it owes is to answer, and to be of no use to a stranger: it does
//! not say why a dial failed, dials with no bytes of the stranger's choosing, and has bounds for
//! every source.
//!
//! `listen` (bounds, HTTP) → `service` (message to question) → `dial` (appraisal) → `book` (the
//! entries, pure).

mod book;
mod config;
mod dial;
mod endpoint;
mod listen;
mod pace;
mod refused;
mod run;
mod service;
mod source;

pub use config::{AttestationConfig, ConfigError, LimitsConfig, LogConfig, RegistryConfig};
pub use run::{Registry, run};

/// Parsers of this crate, open to the fuzzer alone.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    use crate::endpoint::Endpoint;

    /// An endpoint as it is listed.
    pub fn endpoint(text: &str) -> Option<String> {
        Some(Endpoint::parse(text)?.to_string())
    }

    pub use crate::service::reread as page_token;
}
