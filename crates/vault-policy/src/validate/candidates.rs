//! Calls made up from what the rules about one operation name: if anybody can ever do it, one
//! of these can, up to combinations of roles and profiles that nobody writes.

use super::sketch::Sketch;
use crate::condition::{Condition, TimeWindow};
use crate::evidence::VerifiedEvidence;
use crate::facts::{Approved, Approver, CertificateFacts, Facts, SenderConstraint, TokenFacts};
use crate::model::{PolicyFields, PrincipalName, Rule};
use crate::mutability::OidcApproval;
use crate::operation::Operation;
use crate::principal::{CallerIdentity, CertificateIdentity, Credential, IssuerRole, OidcSubject};
use crate::profile::AttestationProfile;
use crate::time::{UnixSeconds, VaultTime};
use std::collections::{BTreeMap, BTreeSet};
use vault_encoding::Hash;

/// The tokens, evidence and times to combine. Tokens are made one by one: subjects times roles
/// of one policy are far more than memory should hold.
pub(super) struct Candidates {
    subjects: Vec<OidcSubject>,
    /// Issuer and its roles.
    roles: BTreeMap<String, Vec<String>>,
    evidence: Vec<Option<VerifiedEvidence>>,
    certificates: Vec<Option<CertificateFacts>>,
    /// Whoever can approve.
    approvers: Vec<Approver>,
    times: Vec<VaultTime>,
}

/// What the rules about one operation name.
#[derive(Default)]
struct Named<'a> {
    subjects: BTreeSet<OidcSubject>,
    roles: BTreeSet<&'a IssuerRole>,
    profiles: Vec<&'a AttestationProfile>,
    windows: Vec<TimeWindow>,
    certificates: Vec<CertificateFacts>,
    /// Whether an approval is asked for, whose freshness takes a time that is known.
    approvals: bool,
}

impl Candidates {
    pub(super) fn of(policy: &PolicyFields, operation: Operation, now: VaultTime) -> Self {
        let mut named = Named::default();
        named
            .subjects
            .insert(policy.principals.owner.subject.clone());
        let about = |rule: &&Rule| rule.operations.contains(&operation);
        for rule in policy.operations.iter().filter(about) {
            rule.principals
                .iter()
                .for_each(|name| named.principal(policy, name));
            named.condition(policy, &rule.condition);
        }
        Self {
            roles: named.roles_by_issuer(),
            evidence: named.evidence(),
            certificates: named.certificates(),
            approvers: approvers(policy),
            times: named.times(now),
            subjects: named.subjects.into_iter().collect(),
        }
    }

    /// No token; then every subject with no role, with every role of its issuer, and with each
    /// alone.
    fn tokens(&self) -> impl Iterator<Item = Option<TokenFacts>> {
        let of_subjects = self.subjects.iter().flat_map(move |subject| {
            let roles = self
                .roles
                .get(&subject.issuer)
                .map_or(&[][..], Vec::as_slice);
            let all = (roles.len() > 1).then_some(roles);
            let sets = std::iter::once(&[][..])
                .chain(all)
                .chain(roles.iter().map(std::slice::from_ref));
            sets.map(move |roles| Some(token(subject, roles.iter().cloned().collect())))
        });
        std::iter::once(None).chain(of_subjects)
    }

    /// Every combination, approved by everybody: who calls does not count, whoever approves.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Facts, VaultTime)> {
        self.times.iter().flat_map(move |now| {
            self.connections().flat_map(move |(evidence, certificate)| {
                self.tokens().map(move |token| {
                    let facts = Facts {
                        token,
                        evidence: evidence.clone(),
                        certificate: certificate.clone(),
                        approvals: self.approvals(*now),
                    };
                    (facts, *now)
                })
            })
        })
    }

    fn connections(
        &self,
    ) -> impl Iterator<Item = (&Option<VerifiedEvidence>, &Option<CertificateFacts>)> {
        self.certificates.iter().flat_map(|certificate| {
            let evidence = self.evidence.iter();
            evidence.map(move |evidence| (evidence, certificate))
        })
    }

    fn approvals(&self, begun: VaultTime) -> Vec<Approved> {
        let approved = |by: &Approver| Approved {
            by: by.clone(),
            begun,
        };
        self.approvers.iter().map(approved).collect()
    }
}

impl<'a> Named<'a> {
    fn principal(&mut self, policy: &'a PolicyFields, name: &PrincipalName) {
        let PrincipalName::Id(id) = name else { return };
        self.profile(policy, id);
        self.certificate(policy, id);
        for caller in policy
            .principals
            .callers
            .iter()
            .filter(|caller| caller.id == *id)
        {
            match &caller.identity {
                CallerIdentity::Oidc(subject) => {
                    self.subjects.insert(subject.clone());
                }
                CallerIdentity::Role(role) => self.role(role),
            }
        }
    }

