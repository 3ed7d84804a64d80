//! Who a caller can be, one file per kind.

mod caller;
mod certificate;
mod fido2;
mod oidc;
mod person;
mod proven;
mod role;

pub use caller::{CallerIdentity, NamedCaller};
pub(crate) use certificate::is_san;
pub use certificate::{CertificateIdentity, NamedCertificate};
pub use fido2::{Fido2Algorithm, Fido2Credential};
pub use oidc::OidcSubject;
pub use person::{Credential, Person};
pub(crate) use proven::Proven;
pub use proven::is_principal;
pub use role::IssuerRole;
