//! Reads the vectors' JSON.

use std::collections::BTreeSet;
use vault_encoding::{Hash, Json, Limits, text};
use vault_policy::{
    Action, Approved, Approver, CertificateFacts, EvidenceClaims, Facts, KeyHandle, KeySubject,
    KeyVersion, Lineage, OidcSubject, Operation, PolicyHash, PolicyVersion, SenderConstraint,
    SgxFacts, TcbStatus, TdxFacts, Tee, TokenFacts, UnixSeconds, VaultTime, VerifiedEvidence,
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
    let others = [
        Action::GetKey,
        Action::GetPolicy,
        Action::Delete,
        Action::UpdatePolicy,
        Action::ListProfiles,
        Action::PromoteProfile,
        Action::RevokeProfile,
        Action::CancelDeletion,
        Action::IssueApproval,
    ];
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
        certificate: given("certificate").map(certificate),
        approvals: given("approvals").map_or_else(Vec::new, approvals),
    }
}

fn certificate(json: &Json) -> CertificateFacts {
    let issuers = texts(json, "issuers").into_iter();
    CertificateFacts {
        spki: Hash::from_hex(text(json, "spki")).unwrap(),
        sans: texts(json, "sans").into_iter().collect(),
        issuers: issuers.map(|hex| Hash::from_hex(&hex).unwrap()).collect(),
    }
}

fn approvals(json: &Json) -> Vec<Approved> {
    let bytes = |json: &Json, name| text::unbase64url(text(json, name)).unwrap();
    let approved = |json: &Json| {
        let by = match (json.get("fido2"), json.get("oidc")) {
            (Some(fido2), None) => Approver::Fido2 {
                credential_id: bytes(fido2, "credential_id"),
                public_key: bytes(fido2, "public_key"),
            },
            (None, Some(oidc)) => Approver::Oidc(OidcSubject {
                issuer: text(oidc, "issuer").to_owned(),
                subject: text(oidc, "subject").to_owned(),
            }),
            _ => panic!("{json:?}"),
        };
        let begun = time(json.get("begun").unwrap());
        Approved { by, begun }
    };
    items(json).iter().map(approved).collect()
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

/// `mrtd` tells a trust domain from an enclave.
fn tee(json: &Json) -> Tee {
    if json.get("mrtd").is_none() {
        return Tee::Sgx(SgxFacts {
            mrenclave: text(json, "mrenclave").parse().unwrap(),
            mrsigner: text(json, "mrsigner").parse().unwrap(),
            isv_prod_id: number(json, "isv_prod_id"),
            isv_svn: number(json, "isv_svn"),
        });
    }
    let rtmrs: Vec<_> = texts(json, "rtmrs")
        .iter()
        .map(|rtmr: &String| rtmr.parse().unwrap())
        .collect();
    Tee::Tdx(Box::new(TdxFacts {
        mrtd: text(json, "mrtd").parse().unwrap(),
        rtmrs: rtmrs.try_into().unwrap(),
        mr_config_id: text(json, "mr_config_id").parse().unwrap(),
        attributes: number(json, "attributes"),
        xfam: number(json, "xfam"),
    }))
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
        tee: tee(json),
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