    fn condition(&mut self, policy: &'a PolicyFields, condition: &'a Condition) {
        match condition {
            Condition::AttestationMatches(profile) => self.profile(policy, profile),
            Condition::TimeWindow(window) => self.windows.push(*window),
            Condition::CallerHoldsRole(role) => self.role(role),
            Condition::ManagerApproval(_) => self.approvals = true,
            Condition::All(members) | Condition::Any(members) => {
                members
                    .iter()
                    .for_each(|member| self.condition(policy, member));
            }
            Condition::Not(member) => self.condition(policy, member),
        }
    }

    fn profile(&mut self, policy: &'a PolicyFields, name: &str) {
        if self.profiles.iter().all(|known| known.name != name) {
            let found = policy
                .principals
                .tees
                .iter()
                .filter(|profile| profile.name == name);
            self.profiles.extend(found);
        }
    }

    fn certificate(&mut self, policy: &PolicyFields, id: &str) {
        let mut named = policy.principals.mtls.iter();
        let Some(named) = named.find(|named| named.id == id) else {
            return;
        };
        self.certificates.push(match &named.identity {
            CertificateIdentity::Spki(spki) => CertificateFacts {
                spki: *spki,
                sans: BTreeSet::new(),
                issuers: BTreeSet::new(),
            },
            CertificateIdentity::Ca { san, spki } => CertificateFacts {
                spki: Hash([0xff; 32]),
                sans: BTreeSet::from([san.clone()]),
                issuers: BTreeSet::from([*spki]),
            },
        });
    }

    /// None, each alone, and each key with every name and authority.
    fn certificates(&self) -> Vec<Option<CertificateFacts>> {
        let merged = self.certificates.iter().map(|one| CertificateFacts {
            spki: one.spki,
            sans: self
                .certificates
                .iter()
                .flat_map(|it| it.sans.clone())
                .collect(),
            issuers: self
                .certificates
                .iter()
                .flat_map(|it| it.issuers.clone())
                .collect(),
        });
        let alone = self.certificates.iter().cloned();
        let mut all: Vec<_> = std::iter::once(None)
            .chain(alone.chain(merged).map(Some))
            .collect();
        all.dedup();
        all
    }

    /// Somebody with the role who is no subject of the policy: their subject is empty.
    fn role(&mut self, role: &'a IssuerRole) {
        self.roles.insert(role);
        self.subjects.insert(OidcSubject {
            issuer: role.issuer.clone(),
            subject: String::new(),
        });
    }

    fn roles_by_issuer(&self) -> BTreeMap<String, Vec<String>> {
        let mut roles: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for IssuerRole { issuer, role } in &self.roles {
            roles.entry(issuer.clone()).or_default().push(role.clone());
        }
        roles
    }

    /// None, each profile alone, and each with as many of the others as go with it.
    fn evidence(&self) -> Vec<Option<VerifiedEvidence>> {
        let mut sketches = Vec::new();
        for profile in &self.profiles {
            let Some(alone) = Sketch::default().with(profile) else {
                continue;
            };
            let merged = self.profiles.iter().fold(alone.clone(), |sketch, other| {
                sketch.with(other).unwrap_or(sketch)
            });
            sketches.extend([alone, merged]);
        }
        sketches.dedup();
        let evidence = sketches.into_iter().map(|sketch| Some(sketch.evidence()));
        std::iter::once(None).chain(evidence).collect()
    }

    /// Now, and the first and last second of every window that is not over.
    fn times(&self, now: VaultTime) -> Vec<VaultTime> {
        let ends = self
            .windows
            .iter()
            .flat_map(|window| [window.from, window.until]);
        let around = ends
            .flatten()
            .flat_map(|end| [end.0, end.0.saturating_sub(1)]);
        let later = match now {
            VaultTime::Unknown => 0,
            VaultTime::Known { lo, .. } => lo.0,
        };
        let unknown = self.approvals && now == VaultTime::Unknown;
        let first = unknown.then_some(later);
        let moments: BTreeSet<u64> = around.filter(|at| *at >= later).chain(first).collect();
        let moments = moments.into_iter().map(UnixSeconds);
        let known = moments.map(|at| VaultTime::Known { lo: at, hi: at });
        std::iter::once(now).chain(known).collect()
    }
}

/// Every manager, by an authenticator if there is one, since that counts wherever a token does;
/// and the owner's second factor.
fn approvers(policy: &PolicyFields) -> Vec<Approver> {
    let principals = &policy.principals;
    let persons = principals.managers.iter();
    let credentials = persons.filter_map(|person| {
        let mut strong = person.credentials.iter();
        let strong = strong.find(|credential| credential.counts(OidcApproval::Refused));
        strong.or_else(|| person.credentials.first()).cloned()
    });
    let factor = principals.owner.second_factor.clone();
    credentials
        .chain(factor.map(Credential::Fido2))
        .map(|credential| match credential {
            Credential::Fido2(fido2) => Approver::Fido2 {
                credential_id: fido2.credential_id,
                public_key: fido2.public_key,
            },
            Credential::Oidc(subject) => Approver::Oidc(subject),
        })
        .collect()
}

fn token(subject: &OidcSubject, roles: BTreeSet<String>) -> TokenFacts {
    let OidcSubject { issuer, subject } = subject.clone();
    TokenFacts {
        issuer,
        subject,
        roles,
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::None,
    }
}
