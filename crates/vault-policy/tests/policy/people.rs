//! People and their credentials, in few letters.

use std::collections::BTreeSet;
use vault_encoding::text;
use vault_policy::{
    Approved, Approver, Facts, OidcSubject, SenderConstraint, TokenFacts, UnixSeconds, VaultTime,
};

pub(crate) const ISSUER: &str = "https://issuer.example";
pub(crate) const NOW: VaultTime = at(1000);

pub(crate) const fn at(second: u64) -> VaultTime {
    VaultTime::Known {
        lo: UnixSeconds(second),
        hi: UnixSeconds(second),
    }
}

/// A credential whose id and key are both this byte.
pub(crate) fn fido2(byte: u8) -> String {
    format!(
        r#"{{"fido2":{{"algorithm":"eddsa","credential_id":"{}","origins":["https://w.example"],"public_key":"{}","rp_id":"w.example"}}}}"#,
        text::base64url(&[byte; 16]),
        text::base64url(&[byte; 32])
    )
}

pub(crate) fn oidc(subject: &str) -> String {
    format!(r#"{{"oidc":{{"issuer":"{ISSUER}","subject":"{subject}"}}}}"#)
}

pub(crate) fn person(id: &str, credentials: &[String]) -> String {
    format!(
        r#"{{"id":"{id}","credentials":[{}]}}"#,
        credentials.join(",")
    )
}

pub(crate) fn call(subject: &str, approvals: &[(Approver, VaultTime)]) -> Facts {
    let approvals = approvals.iter().cloned();
    Facts {
        token: Some(TokenFacts {
            issuer: ISSUER.to_owned(),
            subject: subject.to_owned(),
            roles: BTreeSet::new(),
            expires_at: UnixSeconds(u64::MAX),
            constraint: SenderConstraint::None,
        }),
        approvals: approvals
            .map(|(by, begun)| Approved { by, begun })
            .collect(),
        ..Facts::default()
    }
}

pub(crate) fn key(byte: u8) -> Approver {
    Approver::Fido2 {
        credential_id: vec![byte; 16],
        public_key: vec![byte; 32],
    }
}

pub(crate) fn by_token(subject: &str) -> Approver {
    Approver::Oidc(OidcSubject {
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
    })
}
