//! `dev`: a vault and an issuer on this machine, as children of this very program. SIMULATED:
//! everything runs the production code over a software TEE, which protects nothing.

mod caller;
mod children;
mod control;
mod layout;
mod parent;
mod process;
mod progress;
mod run;
mod stack;

pub(crate) use caller::{caller_child, caller_measurement};
pub(crate) use children::{issuer_child, vault_child};
pub(crate) use layout::Layout;
pub(crate) use process::program;
pub(crate) use progress::Progress;
pub(crate) use run::run;
pub(crate) use stack::Stack;

use vault_client::{Error, ErrorCode};

/// Something that development needs went wrong on this machine.
pub(crate) fn failed(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::Internal).detail(what)
}
