//! Stand-ins for the policy's own types.
#![expect(missing_docs, reason = "the policy's types have the documents")]

use std::collections::BTreeSet;
use vault_policy::{OidcSubject, VaultTime};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approved {
    pub by: Approver,
    pub begun: VaultTime,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Approver {
    Fido2 {
        credential_id: Vec<u8>,
        public_key: Vec<u8>,
    },
    Oidc(OidcSubject),
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fido2Algorithm {
    Es256,
    Eddsa,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fido2Credential {
    pub algorithm: Fido2Algorithm,
    pub credential_id: Vec<u8>,
    pub origins: BTreeSet<String>,
    pub public_key: Vec<u8>,
    pub rp_id: String,
}
