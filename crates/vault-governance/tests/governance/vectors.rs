//! The vectors of `vectors/governance`, which no implementation wrote for itself.

use crate::support::{items, parse, text};
use vault_encoding::{Canonical, CanonicalError, Hash, Json, text::unhex};
use vault_governance::{
    Anchor, Expected, FormatError, GovernanceError, GovernanceSignature, ManifestChain, Quorum,
    Reconfiguration, SigningKey, verify_chain,
};

fn quorum(json: &Json) -> Quorum {
    Quorum::from_canonical(&Canonical::from_json(json.clone()).unwrap()).unwrap()
}

/// The name by which a vector calls a reason; its further members must be those of the error.
fn reason(case: &Json, error: &GovernanceError) -> &'static str {
    match error {
        GovernanceError::Format(_) => "refused text",
        GovernanceError::WrongConstellation { .. } => "wrong constellation",
        GovernanceError::WrongVersion { expected, found } => {
            assert_eq!(text(case, "expected"), expected.to_string());
            assert_eq!(text(case, "found"), found.to_string());
            "wrong version"
        }
        GovernanceError::QuorumNotMet { need, have } => {
            assert_eq!(text(case, "need"), need.to_string());
            assert_eq!(text(case, "have"), have.to_string());
            "quorum short"
        }
        GovernanceError::NotAGovernanceKey(key) => {
            assert_eq!(text(case, "key"), key.to_string());
            "not a governance key"
        }
        GovernanceError::BadSignature(key) => {
            assert_eq!(text(case, "key"), key.to_string());
            "bad signature"
        }
        GovernanceError::WrongVault { .. } => "wrong vault",
        GovernanceError::WrongOldRoot => "wrong old root",
        other => panic!("{other}"),
    }
}

#[test]
fn chains_are_believed_or_refused_as_the_vectors_say() {
    let vectors = parse(include_str!("../../../../vectors/governance/chains.json"));
    let anchor = vectors.get("anchor").unwrap();
    let anchor = Anchor {
        constellation: text(anchor, "constellation").parse().unwrap(),
        governance: quorum(anchor.get("governance").unwrap()),
    };
    let cases = items(vectors.get("cases").unwrap());
    assert!(cases.len() > 10);
    for case in cases {
        let file = text(case, "chain");
        let chain = ManifestChain::parse(file.as_bytes()).unwrap();
        assert_eq!(chain.to_json(), format!("{file}\n"));
        assert_eq!(
            ManifestChain::parse(chain.to_json().as_bytes()),
            Ok(chain.clone())
        );
        let found = match verify_chain(&chain, &anchor) {
            Ok(manifest) => format!("version {}", manifest.version()),
            Err(error) => reason(case, &error).to_owned(),
        };
        assert_eq!(found, text(case, "expect"), "{}", text(case, "name"));
    }
}

#[test]
fn texts_that_are_no_chains_are_refused_for_the_reason_of_the_vectors() {
    let vectors = parse(include_str!(
        "../../../../vectors/governance/refused-chains.json"
    ));
    assert!(items(&vectors).len() > 10);
    for case in items(&vectors) {
        let name = text(case, "name");
        let found = match ManifestChain::parse(text(case, "text").as_bytes()).expect_err(name) {
            FormatError::Canonical(
                CanonicalError::NotCanonical
                | CanonicalError::ForbiddenType
                | CanonicalError::Json(_),
            ) => "canonical",
            FormatError::Format { .. } => "format",
            FormatError::Missing(_) => "missing",
            FormatError::UnknownMember => "unknown member",
            FormatError::Malformed(_) => "malformed",
            FormatError::Count { .. } => "count",
            FormatError::NotSorted(_) => "not sorted",
            FormatError::DuplicateMember(_) => "duplicate member",
            FormatError::DuplicateKey(_) => "duplicate key",
            FormatError::Threshold { .. } => "threshold",
            FormatError::Operator => "operator",
            FormatError::SameRoot => "same root",
        };
        assert_eq!(found, text(case, "reason"), "{name}");
    }
}

fn judge(case: &Json, expected: &Json) -> Result<String, GovernanceError> {
    let bytes = text(case, "statement").as_bytes();
    let statement = Reconfiguration::parse(bytes)?;
    assert_eq!(statement.canonical_bytes(), bytes);
    assert_eq!(statement.hash().to_string(), text(case, "hash"));
    let signatures: Vec<_> = items(case.get("signatures").unwrap())
        .iter()
        .map(|signed| GovernanceSignature {
            key: text(signed, "key").parse().unwrap(),
            signature: unhex(text(signed, "signature")).unwrap(),
        })
        .collect();
    let governance = quorum(expected.get("governance").unwrap());
    let expected = Expected {
        vault_id: text(expected, "vault_id").parse().unwrap(),
        constellation: text(expected, "constellation").parse().unwrap(),
        trust_root: Hash::from_hex(text(expected, "trust_root")).unwrap(),
        governance: &governance,
    };
    let signers = statement.verify(&expected, &signatures)?;
    let names: Vec<_> = signers.iter().map(ToString::to_string).collect();
    let wanted = items(case.get("signers").unwrap()).iter();
    let wanted: Vec<_> = wanted.map(|key| key.as_text().unwrap()).collect();
    assert_eq!(names, wanted);
    Ok("accepted".into())
}

#[test]
fn reconfigurations_are_accepted_or_refused_as_the_vectors_say() {
    let vectors = parse(include_str!(
        "../../../../vectors/governance/reconfigurations.json"
    ));
    let cases = items(vectors.get("cases").unwrap());
    assert!(cases.len() > 10);
    for case in cases {
        let found = judge(case, vectors.get("expected").unwrap())
            .unwrap_or_else(|error| reason(case, &error).to_owned());
        assert_eq!(found, text(case, "expect"), "{}", text(case, "name"));
    }
}

#[test]
fn a_key_file_is_what_openssl_writes() {
    let file = include_str!("../../../../vectors/governance/key.pem");
    let key = SigningKey::from_pem(file).unwrap();
    let public = include_str!("../../../../vectors/governance/key.hex");
    assert_eq!(key.public().to_string(), public.trim());
    assert_eq!(key.to_pem().as_str(), file);
    assert!(!format!("{key:?}").contains(file.lines().nth(1).unwrap()));
}
