//! Policies, facts and times from a seed, out of a universe so small that they meet.

use crate::naive::member;
use crate::rng::Seeded;
use std::collections::BTreeSet;
use vault_encoding::{Canonical, Hash, text};
use vault_policy::{
    Action, EvidenceClaims, Facts, KeyHandle, KeySubject, KeyType, KeyVersion, Lineage,
    Measurement, Operation, PlatformId, PolicyHash, PolicyVersion, SenderConstraint, TcbStatus,
    TeeKind, TokenFacts, UnixSeconds, VaultTime, VerifiedEvidence,
};

const ISSUERS: [&str; 2] = ["https://a.example", "https://b.example"];
const SUBJECTS: [&str; 2] = ["ann", "bob"];
const ROLES: [&str; 2] = ["vault:owner", "ci"];
const CALLERS: [&str; 3] = ["robot", "staff", "peer"];
const PROFILES: [&str; 2] = ["app", "app-next"];
const ADVISORIES: [&str; 2] = ["INTEL-SA-00289", "INTEL-SA-00615"];
const OIDS: [&str; 2] = ["1.3.6.1.4.1.1", "1.3.6.1.4.1.2"];
const OPERATIONS: [&str; 4] = ["sign", "verify", "reconstruct", "get_public_key"];
const CONSTRAINTS: [SenderConstraint; 4] = [
    SenderConstraint::None,
    SenderConstraint::Dpop,
    SenderConstraint::Certificate,
    SenderConstraint::Audience,
];
const TIMES: [u64; 5] = [100, 200, 300, 400, 500];

/// One case.
pub struct Case {
    /// The policy in canonical form.
    pub policy: Canonical,
    /// What is asked.
    pub action: Action,
    /// What is proven.
    pub facts: Facts,
    /// When.
    pub now: VaultTime,
    /// The type of the key that it is asked of.
    pub key_type: KeyType,
}

/// The case of this seed.
pub fn case(seed: u64) -> Case {
    let rng = &mut Seeded::new(seed);
    let policy = policy(rng);
    let action = match rng.below(10) {
        0 => Action::GetKey,
        1 => Action::GetPolicy,
        2 => Action::Delete,
        _ => Action::Operation(
            Operation::from_name(rng.pick(&OPERATIONS)).unwrap_or(Operation::Sign),
        ),
    };
    let mut facts = facts(rng, &policy);
    let now = now(rng);
    let key_type = KeyType::from_name(rng.pick(&KeyType::ALL.map(KeyType::name)));
    if let Some(token) = &mut facts.token {
        token.constraint = rng.pick(&CONSTRAINTS);
    }
    Case {
        policy,
        action,
        facts,
        now,
        key_type: key_type.unwrap_or(KeyType::RawShare),
    }
}

/// A key that the decision is about; the decision does not depend on it.
pub fn subject() -> KeySubject {
    KeySubject {
        handle: KeyHandle([7; 16]),
        lineage: Lineage(Hash([1; 32])),
        version: KeyVersion(1),
        policy_hash: PolicyHash(Hash([2; 32])),
        policy_version: PolicyVersion(1),
    }
}

