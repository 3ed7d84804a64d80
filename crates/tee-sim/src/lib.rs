//! SIMULATED platform: genuine-format SGX and TDX quotes under a development root. It protects NOTHING.
//!
//! The root key, every platform key and every sealing secret are files that anybody on the
//! machine with access to them can read, and "measurements" are whatever the process says. What
//! it is for: the production verification path runs unchanged, and every way in which it refuses
//! can be reached. Verifiers see a difference in one place only, the root certificate, whose
//! subject says DEVELOPMENT ONLY; production verifiers do not have it.
//!
//! A [`SimRoot`] stands for the vendor, a [`SimMachine`] for one computer under it, a
//! [`SimPlatform`] for one enclave on that computer, with knobs for everything that may be wrong.

mod certificates;
mod collateral;
mod cpu;
mod error;
mod files;
mod key;
mod knobs;
mod machine;
mod measurement;
mod pck_extension;
mod pem;
mod platform;
mod quote;
mod root;
mod td;

pub use collateral::{CollateralPart, SimTcb};
pub use error::SimError;
pub use knobs::{Quoting, Revoked, SimBuilder};
pub use machine::SimMachine;
pub use measurement::{measurement_named, measurement_of_file};
pub use platform::SimPlatform;
pub use root::SimRoot;
pub use td::{SimTd, TdQuote};
