//! What a call proves, and when it comes.

use super::evidence::evidence;
use super::universe::{
    ISSUERS, KEYS, ROLES, SANS, SUBJECTS, TIMES, credential_id, digest, public_key,
};
use crate::rng::Seeded;
use crate::text::{choice, member, members, named};
use vault_encoding::{Canonical, Hash, text};
use vault_policy::{
    Approved, Approver, CertificateFacts, Facts, OidcSubject, SenderConstraint, TokenFacts,
    UnixSeconds, VaultTime,
};

const CONSTRAINTS: [SenderConstraint; 4] = [
    SenderConstraint::None,
    SenderConstraint::Dpop,
    SenderConstraint::Certificate,
    SenderConstraint::Audience,
];

/// Facts that often are nearly what the policy asks for.
pub(super) fn facts(rng: &mut Seeded, policy: &Canonical, now: VaultTime) -> Facts {
    let principals = member(policy, "principals");
    let token = rng.chance(90).then(|| token(rng, principals));
    let evidence = rng.chance(65).then(|| evidence(rng, principals));
    let alone = token.is_none() && evidence.is_none();
    let mut certificate = rng
        .chance(if alone { 80 } else { 40 })
        .then(|| certificate(rng, principals));
    if let (true, Some(facts)) = (alone, &mut certificate) {
        prove(rng, principals, facts);
    }
    Facts {
        token,
        evidence,
        certificate,
        approvals: approvals(rng, principals, now),
    }
}

/// Makes it that of a principal, if there is one: who has nothing else would mostly be a stranger.
fn prove(rng: &mut Seeded, principals: &Canonical, facts: &mut CertificateFacts) {
    let named = members(principals, "mtls");
    let one = named.get(rng.below(named.len().max(1) as u64) as usize);
    let Some(one) = one.filter(|_| rng.chance(80)) else {
        return;
    };
    if let Some(spki) = one.get("spki").and_then(Canonical::as_text) {
        facts.spki = Hash::from_hex(spki).unwrap_or(facts.spki);
    }
    if let Some(ca) = one.get("ca") {
        facts.sans.insert(named_text(ca, "san"));
        facts
            .issuers
            .extend(Hash::from_hex(&named_text(ca, "spki")));
    }
}

fn named_text(of: &Canonical, name: &str) -> String {
    named(of, name).to_owned()
}

/// The owner's, a manager's, a caller's, or anybody's.
fn token(rng: &mut Seeded, principals: &Canonical) -> TokenFacts {
    let managers = credentials(principals);
    let known = match rng.below(20) {
        0..=10 => Some(member(principals, "owner")),
        11..=13 => oidc_of(rng, &managers),
        14..=15 => oidc_of(rng, members(principals, "callers")),
        16 => oidc_of(rng, members(principals, "auditors")),
        _ => None,
    };
    let (issuer, subject) = match known {
        Some(known) => (
            named(known, "issuer").to_owned(),
            named(known, "subject").to_owned(),
        ),
        None => (
            rng.pick(&ISSUERS).to_owned(),
            rng.pick(&SUBJECTS).to_owned(),
        ),
    };
    TokenFacts {
        issuer,
        subject,
        roles: rng
            .some(&ROLES, 50)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: rng.pick(&CONSTRAINTS),
    }
}

/// Every credential of every manager.
fn credentials(principals: &Canonical) -> Vec<Canonical> {
    members(principals, "managers")
        .iter()
        .flat_map(|person| members(person, "credentials"))
        .cloned()
        .collect()
}

/// The subject of one of these, if that is one by OIDC.
fn oidc_of<'a>(rng: &mut Seeded, all: &'a [Canonical]) -> Option<&'a Canonical> {
    let with: Vec<&Canonical> = all.iter().filter_map(|one| one.get("oidc")).collect();
    let index = rng.below(with.len() as u64) as usize;
    with.get(index).copied()
}

