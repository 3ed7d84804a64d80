//! `dev`: a constellation on this machine, as children of this very program: vaults, each on a
//! simulated machine of its own, a registry, an issuer and the relay of the wallet. SIMULATED:
//! everything runs the production code over a software TEE, which protects nothing.

mod caller;
mod children;
mod control;
mod governance;
mod layout;
mod parent;
mod plan;
mod process;
mod progress;
mod reset;
mod run;
mod settings;
mod stack;
mod status;

pub(crate) use caller::{caller_child, caller_measurement};
pub(crate) use children::{issuer_child, registry_child, relay_child, vault_child};
pub(crate) use layout::Layout;
pub(crate) use plan::Wanted;
pub(crate) use process::program;
pub(crate) use progress::Progress;
pub(crate) use run::run;
pub(crate) use stack::Stack;

use vault_client::{Error, ErrorCode};

/// Something that development needs went wrong on this machine.
pub(crate) fn failed(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal).detail(what)
}
