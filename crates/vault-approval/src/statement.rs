//! The statement of one vault: which request, by whom, on which key, under which policy, until when.

use crate::fields::{Fields, count};
use crate::request::MAX_REQUEST;
use crate::{ApprovalRequest, FormatError};
use std::collections::BTreeSet;
use std::fmt;
use vault_encoding::{Canonical, Hash, Limits, sha256};
use vault_policy::{
    Facts, KeyHandle, KeySubject, Lineage, Measurement, OidcSubject, PlatformId, PolicyHash,
    PolicyVersion, TdMeasurement, Tee, UnixSeconds, VaultId, VerifiedEvidence,
};

/// Bytes of a statement's canonical text. Names of an issuer and a subject have 256 bytes each, and each of
/// them takes at most six to be written.
pub const MAX_STATEMENT: usize = 8 << 10;
/// Principals of one requester.
pub const MOST_PRINCIPALS: usize = 8;

const TYPE: &str = "enclave-vaults/approval-statement";
const VERSION: &str = "1";

const LIMITS: Limits = Limits {
    bytes: MAX_STATEMENT,
    depth: 5,
    nodes: 128,
};

/// What a vault gives out for one request, and takes back once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nonce(pub [u8; 32]);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hash(self.0).fmt(f)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One thing that a requester is proven to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RequesterPrincipal {
    /// The subject of its token.
    Oidc(OidcSubject),
    /// An enclave by its evidence.
    Enclave {
        /// MRENCLAVE.
        measurement: Measurement,
        /// The machine.
        platform: PlatformId,
    },
    /// A trust domain by its evidence.
    Td {
        /// MRTD.
        mrtd: TdMeasurement,
        /// The machine.
        platform: PlatformId,
        /// RTMR0 to RTMR3.
        rtmrs: Box<[TdMeasurement; 4]>,
    },
    /// A client certificate.
    Certificate {
        /// SHA-256 of its SubjectPublicKeyInfo.
        spki: Hash,
    },
}

/// Who asks: every principal that is proven, on a connection of this TLS client key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requester {
    /// Everything that is proven; at least one.
    pub principals: BTreeSet<RequesterPrincipal>,
    /// SHA-256 of the SubjectPublicKeyInfo of the client certificate of the connection.
    pub tls_client_key: Option<Hash>,
}

/// "This vault may do this once, for this requester, on this key under this policy."
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// The vault's constellation, if it has one.
    pub constellation: Option<Hash>,
    /// The key.
    pub handle: KeyHandle,
    /// Its origin.
    pub lineage: Lineage,
    /// The vault's own.
    pub nonce: Nonce,
    /// From here on the vault refuses it.
    pub not_after: UnixSeconds,
    /// The key's policy,
    pub policy_hash: PolicyHash,
    /// and its version.
    pub policy_version: PolicyVersion,
    /// What is asked.
    pub request: ApprovalRequest,
    /// Who asks.
    pub requester: Requester,
    /// The vault.
    pub vault_id: VaultId,
}

impl RequesterPrincipal {
    fn of_evidence(evidence: &VerifiedEvidence) -> Self {
        let claims = evidence.claims();
        let platform = claims.platform_id;
        match &claims.tee {
            Tee::Sgx(sgx) => Self::Enclave {
                measurement: sgx.mrenclave,
                platform,
            },
            Tee::Tdx(tdx) => Self::Td {
                mrtd: tdx.mrtd,
                platform,
                rtmrs: Box::new(tdx.rtmrs),
            },
        }
    }

    fn to_canonical(&self) -> Canonical {
        match self {
            Self::Oidc(OidcSubject { issuer, subject }) => Canonical::map([(
                "oidc",
                Canonical::map([
                    ("issuer", Canonical::text(issuer)),
                    ("subject", Canonical::text(subject)),
                ]),
            )]),
            Self::Enclave {
                measurement,
                platform,
            } => Canonical::map([(
                "enclave",
                Canonical::map([
                    ("measurement", Canonical::text(measurement)),
                    ("platform", Canonical::text(platform)),
                ]),
            )]),
            Self::Td {
                mrtd,
                platform,
                rtmrs,
            } => {
                let [rtmr0, rtmr1, rtmr2, rtmr3] = rtmrs.each_ref().map(Canonical::text);
                let td = [
                    ("mrtd", Canonical::text(mrtd)),
                    ("platform", Canonical::text(platform)),
                    ("rtmr0", rtmr0),
                    ("rtmr1", rtmr1),
                    ("rtmr2", rtmr2),
                    ("rtmr3", rtmr3),
                ];
                Canonical::map([("td", Canonical::map(td))])
            }
            Self::Certificate { spki } => Canonical::map([(
                "certificate",
                Canonical::map([("spki", Canonical::text(spki))]),
            )]),
        }
    }

    fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut kind = Fields::of(value, "principal")?;
        let (principal, inner) = if kind.has("oidc") {
            let mut inner = Fields::of(kind.take("oidc")?, "oidc")?;
            let principal = Self::Oidc(OidcSubject {
                issuer: inner.text("issuer")?.to_owned(),
                subject: inner.text("subject")?.to_owned(),
            });
            (principal, inner)
        } else if kind.has("enclave") {
            let mut inner = Fields::of(kind.take("enclave")?, "enclave")?;
            let principal = Self::Enclave {
                measurement: inner.parsed("measurement")?,
                platform: inner.parsed("platform")?,
            };
            (principal, inner)
        } else if kind.has("td") {
            let mut inner = Fields::of(kind.take("td")?, "td")?;
            let principal = Self::Td {
                mrtd: inner.parsed("mrtd")?,
                platform: inner.parsed("platform")?,
                rtmrs: Box::new([
                    inner.parsed("rtmr0")?,
                    inner.parsed("rtmr1")?,
                    inner.parsed("rtmr2")?,
                    inner.parsed("rtmr3")?,
                ]),
            };
            (principal, inner)
        } else {
            let mut inner = Fields::of(kind.take("certificate")?, "certificate")?;
            let spki = inner.hash("spki")?;
            (Self::Certificate { spki }, inner)
        };
        inner.end()?;
        kind.end()?;
        Ok(principal)
    }
}

impl Requester {
    /// Who calls with these facts over a connection of this TLS client key.
    pub fn of(facts: &Facts, tls_client_key: Option<Hash>) -> Self {
        let mut principals = BTreeSet::new();
        if let Some(token) = &facts.token {
            principals.insert(RequesterPrincipal::Oidc(OidcSubject {
                issuer: token.issuer.clone(),
                subject: token.subject.clone(),
            }));
        }
        if let Some(evidence) = &facts.evidence {
            principals.insert(RequesterPrincipal::of_evidence(evidence));
        }
        if let Some(certificate) = &facts.certificate {
            let spki = certificate.spki;
            principals.insert(RequesterPrincipal::Certificate { spki });
        }
        Self {
            principals,
            tls_client_key,
        }
    }

    fn to_canonical(&self) -> Canonical {
        let principals = self.principals.iter();
        Canonical::map([
            (
                "principals",
                Canonical::set(principals.map(RequesterPrincipal::to_canonical)),
            ),
            ("tls_client_key", hash_or_none(self.tls_client_key.as_ref())),
        ])
    }

    fn from_canonical(value: &Canonical) -> Result<Self, FormatError> {
        let mut from = Fields::of(value, "requester")?;
        let listed = from.list("principals")?;
        count("principals", listed.len(), 1, MOST_PRINCIPALS)?;
        let principals = listed
            .iter()
            .map(RequesterPrincipal::from_canonical)
            .collect::<Result<_, _>>()?;
        let tls_client_key = from.hash_or_none("tls_client_key")?;
        from.end()?;
        Ok(Self {
            principals,
            tls_client_key,
        })
    }
}

impl Statement {
    /// The key that it is about; `version` is the one that the request names, or the one given.
    pub fn is_about(&self, subject: &KeySubject) -> bool {
        let KeySubject {
            handle,
            lineage,
            version: _,
            policy_hash,
            policy_version,
        } = subject;
        self.handle == *handle
            && self.lineage == *lineage
            && self.policy_hash == *policy_hash
            && self.policy_version == *policy_version
    }

    /// The canonical text.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let Self {
            constellation,
            handle,
            lineage,
            nonce,
            not_after,
            policy_hash,
            policy_version,
            request,
            requester,
            vault_id,
        } = self;
        Canonical::map([
            ("constellation", hash_or_none(constellation.as_ref())),
            ("handle", Canonical::text(handle)),
            ("lineage", Canonical::text(lineage)),
            ("nonce", Canonical::text(nonce)),
            ("not_after", Canonical::text(not_after)),
            ("policy_hash", Canonical::text(policy_hash)),
            ("policy_version", Canonical::text(policy_version)),
            ("request", request.to_canonical()),
            ("requester", requester.to_canonical()),
            ("type", Canonical::text(TYPE)),
            ("vault_id", Canonical::text(vault_id)),
            ("version", Canonical::text(VERSION)),
        ])
        .to_bytes()
    }

    /// SHA-256 of the canonical text.
    pub fn hash(&self) -> Hash {
        sha256(&self.canonical_bytes())
    }

    /// Reads the canonical text, and no other spelling of it.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        let value = Canonical::from_bytes(bytes, LIMITS)?;
        let mut from = Fields::of(&value, "statement")?;
        from.fixed("type", TYPE)?;
        from.fixed("version", VERSION)?;
        let statement = Self {
            constellation: from.hash_or_none("constellation")?,
            handle: from.parsed("handle")?,
            lineage: from.parsed("lineage")?,
            nonce: Nonce(from.hash("nonce")?.0),
            not_after: UnixSeconds(from.number("not_after")?),
            policy_hash: from.parsed("policy_hash")?,
            policy_version: PolicyVersion(from.number("policy_version")?),
            request: ApprovalRequest::from_canonical(from.take("request")?)?,
            requester: Requester::from_canonical(from.take("requester")?)?,
            vault_id: from.parsed("vault_id")?,
        };
        from.end()?;
        // A set that is not sorted, or has a member twice, reads as another text.
        match statement.canonical_bytes() == bytes {
            true => Ok(statement),
            false => Err(FormatError::Canonical(
                vault_encoding::CanonicalError::NotCanonical,
            )),
        }
    }
}

fn hash_or_none(hash: Option<&Hash>) -> Canonical {
    hash.map_or_else(|| Canonical::text("none"), Canonical::text)
}

const _: () = assert!(MAX_REQUEST < MAX_STATEMENT);
