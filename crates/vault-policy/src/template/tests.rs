//! Each template, used.

use super::*;
use crate::action::Action;
use crate::deny::Deny;
use crate::evaluate::evaluate;
use crate::evidence::{EvidenceClaims, SgxFacts, TcbStatus, Tee, VerifiedEvidence};
use crate::facts::{Approved, Approver, Facts, SenderConstraint, TokenFacts};
use crate::ids::{KeyHandle, KeyVersion, Lineage, PolicyVersion};
use crate::lint::lint;
use crate::mutability::{Field, Level, Quorum};
use crate::operation::Operation;
use crate::permit::KeySubject;
use crate::principal::{Credential, Fido2Algorithm};
use crate::time::{UnixSeconds, VaultTime};
use crate::validate::validate;
use vault_encoding::Hash;

const NOW: VaultTime = VaultTime::Known {
    lo: UnixSeconds(1),
    hi: UnixSeconds(2),
};
const BUILD: Measurement = Measurement(Hash([7; 32]));

fn subject(subject: &str) -> OidcSubject {
    OidcSubject {
        issuer: "https://issuer.test".into(),
        subject: subject.into(),
    }
}

fn signers() -> IssuerRole {
    IssuerRole {
        issuer: "https://issuer.test".into(),
        role: "signers".into(),
    }
}

fn person(byte: u8) -> Person {
    Person {
        id: format!("manager-{byte}"),
        credentials: vec![Credential::Fido2(Fido2Credential {
            algorithm: Fido2Algorithm::Eddsa,
            credential_id: vec![byte; 16],
            origins: ["https://wallet.test".to_owned()].into(),
            public_key: vec![byte; 32],
            rp_id: "wallet.test".into(),
        })],
    }
}

/// With all that this template has a use for.
fn full(name: &str, key_type: KeyType) -> TemplateArgs {
    let mut args = TemplateArgs::new(subject("ann"), key_type);
    if ["caller-enclave", "luks-volume", "app-kek"].contains(&name) {
        args.mrenclave = Some(BUILD);
    }
    if ["service", "ci-signing", "app-kek"].contains(&name) {
        args.service = Some(subject("ci"));
    }
    args.role = (name == "role").then(signers);
    args.managers = [1, 2, 3].map(person).into();
    args.threshold = 2;
    args
}

#[test]
fn every_listed_template_is_valid_for_every_type_of_key_that_it_is_for() {
    let mut count = 0;
    for (key_type, about) in KeyType::ALL
        .into_iter()
        .flat_map(|kind| TEMPLATES.map(|template| (kind, template)))
    {
        let args = full(about.name, key_type);
        if !about.key_types.contains(&key_type) {
            let refused = template(about.name, &args);
            assert_eq!(refused, Err(TemplateError::NotFor(key_type)));
            continue;
        }
        if about.name != "owner" {
            let bare = TemplateArgs::new(subject("ann"), key_type);
            let needs = template(about.name, &bare);
            assert!(matches!(needs, Err(TemplateError::Needs(_))), "{needs:?}");
        }
        let policy = template(about.name, &args).unwrap();
        assert_eq!(validate(&policy, key_type, NOW), Ok(()), "{about:?}");
        let read = KeyPolicy::from_canonical(policy.canonical_bytes());
        assert_eq!(read.as_ref(), Ok(&policy));
        let codes: Vec<_> = lint(&policy)
            .into_iter()
            .map(|finding| finding.code)
            .filter(|code| *code != "profile_any_platform")
            .collect();
        let expected: &[&str] = match about.name {
            // The owner who is in the VM, too, must be approved.
            "luks-volume" => &["sheddable_condition"],
            _ => &[],
        };
        assert_eq!(codes, expected, "{about:?}");
        count += 1;
    }
    assert_eq!(count, 4 * 5 + 2 + 2 + 1 + 1);
    let args = full("owner", KeyType::P256Signing);
    assert_eq!(template("nothing", &args), Err(TemplateError::Unknown));
}

