//! Who may issue tokens, and under which keys right now.

use crate::authn::jwks::KeySet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vault_policy::{UnixSeconds, VaultId};

/// What a token says of its own type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum TokenType {
    /// `at+jwt` (RFC 9068).
    AccessToken,
    /// `JWT`.
    Jwt,
    /// No `typ`.
    Absent,
}

/// What the trust configuration says of one issuer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IssuerRules {
    /// Compared byte for byte with `iss`.
    pub url: String,
    /// Must be in `aud`.
    pub audience: String,
    /// The types of its tokens.
    pub types: BTreeSet<TokenType>,
    /// The claim that lists roles.
    pub role_claim: String,
    /// The only roles that it may grant.
    pub roles: BTreeSet<String>,
}

#[derive(Clone)]
pub(super) struct Issuer {
    pub(super) rules: Arc<IssuerRules>,
    pub(super) keys: Option<Keys>,
}

#[derive(Clone)]
pub(super) struct Keys {
    pub(super) set: Arc<KeySet>,
    /// Exclusive.
    pub(super) until: UnixSeconds,
}

/// The configured issuers with the keys that were last fetched. A new value takes the place of
/// the old one whenever keys change; `generation` tells them apart.
#[derive(Clone)]
pub struct IssuerSet {
    issuers: BTreeMap<String, Issuer>,
    /// This vault's id, as `aud` names it.
    vault: Option<String>,
    generation: u64,
}

impl IssuerSet {
    /// Issuers whose keys are not fetched yet.
    pub fn new(rules: impl IntoIterator<Item = IssuerRules>) -> Self {
        let issuer = |rules: IssuerRules| Issuer {
            rules: Arc::new(rules),
            keys: None,
        };
        Self {
            issuers: rules
                .into_iter()
                .map(|rules| (rules.url.clone(), issuer(rules)))
                .collect(),
            vault: None,
            generation: 0,
        }
    }

    /// The same issuers at this vault: a token whose only audience is the vault's id (64 digits of
    /// lower-case hex) is taken beside those with the issuer's audience.
    #[must_use]
    pub fn at_vault(mut self, vault: VaultId) -> Self {
        self.vault = Some(vault.to_string());
        self
    }

    /// The same issuers, one of them with these keys until their age is reached.
    #[must_use]
    pub fn with_keys(&self, url: &str, set: Arc<KeySet>, until: UnixSeconds) -> Self {
        let mut next = self.clone();
        next.generation = self.generation.wrapping_add(1);
        if let Some(issuer) = next.issuers.get_mut(url) {
            issuer.keys = Some(Keys { set, until });
        }
        next
    }

    /// The same issuers, one of them without keys.
    #[must_use]
    pub fn without_keys(&self, url: &str) -> Self {
        let mut next = self.clone();
        next.generation = self.generation.wrapping_add(1);
        if let Some(issuer) = next.issuers.get_mut(url) {
            issuer.keys = None;
        }
        next
    }

    pub(super) fn vault(&self) -> Option<&str> {
        self.vault.as_deref()
    }

    pub(super) fn get(&self, url: &str) -> Option<&Issuer> {
        self.issuers.get(url)
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }
}