fn policy(rng: &mut Seeded) -> Canonical {
    let callers = rng.some(&CALLERS, 60);
    let profiles = rng.some(&PROFILES, 70);
    let rules = 1 + rng.below(4);
    let rules: Vec<Canonical> = (0..rules)
        .map(|index| rule(rng, index, &callers, &profiles))
        .collect();
    let callers = callers.iter().map(|id| caller(rng, id)).collect::<Vec<_>>();
    let tees = profiles
        .iter()
        .map(|name| profile(rng, name))
        .collect::<Vec<_>>();
    let text = |value: &str| Canonical::text(value);
    let empty = || Canonical::list([]);
    let fields = vault_policy::Mutability::FIELDS.map(|field| (field, text("immutable")));
    Canonical::map([
        ("format", text("enclave-vaults/key-policy/v1")),
        ("lifecycle", lifecycle()),
        ("mutability", Canonical::map(fields)),
        ("operations", Canonical::set(rules)),
        (
            "principals",
            Canonical::map([
                ("auditors", empty()),
                ("callers", Canonical::set(callers)),
                ("managers", empty()),
                ("mtls", empty()),
                (
                    "owner",
                    Canonical::map([
                        ("issuer", text(rng.pick(&ISSUERS))),
                        ("second_factor", text("none")),
                        ("subject", text(rng.pick(&SUBJECTS))),
                    ]),
                ),
                ("tees", Canonical::set(tees)),
            ]),
        ),
        (
            "recovery",
            Canonical::map([("mode", text("none")), ("targets", empty())]),
        ),
        (
            "usage",
            Canonical::map([
                ("export", text("none")),
                (
                    "operations",
                    Canonical::set(OPERATIONS.map(Canonical::text)),
                ),
            ]),
        ),
    ])
}

fn lifecycle() -> Canonical {
    Canonical::map([
        ("deletion_window", Canonical::text("0")),
        ("expires_at", Canonical::text("none")),
        ("rotation_period", Canonical::text("none")),
        ("sealed_forever", Canonical::text("true")),
        ("usage_limit", Canonical::text("none")),
    ])
}

fn caller(rng: &mut Seeded, id: &str) -> Canonical {
    let issuer = ("issuer", Canonical::text(rng.pick(&ISSUERS)));
    let id = ("id", Canonical::text(id));
    if rng.chance(50) {
        let subject = ("subject", Canonical::text(rng.pick(&SUBJECTS)));
        Canonical::map([id, ("oidc", Canonical::map([issuer, subject]))])
    } else {
        Canonical::map([
            id,
            (
                "role",
                Canonical::map([issuer, ("role", Canonical::text(rng.pick(&ROLES)))]),
            ),
        ])
    }
}

fn rule(rng: &mut Seeded, index: u64, callers: &[&str], profiles: &[&str]) -> Canonical {
    let mut names: Vec<&str> = vec!["any", "owner"];
    names.extend(callers);
    names.extend(profiles);
    let mut principals = rng.some(&names, 35);
    if principals.is_empty() {
        principals.push("owner");
    }
    let mut operations = rng.some(&OPERATIONS, 60);
    if operations.is_empty() {
        operations.push("sign");
    }
    Canonical::map([
        ("condition", condition(rng, 4, false, profiles)),
        ("name", Canonical::text(format!("rule {index}"))),
        (
            "operations",
            Canonical::set(operations.into_iter().map(Canonical::text)),
        ),
        (
            "principals",
            Canonical::set(principals.into_iter().map(Canonical::text)),
        ),
    ])
}

fn condition(rng: &mut Seeded, depth: u64, only_time: bool, profiles: &[&str]) -> Canonical {
    let one = |name: &str, inner| Canonical::map([(name, inner)]);
    let kind = rng.below(if depth <= 1 { 6 } else { 16 });
    match kind {
        0..=1 => one("all", Canonical::list([])),
        2 => one("time_window", window(rng)),
        3 if !only_time && !profiles.is_empty() => one(
            "attestation_matches",
            Canonical::map([("profile", Canonical::text(rng.pick(profiles)))]),
        ),
        4 if !only_time => one(
            "caller_holds_role",
            Canonical::map([
                ("issuer", Canonical::text(rng.pick(&ISSUERS))),
                ("role", Canonical::text(rng.pick(&ROLES))),
            ]),
        ),
        6..=8 => one("all", conditions(rng, depth, only_time, profiles)),
        9..=11 => one("any", conditions(rng, depth, only_time, profiles)),
        12..=13 => one("not", condition(rng, depth - 1, true, profiles)),
        _ => one("time_window", window(rng)),
    }
}

