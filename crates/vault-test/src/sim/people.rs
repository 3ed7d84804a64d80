//! Who calls: two owners, a service, a stranger, an auditor.

use crate::sim::clock::START;
use std::collections::{BTreeMap, BTreeSet};
use vault_core::authn::token::TokenProof;
use vault_core::{Caller, Limits, Quota, RoleNames, TimeMode, VaultConfig};
use vault_encoding::Hash;
use vault_policy::{
    EvidenceClaims, KeyPolicy, KeyType, Measurement, OidcSubject, PlatformId, SenderConstraint,
    SgxFacts, TcbStatus, Tee, TemplateArgs, TokenFacts, UnixSeconds, VerifiedEvidence, template,
};

const ISSUER: &str = "https://issuer.test";

/// Somebody with a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Person {
    /// Creates keys and owns them.
    Alice,
    /// Another owner.
    Bob,
    /// Named by the keys of Alice as a service.
    Service,
    /// Named by no key.
    Stranger,
    /// Reads the log.
    Auditor,
}

impl Person {
    /// Everybody.
    pub const ALL: [Self; 5] = [
        Self::Alice,
        Self::Bob,
        Self::Service,
        Self::Stranger,
        Self::Auditor,
    ];

    /// Issuer and subject of the token.
    pub fn subject(self) -> OidcSubject {
        let subject = format!("{self:?}").to_lowercase();
        OidcSubject {
            issuer: ISSUER.into(),
            subject,
        }
    }

    /// Whether this person's token is bound to nobody.
    pub fn is_plain_bearer(self) -> bool {
        self == Self::Service
    }

    /// The caller that this person's token proves.
    pub fn caller(self) -> Option<Caller> {
        let roles = match self {
            Self::Alice | Self::Bob => BTreeSet::from(["vault:owner".to_owned()]),
            Self::Auditor => BTreeSet::from(["vault:auditor".to_owned()]),
            Self::Service | Self::Stranger => BTreeSet::new(),
        };
        let OidcSubject { issuer, subject } = self.subject();
        let expires_at = UnixSeconds(START + 10_000_000);
        let facts = TokenFacts {
            issuer,
            subject,
            roles,
            expires_at,
            constraint: if self.is_plain_bearer() {
                SenderConstraint::None
            } else {
                SenderConstraint::Dpop
            },
        };
        Caller::new(Some(TokenProof::assertion(facts)), None).ok()
    }

    /// The policy under which this person creates keys: Alice shares hers with the service.
    pub fn policy(self, key_type: KeyType) -> Option<KeyPolicy> {
        let mut args = TemplateArgs::new(self.subject(), key_type);
        let shares = self == Self::Alice;
        args.service = shares.then(|| Self::Service.subject());
        let name = if shares { "service" } else { "owner" };
        template(name, &args).ok()
    }
}

/// The configuration of the simulated vault.
pub fn config() -> VaultConfig {
    let roles = RoleNames::default();
    let granted = BTreeSet::from([roles.owner.clone(), roles.auditor.clone()]);
    VaultConfig {
        constellation: None,
        issuers: BTreeMap::from([(ISSUER.to_owned(), granted)]),
        roles,
        time_mode: TimeMode::Host,
        clock_skew: 5,
        limits: Limits {
            owner: Quota {
                keys: 64,
                ..Limits::default().owner
            },
            cached_keys: 4,
            leaves_per_bundle: 4,
            ..Limits::default()
        },
        trust_root: Hash([1; 32]),
        operational_root: Hash([2; 32]),
    }
}

/// Evidence whose collateral was issued then.
pub fn evidence(collateral_issued_at: UnixSeconds) -> VerifiedEvidence {
    VerifiedEvidence::assertion(EvidenceClaims {
        tee: Tee::Sgx(SgxFacts {
            mrenclave: Measurement(Hash([3; 32])),
            mrsigner: Measurement(Hash([4; 32])),
            isv_prod_id: 1,
            isv_svn: 1,
        }),
        platform_id: PlatformId(Hash([5; 32])),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 17,
        tcb_date: collateral_issued_at,
        collateral_issued_at,
        simulated: true,
    })
}
