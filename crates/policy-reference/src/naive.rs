//! The decision of docs/policy.md, read off the canonical text. Clear before fast.

use vault_encoding::{Canonical, text};
use vault_policy::{Action, EvidenceClaims, Facts, KeyType, SenderConstraint, VaultTime};

/// What is known of a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// Nobody can tell.
    Open,
}

/// The decision, with everything that a refusal may name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Allowed.
    Allow,
    /// No principal of the key is proven.
    Stranger,
    /// Only the owner may.
    NotOwner,
    /// No rule grants.
    NoRule,
    /// These matching rules have a condition that is not True: name and condition.
    Conditions(Vec<(String, Canonical)>),
}

/// Everything that a condition looks at.
pub struct World<'a> {
    /// The policy in canonical form.
    pub policy: &'a Canonical,
    /// The facts.
    pub facts: &'a Facts,
    /// The time.
    pub now: VaultTime,
}

/// The whole decision.
pub fn decide(world: &World<'_>, action: Action) -> Decision {
    let owner = proven(world, "owner");
    let mut principal = owner;
    for rule in members(world.policy, "operations") {
        for name in members(rule, "principals") {
            if string(name) != "any" && proven(world, string(name)) {
                principal = true;
            }
        }
    }
    if !principal {
        return Decision::Stranger;
    }
    match action {
        Action::GetKey => Decision::Allow,
        Action::GetPolicy | Action::Delete if owner => Decision::Allow,
        Action::GetPolicy | Action::Delete => Decision::NotOwner,
        Action::Operation(operation) if owner && operation.name() == "get_public_key" => {
            Decision::Allow
        }
        Action::Operation(operation) => by_rules(world, operation.name()),
        // No case asks for anything else.
        _ => Decision::NotOwner,
    }
}

/// Whether a key of this type takes what these facts prove of the sender: the gate of
/// docs/policy.md for shares.
pub fn takes_sender(world: &World<'_>, key_type: KeyType) -> bool {
    let plain_bearer = world
        .facts
        .token
        .iter()
        .any(|token| token.constraint == SenderConstraint::None);
    let nothing = world.facts.token.is_none() && world.facts.evidence.is_none();
    key_type.name() != "raw-share" || !(plain_bearer || nothing)
}

fn by_rules(world: &World<'_>, operation: &str) -> Decision {
    let mut granted = false;
    let mut unmet = Vec::new();
    for rule in members(world.policy, "operations") {
        if !members(rule, "operations")
            .iter()
            .any(|listed| string(listed) == operation)
        {
            continue;
        }
        let mut matches = false;
        for name in members(rule, "principals") {
            if string(name) == "any" {
                matches = true;
            } else if proven(world, string(name)) {
                matches = true;
                granted = true;
            }
        }
        let condition = member(rule, "condition");
        if matches && holds(world, condition) != Value::Yes {
            unmet.push((string(member(rule, "name")).to_owned(), condition.clone()));
        }
    }
    match (granted, unmet.is_empty()) {
        (false, _) => Decision::NoRule,
        (true, true) => Decision::Allow,
        (true, false) => Decision::Conditions(unmet),
    }
}

/// Whether the principal of this name is proven.
fn proven(world: &World<'_>, name: &str) -> bool {
    let principals = member(world.policy, "principals");
    if name == "owner" {
        return is_subject(world, member(principals, "owner"));
    }
    for caller in members(principals, "callers") {
        if string(member(caller, "id")) == name {
            return match (caller.get("oidc"), caller.get("role")) {
                (Some(subject), _) => is_subject(world, subject),
                (None, Some(role)) => holds_role(world, role) == Value::Yes,
                (None, None) => false,
            };
        }
    }
    members(principals, "tees").iter().any(|profile| {
        string(member(profile, "name")) == name && fits(world, profile) == Value::Yes
    })
}

fn is_subject(world: &World<'_>, subject: &Canonical) -> bool {
    world.facts.token.as_ref().is_some_and(|token| {
        token.issuer == string(member(subject, "issuer"))
            && token.subject == string(member(subject, "subject"))
    })
}

fn holds_role(world: &World<'_>, role: &Canonical) -> Value {
    let held = world.facts.token.as_ref().is_some_and(|token| {
        token.issuer == string(member(role, "issuer"))
            && token.roles.contains(string(member(role, "role")))
    });
    if held { Value::Yes } else { Value::No }
}

/// The value of a condition.
pub fn holds(world: &World<'_>, condition: &Canonical) -> Value {
    let Canonical::Map(one) = condition else {
        return Value::No;
    };
    let Some((kind, inner)) = one.iter().next() else {
        return Value::No;
    };
    match kind.as_str() {
        "attestation_matches" => {
            let name = string(member(inner, "profile"));
            members(member(world.policy, "principals"), "tees")
                .iter()
                .find(|profile| string(member(profile, "name")) == name)
                .map_or(Value::No, |profile| fits(world, profile))
        }
        "time_window" => inside(world.now, inner),
        "caller_holds_role" => holds_role(world, inner),
        "all" => conjunction(items(inner).iter().map(|each| holds(world, each))),
        "any" => flip(conjunction(
            items(inner).iter().map(|each| flip(holds(world, each))),
        )),
        "not" => flip(holds(world, inner)),
        _ => Value::No,
    }
}

