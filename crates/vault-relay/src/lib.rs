//! An untrusted mailbox between whoever asks for an approval and the managers who may give it, and
//! the static files of the wallet.
//!
//! It holds bundles and answers in memory until they expire, and believes and decides nothing: the
//! wallet checks what it shows, and vaults check what they are sent. It could withhold, delay and
//! read; `docs/wallet.md` says what follows from that. What it owes is to answer, and to have
//! bounds for every source.
//!
//! | | |
//! |---|---|
//! | `POST /v1/requests` `{"mailboxes":[HEX32],"bundle":{…},"ttl":SECONDS}` | 201 `{"id","expires_at"}` |
//! | `GET /v1/mailboxes/{hex}` | `{"requests":[{"id","expires_at"}]}` |
//! | `GET /v1/requests/{id}` | the bundle |
//! | `POST /v1/requests/{id}/answers` | 204 |
//! | `GET /v1/requests/{id}/answers` | `{"answers":[…]}` |
//! | `GET /v1/about` | `{"simulated":BOOL,"longest_ttl":SECONDS}` |
//! | `GET /…` | a file of the wallet |
//!
//! A refusal is `{"error":CODE,"message":TEXT}`; 429 has `Retry-After`.
//!
//! `listen` (bounds, HTTP) → `answer` (paths) → `read` (bodies) → `post` (what is held, pure).

mod answer;
mod config;
mod files;
mod listen;
mod pace;
mod post;
mod read;
mod refused;
mod run;
mod source;

pub use config::{ConfigError, LimitsConfig, LogConfig, RelayConfig};
pub use run::{Clock, Relay, run};

/// Parsers of this crate, open to the fuzzer alone.
#[cfg(feature = "fuzzing")]
pub mod fuzzing {
    use bytes::Bytes;
    use http::HeaderMap;
    use std::net::IpAddr;
    use vault_encoding::{Hash, text};

    /// Mailboxes, bundle and life in seconds of a posting.
    pub fn posting(body: &[u8]) -> Option<(Vec<Hash>, Bytes, u64)> {
        let posting = crate::read::posting(body).ok()?;
        Some((posting.mailboxes, posting.bundle, posting.ttl))
    }

    /// An answer, in its canonical text.
    pub fn answer(body: &[u8]) -> Option<Bytes> {
        crate::read::answer(body).ok()
    }

    /// A request's id, as it is written.
    pub fn request_id(segment: &str) -> Option<String> {
        Some(text::base32(&crate::read::request_id(segment)?.0))
    }

    /// Whom a proxy names.
    pub fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
        crate::source::forwarded(headers)
    }
}
