//! Reads the vectors' JSON.

use std::collections::BTreeSet;
use vault_encoding::{Hash, Json, Limits, text};
use vault_policy::{
    Action, EvidenceClaims, Facts, KeyHandle, KeySubject, KeyVersion, Lineage, Operation,
    PolicyHash, PolicyVersion, SenderConstraint, TcbStatus, TeeKind, TokenFacts, UnixSeconds,
    VaultTime, VerifiedEvidence,
};

pub(crate) fn parse(text: &str) -> Json {
    Json::parse(
        text.as_bytes(),
        Limits {
            bytes: 1 << 24,
            depth: 64,
            nodes: 1 << 20,
        },
    )
    .unwrap()
}

pub(crate) fn items(json: &Json) -> &[Json] {
    let Json::List(items) = json else {
        panic!("expected a list: {json:?}")
    };
    items
}

pub(crate) fn text<'a>(json: &'a Json, name: &str) -> &'a str {
    json.get(name)
        .and_then(Json::as_text)
        .unwrap_or_else(|| panic!("{name} in {json:?}"))
}

fn texts(json: &Json, name: &str) -> Vec<String> {
    items(json.get(name).unwrap())
        .iter()
        .map(|item| item.as_text().unwrap().to_owned())
        .collect()
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(json: &Json, name: &str) -> T {
    text(json, name).parse().unwrap()
}

pub(crate) fn subject() -> KeySubject {
    KeySubject {
        handle: KeyHandle([1; 16]),
        lineage: Lineage(Hash([2; 32])),
        version: KeyVersion(1),
        policy_hash: PolicyHash(Hash([3; 32])),
        policy_version: PolicyVersion(1),
    }
}

pub(crate) fn action(name: &str) -> Action {
    let others = [Action::GetKey, Action::GetPolicy, Action::Delete];
    others
        .into_iter()
        .chain(Operation::ALL.map(Action::Operation))
        .find(|action| action.name() == name)
        .unwrap()
}

pub(crate) fn time(json: &Json) -> VaultTime {
    match json.as_text() {
        Some(_) => VaultTime::Unknown,
        None => VaultTime::Known {
            lo: UnixSeconds(number(json, "lo")),
            hi: UnixSeconds(number(json, "hi")),
        },
    }
}

pub(crate) fn facts(case: &Json) -> Facts {
    let given = |name| case.get(name).filter(|json| json.as_text().is_none());
    Facts {
        token: given("token").map(token),
        evidence: given("evidence").map(evidence),
        ..Facts::default()
    }
}

fn token(json: &Json) -> TokenFacts {
    TokenFacts {
        issuer: text(json, "issuer").to_owned(),
        subject: text(json, "subject").to_owned(),
        roles: texts(json, "roles").into_iter().collect::<BTreeSet<_>>(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::None,
    }
}

fn evidence(json: &Json) -> VerifiedEvidence {
    let oids = items(json.get("oids").unwrap()).iter();
    let oid = |oid: &Json| {
        (
            text(oid, "oid").to_owned(),
            text::unbase64url(text(oid, "value")).unwrap(),
        )
    };
    VerifiedEvidence::assertion(EvidenceClaims {
        kind: TeeKind::Sgx,
        mrenclave: text(json, "mrenclave").parse().unwrap(),
        mrsigner: text(json, "mrsigner").parse().unwrap(),
        isv_prod_id: number(json, "isv_prod_id"),
        isv_svn: number(json, "isv_svn"),
        platform_id: text(json, "platform_id").parse().unwrap(),
        config_merkle_root: Hash::from_hex(text(json, "config_merkle_root")),
        oids: oids.map(oid).collect(),
        tcb_status: TcbStatus::from_name(text(json, "tcb_status")).unwrap(),
        advisories: texts(json, "advisories"),
        tcb_evaluation_data_number: number(json, "tcb_evaluation_data_number"),
        tcb_date: UnixSeconds(number(json, "tcb_date")),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    })
}