#[test]
fn it_takes_as_many_managers_as_are_asked_for_to_change_what_any_template_gives() {
    for about in TEMPLATES {
        let key_type = about.key_types[0];
        let policy = template(about.name, &full(about.name, key_type)).unwrap();
        for (field, level) in policy.fields().mutability.levels() {
            let asked = Level::Quorum(Quorum {
                threshold: 2,
                oidc: OidcApproval::Refused,
            });
            let fixed = matches!(field, Field::PrincipalsOwner | Field::Mutability);
            let expected = if fixed { Level::Immutable } else { asked };
            assert_eq!(level, expected, "{}: {field:?}", about.name);
        }
        for threshold in [0, 4] {
            let mut args = full(about.name, key_type);
            args.threshold = threshold;
            let given = template(about.name, &args);
            let valid = given.map(|policy| validate(&policy, key_type, NOW));
            assert!(!matches!(valid, Ok(Ok(()))), "{} {threshold}", about.name);
        }
    }
}

#[test]
fn an_argument_that_a_template_would_drop_is_refused_by_its_name() {
    type Give = fn(&mut TemplateArgs);
    let give: [(&str, &[&str], Give); 7] = [
        (
            "mrenclave",
            &["caller-enclave", "luks-volume", "app-kek"],
            |args| {
                args.mrenclave = Some(BUILD);
            },
        ),
        (
            "mrtd",
            &["caller-enclave", "luks-volume", "app-kek"],
            |args| {
                args.mrenclave = None;
                args.mrtd = Some(TdMeasurement([6; 48]));
            },
        ),
        ("rtmr", &[], |args| {
            args.rtmrs = [(2, TdMeasurement([7; 48]))].into();
        }),
        (
            "platform",
            &["caller-enclave", "luks-volume", "app-kek"],
            |args| {
                args.platforms = [PlatformId(Hash([3; 32]))].into();
            },
        ),
        ("service", &["service", "ci-signing", "app-kek"], |args| {
            args.service = Some(subject("ci"));
        }),
        ("role", &["role"], |args| args.role = Some(signers())),
        ("threshold", &[], |args| args.managers.clear()),
    ];
    for about in TEMPLATES {
        let key_type = about.key_types[0];
        for (name, used_by, give) in give {
            let mut args = full(about.name, key_type);
            give(&mut args);
            let given = template(about.name, &args);
            match used_by.contains(&about.name) {
                true => assert!(given.is_ok(), "{}: {name}", about.name),
                false => assert_eq!(given, Err(TemplateError::NoUse(name)), "{}", about.name),
            }
        }
    }
}

#[test]
fn a_build_is_an_enclave_or_a_trust_domain_and_not_both() {
    let (mrtd, rtmr) = (TdMeasurement([6; 48]), TdMeasurement([7; 48]));
    for about in ["caller-enclave", "luks-volume", "app-kek"] {
        let mut args = full(about, KeyType::Aes256Gcm);
        args.mrtd = Some(mrtd);
        args.rtmrs = [(2, rtmr)].into();
        let both = template(about, &args);
        let refused = TemplateError::Needs("either mrenclave or mrtd");
        assert_eq!(both, Err(refused));
        args.mrenclave = None;
        let policy = template(about, &args).unwrap();
        let [profile] = policy.fields().principals.tees.as_slice() else {
            panic!("{about}");
        };
        assert_eq!((profile.mrenclave, profile.mrtd), (None, Some(mrtd)));
        assert_eq!(profile.rtmrs, args.rtmrs);
        assert_eq!(validate(&policy, KeyType::Aes256Gcm, NOW), Ok(()));
        args.rtmrs.clear();
        let policy = template(about, &args).unwrap();
        let found = lint(&policy);
        assert!(found.iter().any(|one| one.code == "td_without_rtmrs"));
        assert!(!found.iter().any(|one| one.code == "profile_by_signer"));
    }
}

fn caller(who: Option<&str>, in_build: bool, approved_by: &[u8]) -> Facts {
    let token = who.map(|who| TokenFacts {
        issuer: subject(who).issuer,
        subject: who.into(),
        roles: BTreeSet::new(),
        expires_at: UnixSeconds(u64::MAX),
        constraint: SenderConstraint::Dpop,
    });
    let approved = |byte: &u8| Approved {
        by: Approver::Fido2 {
            credential_id: vec![*byte; 16],
            public_key: vec![*byte; 32],
        },
        begun: NOW,
    };
    Facts {
        token,
        evidence: in_build.then(evidence),
        approvals: approved_by.iter().map(approved).collect(),
        ..Facts::default()
    }
}