fn conditions(rng: &mut Seeded, depth: u64, only_time: bool, profiles: &[&str]) -> Canonical {
    let count = rng.below(4);
    Canonical::list(
        (0..count)
            .map(|_| condition(rng, depth - 1, only_time, profiles))
            .collect::<Vec<_>>(),
    )
}

fn window(rng: &mut Seeded) -> Canonical {
    let (first, second) = (rng.pick(&TIMES), rng.pick(&TIMES));
    let (from, until) = (first.min(second), first.max(second));
    let none = Canonical::text("none");
    let (from, until) = match rng.below(4) {
        0 => (Canonical::text(from), none),
        1 => (none, Canonical::text(until)),
        _ => (Canonical::text(from), Canonical::text(until + 50)),
    };
    Canonical::map([("from", from), ("until", until)])
}

fn digest(index: u64) -> Hash {
    Hash([index as u8 + 1; 32])
}

fn profile(rng: &mut Seeded, name: &str) -> Canonical {
    let none = || Canonical::text("none");
    let hash = |rng: &mut Seeded| Canonical::text(digest(rng.below(2)));
    let by_build = rng.chance(60);
    let by_signer = !by_build || rng.chance(30);
    let number = |rng: &mut Seeded| {
        if by_signer {
            Canonical::text(rng.below(3))
        } else {
            none()
        }
    };
    let oids = rng.some(&OIDS, 15);
    let platforms = if rng.chance(30) {
        vec![hash(rng)]
    } else {
        Vec::new()
    };
    Canonical::map([
        (
            "config_merkle_root",
            if rng.chance(25) { hash(rng) } else { none() },
        ),
        ("isv_prod_id", number(rng)),
        ("min_isv_svn", number(rng)),
        ("mrenclave", if by_build { hash(rng) } else { none() }),
        ("mrsigner", if by_signer { hash(rng) } else { none() }),
        ("mrtd", none()),
        ("name", Canonical::text(name)),
        ("platforms", Canonical::set(platforms)),
        (
            "required_oids",
            Canonical::set(
                oids.into_iter()
                    .map(|oid| required(rng, oid))
                    .collect::<Vec<_>>(),
            ),
        ),
        ("rtmrs", Canonical::list([])),
        ("tcb", tcb(rng)),
    ])
}

fn tcb(rng: &mut Seeded) -> Canonical {
    let statuses = rng.some(&TcbStatus::ALL.map(TcbStatus::name)[1..], 25);
    Canonical::map([
        (
            "advisories",
            Canonical::set(rng.some(&ADVISORIES, 60).into_iter().map(Canonical::text)),
        ),
        (
            "grace",
            Canonical::text(if rng.chance(40) {
                100 + rng.below(200)
            } else {
                0
            }),
        ),
        (
            "min_evaluation_data_number",
            Canonical::text(rng.below(3) * 5),
        ),
        (
            "statuses",
            Canonical::set(
                ["UpToDate"]
                    .into_iter()
                    .chain(statuses)
                    .map(Canonical::text),
            ),
        ),
    ])
}

fn required(rng: &mut Seeded, oid: &str) -> Canonical {
    let value = text::base64url(&[rng.below(2) as u8; 3]);
    Canonical::map([
        ("oid", Canonical::text(oid)),
        ("value", Canonical::text(value)),
    ])
}