/// The leaf that is pinned, a leaf below the authority that is, or neither.
fn certificate(rng: &mut Seeded, principals: &Canonical) -> CertificateFacts {
    let mut facts = CertificateFacts {
        spki: digest(rng.below(3)),
        sans: rng.some(&SANS, 40).into_iter().map(str::to_owned).collect(),
        issuers: (0..3).filter(|_| rng.chance(35)).map(digest).collect(),
    };
    let pinned = members(principals, "mtls");
    if let Some(one) = pinned.get(rng.below(2) as usize)
        && rng.chance(50)
    {
        if let Some(san) = one.get("ca").map(|ca| named(ca, "san")) {
            facts.sans.insert(san.to_owned());
        }
        facts.issuers.insert(digest(rng.below(3)));
    }
    facts
}

/// By managers, by the owner's second factor, by nobody who is listed, and several by one.
fn approvals(rng: &mut Seeded, principals: &Canonical, now: VaultTime) -> Vec<Approved> {
    let mut known = credentials(principals);
    let factor = member(member(principals, "owner"), "second_factor");
    let count = rng.pick(&[0, 1, 1, 2, 2, 3, 4, 6]);
    let mut approvals: Vec<Approved> = (0..count)
        .map(|_| Approved {
            by: approver(rng, &known),
            begun: begun(rng, now),
        })
        .collect();
    if factor.get("fido2").is_some() && rng.chance(60) {
        known = vec![factor.clone()];
        approvals.push(Approved {
            by: approver(rng, &known),
            begun: begun(rng, now),
        });
    }
    approvals
}

fn approver(rng: &mut Seeded, known: &[Canonical]) -> Approver {
    let index = rng.below(known.len() as u64) as usize;
    match known.get(index).filter(|_| rng.chance(85)).map(choice) {
        Some(("oidc", subject)) => oidc(named(subject, "issuer"), named(subject, "subject")),
        Some(("fido2", key)) => Approver::Fido2 {
            credential_id: bytes(key, "credential_id"),
            public_key: bytes(key, "public_key"),
        },
        _ if rng.chance(30) => oidc(rng.pick(&ISSUERS), rng.pick(&SUBJECTS)),
        _ => stranger(rng),
    }
}

/// Any credential; in one of three cases the id of one and the key of another.
fn stranger(rng: &mut Seeded) -> Approver {
    let (id, other) = (rng.below(6) as usize, rng.below(KEYS.len() as u64) as usize);
    let key = if rng.chance(33) { other } else { id };
    Approver::Fido2 {
        credential_id: credential_id(id),
        public_key: public_key(key),
    }
}

fn bytes(of: &Canonical, name: &str) -> Vec<u8> {
    text::unbase64url(named(of, name)).unwrap_or_default()
}

fn oidc(issuer: &str, subject: &str) -> Approver {
    Approver::Oidc(OidcSubject {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    })
}

/// At the edges of what is fresh, not long ago, or when nobody knows.
fn begun(rng: &mut Seeded, now: VaultTime) -> VaultTime {
    let base = match now {
        VaultTime::Known { hi, .. } => hi.0,
        VaultTime::Unknown => rng.pick(&TIMES),
    };
    let hi = match rng.below(16) {
        0 => return VaultTime::Unknown,
        1 => base + 50,
        2 => base.saturating_sub(101),
        3 => base.saturating_sub(301),
        4..=5 => base.saturating_sub(100),
        6 => base.saturating_sub(300),
        7 => base.saturating_sub(1),
        _ => base,
    };
    VaultTime::Known {
        lo: UnixSeconds(hi.saturating_sub(rng.pick(&[0, 20]))),
        hi: UnixSeconds(hi),
    }
}

/// Around the bounds of windows and graces, and exactly at them.
pub(super) fn now(rng: &mut Seeded) -> VaultTime {
    if rng.chance(8) {
        return VaultTime::Unknown;
    }
    let lo = rng.pick(&TIMES) + rng.below(3) * 25 - rng.below(2);
    let hi = lo + rng.pick(&[0, 0, 1, 24, 100]);
    VaultTime::Known {
        lo: UnixSeconds(lo),
        hi: UnixSeconds(hi),
    }
}