fn evidence() -> VerifiedEvidence {
    VerifiedEvidence::hypothetical(EvidenceClaims {
        tee: Tee::Sgx(SgxFacts {
            mrenclave: BUILD,
            mrsigner: Measurement(Hash([2; 32])),
            isv_prod_id: 0,
            isv_svn: 0,
        }),
        platform_id: PlatformId(Hash([3; 32])),
        config_merkle_root: None,
        oids: Vec::new(),
        tcb_status: TcbStatus::UpToDate,
        advisories: Vec::new(),
        tcb_evaluation_data_number: 0,
        tcb_date: UnixSeconds(0),
        collateral_issued_at: UnixSeconds(0),
        simulated: true,
    })
}

fn may(name: &str, key_type: KeyType, operation: Operation, facts: &Facts) -> &'static str {
    let policy = template(name, &full(name, key_type)).unwrap();
    let subject = KeySubject {
        handle: KeyHandle([1; 16]),
        lineage: Lineage(Hash([2; 32])),
        version: KeyVersion(1),
        policy_hash: policy.hash(),
        policy_version: PolicyVersion(1),
    };
    let decision = evaluate(&policy, Action::Operation(operation), &subject, facts, NOW);
    decision.as_ref().map_or_else(Deny::code, |_| "permit")
}

#[test]
fn a_ci_job_signs_what_two_managers_approve_and_nobody_else_signs() {
    let sign = |facts| may("ci-signing", KeyType::P256Signing, Operation::Sign, &facts);
    assert_eq!(sign(caller(Some("ci"), false, &[1, 2])), "permit");
    assert_eq!(sign(caller(Some("ci"), false, &[1])), "condition_false");
    assert_eq!(sign(caller(Some("ann"), false, &[1, 2])), "no_rule");
    let digest = may(
        "ci-signing",
        KeyType::P256Signing,
        Operation::SignDigest,
        &caller(Some("ci"), false, &[1, 2]),
    );
    assert_eq!(digest, "no_rule");
}

#[test]
fn a_volume_opens_in_its_vm_by_itself_and_for_the_owner_with_approval() {
    for (key_type, operation) in [
        (KeyType::RawShare, Operation::Reconstruct),
        (KeyType::Aes256Gcm, Operation::Unwrap),
    ] {
        let open = |facts| may("luks-volume", key_type, operation, &facts);
        assert_eq!(open(caller(None, true, &[])), "permit");
        assert_eq!(open(caller(Some("ann"), false, &[])), "condition_false");
        assert_eq!(open(caller(Some("ann"), false, &[1, 3])), "permit");
        assert_eq!(open(caller(Some("ci"), false, &[1, 3])), "stranger");
    }
    let wrap = |facts| may("luks-volume", KeyType::Aes256Gcm, Operation::Wrap, &facts);
    assert_eq!(wrap(caller(Some("ann"), false, &[])), "permit");
}

#[test]
fn an_application_alone_uses_its_key_and_a_job_only_proposes() {
    let ask = |operation, facts| may("app-kek", KeyType::Aes256Gcm, operation, &facts);
    assert_eq!(ask(Operation::Unwrap, caller(None, true, &[])), "permit");
    let ann = caller(Some("ann"), false, &[1, 2]);
    assert_eq!(ask(Operation::Unwrap, ann), "no_rule");
    let ci = caller(Some("ci"), false, &[]);
    assert_eq!(ask(Operation::StageProfile, ci.clone()), "permit");
    assert_eq!(ask(Operation::Unwrap, ci), "no_rule");
}

#[test]
fn a_seed_comes_back_to_the_owner_when_two_managers_approve() {
    let ask = |facts| {
        may(
            "wallet-seed",
            KeyType::RawShare,
            Operation::Reconstruct,
            &facts,
        )
    };
    assert_eq!(ask(caller(Some("ann"), false, &[])), "condition_false");
    assert_eq!(ask(caller(Some("ann"), false, &[2, 3])), "permit");
    assert_eq!(ask(caller(Some("ci"), false, &[2, 3])), "stranger");
    let policy = template("wallet-seed", &full("wallet-seed", KeyType::RawShare)).unwrap();
    assert_eq!(policy.fields().lifecycle.deletion_window, 2_592_000);
}