/// Half of the tokens are the owner's, and most evidence is nearly that of a profile.
fn facts(rng: &mut Seeded, policy: &Canonical) -> Facts {
    let principals = member(policy, "principals");
    let owner = member(principals, "owner");
    let owned = rng.chance(55);
    let or = |known: &str, other: &str| {
        if owned {
            known.to_owned()
        } else {
            other.to_owned()
        }
    };
    let token = rng.chance(88).then(|| TokenFacts {
        issuer: or(string(member(owner, "issuer")), rng.pick(&ISSUERS)),
        subject: or(string(member(owner, "subject")), rng.pick(&SUBJECTS)),
        roles: rng
            .some(&ROLES, 50)
            .into_iter()
            .map(str::to_owned)
            .collect::<BTreeSet<_>>(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::None,
    });
    let evidence = rng.chance(70).then(|| {
        let mut claims = claims(rng);
        if let Canonical::List(profiles) = member(principals, "tees")
            && let Some(profile) = profiles.get(rng.below(2) as usize)
        {
            resemble(rng, &mut claims, profile);
        }
        VerifiedEvidence::assertion(claims)
    });
    Facts {
        token,
        evidence,
        ..Facts::default()
    }
}

/// Gives each claim the value that the profile asks for, but for one in eight.
fn resemble(rng: &mut Seeded, claims: &mut EvidenceClaims, profile: &Canonical) {
    let asks = |name| string(member(profile, name));
    let hash = |name| Hash::from_hex(asks(name));
    let tcb = member(profile, "tcb");
    if let Some(wanted) = hash("mrenclave").filter(|_| rng.chance(88)) {
        claims.mrenclave = Measurement(wanted);
    }
    if let Some(wanted) = hash("mrsigner").filter(|_| rng.chance(88)) {
        claims.mrsigner = Measurement(wanted);
    }
    if let Some(wanted) = asks("isv_prod_id").parse().ok().filter(|_| rng.chance(88)) {
        claims.isv_prod_id = wanted;
    }
    if let Some(wanted) = asks("min_isv_svn").parse().ok().filter(|_| rng.chance(88)) {
        claims.isv_svn = wanted;
    }
    if let Some(wanted) = hash("config_merkle_root").filter(|_| rng.chance(88)) {
        claims.config_merkle_root = Some(wanted);
    }
    if let Canonical::List(platforms) = member(profile, "platforms")
        && let Some(wanted) = platforms
            .first()
            .and_then(|one| Hash::from_hex(string(one)))
        && rng.chance(88)
    {
        claims.platform_id = PlatformId(wanted);
    }
    if let Ok(lowest) = string(member(tcb, "min_evaluation_data_number")).parse()
        && rng.chance(88)
    {
        claims.tcb_evaluation_data_number = lowest;
    }
    if string(member(tcb, "grace")) != "0" && rng.chance(60) {
        claims.tcb_status = TcbStatus::OutOfDate;
    }
}

fn string(of: &Canonical) -> &str {
    of.as_text().unwrap_or_default()
}

fn claims(rng: &mut Seeded) -> EvidenceClaims {
    let status = if rng.chance(60) {
        0
    } else {
        rng.below(6) as usize
    };
    EvidenceClaims {
        kind: TeeKind::Sgx,
        mrenclave: Measurement(digest(rng.below(2))),
        mrsigner: Measurement(digest(rng.below(2))),
        isv_prod_id: rng.below(3) as u16,
        isv_svn: rng.below(4) as u16,
        platform_id: PlatformId(digest(rng.below(2))),
        config_merkle_root: rng.chance(70).then(|| digest(rng.below(2))),
        oids: rng
            .some(&OIDS, 75)
            .into_iter()
            .map(|oid| (oid.to_owned(), vec![rng.below(2) as u8; 3]))
            .collect(),
        tcb_status: TcbStatus::ALL
            .get(status)
            .copied()
            .unwrap_or(TcbStatus::UpToDate),
        advisories: rng
            .some(&ADVISORIES, 15)
            .into_iter()
            .map(str::to_owned)
            .collect(),
        tcb_evaluation_data_number: rng.below(15) as u32,
        tcb_date: UnixSeconds(rng.pick(&TIMES)),
        collateral_issued_at: UnixSeconds(50),
        simulated: false,
    }
}

/// Around the bounds of windows and graces, and exactly at them.
fn now(rng: &mut Seeded) -> VaultTime {
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