fn flip(value: Value) -> Value {
    match value {
        Value::Yes => Value::No,
        Value::No => Value::Yes,
        Value::Open => Value::Open,
    }
}

/// No if one is No; else Open if one is Open; else Yes, also of nothing.
fn conjunction(values: impl Iterator<Item = Value>) -> Value {
    let values: Vec<Value> = values.collect();
    if values.contains(&Value::No) {
        Value::No
    } else if values.contains(&Value::Open) {
        Value::Open
    } else {
        Value::Yes
    }
}

fn inside(now: VaultTime, window: &Canonical) -> Value {
    let VaultTime::Known { lo, hi } = now else {
        return Value::Open;
    };
    let bound = |name| string(member(window, name)).parse::<u64>().ok();
    let begun = match bound("from") {
        None => Value::Yes,
        Some(from) if from <= lo.0 => Value::Yes,
        Some(from) if hi.0 < from => Value::No,
        Some(_) => Value::Open,
    };
    let lasts = match bound("until") {
        None => Value::Yes,
        Some(until) if hi.0 < until => Value::Yes,
        Some(until) if until <= lo.0 => Value::No,
        Some(_) => Value::Open,
    };
    conjunction([begun, lasts].into_iter())
}

/// Whether the evidence of this connection fits the profile.
fn fits(world: &World<'_>, profile: &Canonical) -> Value {
    let Some(evidence) = &world.facts.evidence else {
        return Value::No;
    };
    let claims = evidence.claims();
    if !measured(claims, profile) || !configured(claims, profile) {
        return Value::No;
    }
    let tcb = member(profile, "tcb");
    let lowest: u64 = string(member(tcb, "min_evaluation_data_number"))
        .parse()
        .unwrap_or(u64::MAX);
    let accepted = members(tcb, "advisories");
    let known = |advisory: &String| accepted.iter().any(|each| string(each) == advisory);
    if u64::from(claims.tcb_evaluation_data_number) < lowest || !claims.advisories.iter().all(known)
    {
        return Value::No;
    }
    status(claims, tcb, world.now)
}

fn measured(claims: &EvidenceClaims, profile: &Canonical) -> bool {
    let asks = |name| match string(member(profile, name)) {
        "none" => None,
        wanted => Some(wanted),
    };
    let is = |name, actual: String| asks(name).is_none_or(|wanted| wanted == actual);
    let svn = asks("min_isv_svn").is_none_or(|lowest| {
        lowest
            .parse::<u64>()
            .is_ok_and(|lowest| lowest <= u64::from(claims.isv_svn))
    });
    is("mrenclave", claims.mrenclave.to_string())
        && is("mrsigner", claims.mrsigner.to_string())
        && is("isv_prod_id", claims.isv_prod_id.to_string())
        && svn
}

fn configured(claims: &EvidenceClaims, profile: &Canonical) -> bool {
    let root = match string(member(profile, "config_merkle_root")) {
        "none" => true,
        wanted => claims
            .config_merkle_root
            .is_some_and(|actual| actual.to_string() == wanted),
    };
    let platforms = members(profile, "platforms");
    let platform = platforms.is_empty()
        || platforms
            .iter()
            .any(|listed| string(listed) == claims.platform_id.to_string());
    let oids = members(profile, "required_oids").iter().all(|required| {
        claims.oids.iter().any(|(oid, value)| {
            oid == string(member(required, "oid"))
                && text::base64url(value) == string(member(required, "value"))
        })
    });
    root && platform && oids
}

/// An outdated platform counts as what it was before for `grace` seconds from its TCB date.
fn status(claims: &EvidenceClaims, tcb: &Canonical, now: VaultTime) -> Value {
    let listed = |name: &str| {
        members(tcb, "statuses")
            .iter()
            .any(|each| string(each) == name)
    };
    let before = match claims.tcb_status.name() {
        "OutOfDate" => "UpToDate",
        "OutOfDateConfigurationNeeded" => "ConfigurationNeeded",
        _ => "",
    };
    if listed(claims.tcb_status.name()) {
        return Value::Yes;
    }
    let grace: u64 = string(member(tcb, "grace")).parse().unwrap_or(0);
    if grace == 0 || !listed(before) {
        return Value::No;
    }
    let end = claims.tcb_date.0.saturating_add(grace);
    match now {
        VaultTime::Unknown => Value::Open,
        VaultTime::Known { hi, .. } if hi.0 < end => Value::Yes,
        VaultTime::Known { lo, .. } if end <= lo.0 => Value::No,
        VaultTime::Known { .. } => Value::Open,
    }
}

const NOTHING: &Canonical = &Canonical::List(Vec::new());

/// The member of this name, or an empty list.
pub fn member<'a>(of: &'a Canonical, name: &str) -> &'a Canonical {
    of.get(name).unwrap_or(NOTHING)
}

fn members<'a>(of: &'a Canonical, name: &str) -> &'a [Canonical] {
    items(member(of, name))
}

fn items(of: &Canonical) -> &[Canonical] {
    match of {
        Canonical::List(items) => items,
        Canonical::Text(_) | Canonical::Map(_) => &[],
    }
}

fn string(of: &Canonical) -> &str {
    of.as_text().unwrap_or_default()
}
