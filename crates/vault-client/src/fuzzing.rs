//! Parsers of this crate, open to the fuzzer alone.

pub use crate::approval::{Relayed, relayed};
pub use crate::receipt::verify_of as receipt;
pub use crate::registry::listed;

use crate::calls::{PendingProfile, WhoAmI};
use crate::error::{Error, Result, wire};
use crate::heads::{CarriedNote, HeadStore};
use crate::key::KeyInfo;
use buffa::Message;
use vault_policy::VaultId;
use vault_proto::v1;

/// A vault's refusal, as a caller is told it, and whether it brought a head.
pub fn refused(detail: &[u8], message: &str) -> Option<(Error, bool)> {
    let detail = v1::ErrorDetail::decode_from_slice(detail).ok()?;
    let failure = wire::failure(&vault_proto::to_connect_error(&detail, message));
    Some((failure.error, failure.head.is_some()))
}

/// What a vault says of a key.
pub fn key(bytes: &[u8]) -> Option<Result<KeyInfo>> {
    Some(KeyInfo::from_wire(
        v1::KeyInfo::decode_from_slice(bytes).ok()?,
    ))
}

/// What a vault makes of its caller.
pub fn who(bytes: &[u8]) -> Option<Result<WhoAmI>> {
    Some(WhoAmI::from_wire(
        v1::WhoAmIResponse::decode_from_slice(bytes).ok()?,
    ))
}

/// A profile that somebody proposed.
pub fn profile(bytes: &[u8]) -> Option<Result<PendingProfile>> {
    Some(PendingProfile::from_wire(
        v1::PendingProfile::decode_from_slice(bytes).ok()?,
    ))
}

/// An entry of a configuration.
pub fn config_value(text: &str) -> Option<Vec<u8>> {
    let value = crate::calls::canonical_value(text).ok()?;
    Some(value.to_bytes())
}

/// Takes heads of `vault` that another one had.
pub fn take(store: &HeadStore, vault: &VaultId, notes: &[CarriedNote], via: VaultId) -> Vec<Error> {
    store.take(vault, notes, via)
}
