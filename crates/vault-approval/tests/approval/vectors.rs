//! The vectors of `vectors/approval`, which the wallet's tests read as well.

use crate::support::{bytes, hex, items, read, text};
use std::collections::BTreeMap;
use vault_approval::{
    ApprovalAnswer, ApprovalFault, ApprovalRequest, ApprovalTree, Assertion, Bundle, Decision,
    Fido2Algorithm, Fido2Credential, Statement, challenge_of, padding_leaf, root_of,
    statement_leaf, verify_assertion,
};
use vault_encoding::{Hash, Json, merkle, text::unhex};

fn accepted(file: &Json) -> &[Json] {
    items(file.get("accepted").unwrap())
}

fn refused(file: &Json) -> &[Json] {
    items(file.get("refused").unwrap())
}

fn credential(json: &Json) -> Fido2Credential {
    let origins = items(json.get("origins").unwrap()).iter();
    Fido2Credential {
        algorithm: match text(json, "algorithm") {
            "es256" => Fido2Algorithm::Es256,
            "eddsa" => Fido2Algorithm::Eddsa,
            other => panic!("{other}"),
        },
        credential_id: bytes(json, "credential_id"),
        origins: origins
            .map(|origin| origin.as_text().unwrap().to_owned())
            .collect(),
        public_key: bytes(json, "public_key"),
        rp_id: text(json, "rp_id").to_owned(),
    }
}

fn assertion(json: &Json) -> Assertion {
    Assertion {
        credential_id: bytes(json, "credential_id"),
        authenticator_data: bytes(json, "authenticator_data"),
        client_data_json: bytes(json, "client_data_json"),
        signature: bytes(json, "signature"),
    }
}

#[test]
fn requests_read_as_they_are_written_and_in_no_other_spelling() {
    let file = read("requests.json");
    assert_eq!(accepted(&file).len(), 17);
    for case in accepted(&file) {
        let canonical = text(case, "canonical");
        let request = ApprovalRequest::parse(canonical.as_bytes()).unwrap();
        assert_eq!(request.canonical_bytes(), canonical.as_bytes());
        assert_eq!(request.operation(), text(case, "operation"));
    }
    assert!(refused(&file).len() >= 15);
    for case in refused(&file) {
        let parsed = ApprovalRequest::parse(text(case, "text").as_bytes());
        assert!(parsed.is_err(), "{}", text(case, "name"));
    }
}

#[test]
fn statements_read_as_they_are_written_and_in_no_other_spelling() {
    let file = read("statements.json");
    assert_eq!(accepted(&file).len(), 21);
    for case in accepted(&file) {
        let canonical = text(case, "statement");
        let statement = Statement::parse(canonical.as_bytes()).unwrap();
        assert_eq!(statement.canonical_bytes(), canonical.as_bytes());
        assert_eq!(statement.hash(), hex(case, "hash"));
    }
    assert!(refused(&file).len() >= 16);
    for case in refused(&file) {
        let parsed = Statement::parse(text(case, "text").as_bytes());
        assert!(parsed.is_err(), "{}", text(case, "name"));
    }
}

#[test]
fn trees_have_the_leaves_roots_challenges_and_paths_of_the_vectors() {
    let file = read("trees.json");
    let trees = items(file.get("trees").unwrap());
    assert_eq!(trees.len(), 6);
    for case in trees {
        let statements: Vec<_> = items(case.get("statements").unwrap())
            .iter()
            .map(|leaf| {
                (
                    hex(leaf, "salt").0,
                    text(leaf, "statement").as_bytes().to_vec(),
                )
            })
            .collect();
        let padding: Vec<_> = items(case.get("padding").unwrap())
            .iter()
            .map(|leaf| {
                let random = hex(leaf, "random").0;
                assert_eq!(padding_leaf(&random), hex(leaf, "leaf"));
                random
            })
            .collect();
        let tree = ApprovalTree::new(&statements, &padding).unwrap();
        assert_eq!(tree.root(), hex(case, "root"));
        assert_eq!(tree.challenge(), hex(case, "challenge"));
        for (index, leaf) in (0u32..).zip(items(case.get("statements").unwrap())) {
            let salt = hex(leaf, "salt").0;
            let hash = statement_leaf(&salt, text(leaf, "statement").as_bytes());
            assert_eq!(hash, hex(leaf, "leaf"));
            let path: Vec<_> = items(leaf.get("path").unwrap())
                .iter()
                .map(|hash| Hash::from_hex(hash.as_text().unwrap()).unwrap())
                .collect();
            let path = path.try_into().unwrap();
            assert_eq!(root_of(hash, index, &path), Some(tree.root()));
        }
    }
}

#[test]
fn a_statement_that_hides_among_the_padding_is_not_approved() {
    let file = read("trees.json");
    let case = file.get("hidden_among_the_padding").unwrap();
    let padding: Vec<_> = items(case.get("padding").unwrap())
        .iter()
        .map(|hex| unhex(hex.as_text().unwrap()).unwrap())
        .collect();
    let salt = hex(case, "salt").0;
    let statement = text(case, "statement").as_bytes().to_vec();
    let leaf = statement_leaf(&salt, &statement);
    let hidden = text(case, "hidden").as_bytes();
    let hidden = statement_leaf(&hex(case, "hidden_salt").0, hidden);
    assert_eq!(padding[0], hidden.0, "it is the first filler");
    let raw = padding.iter().map(|bytes| Hash(*bytes));
    let raw = merkle::Tree::from_leaves(std::iter::once(leaf).chain(raw));
    assert_eq!(
        challenge_of(&raw.root()),
        hex(case, "challenge_of_raw_leaves")
    );
    let path: [Hash; 4] = raw.inclusion(1, 16).unwrap().try_into().unwrap();
    assert_eq!(root_of(hidden, 1, &path), Some(raw.root()));
    let tree = ApprovalTree::new(&[(salt, statement)], &padding).unwrap();
    assert_eq!(tree.challenge(), hex(case, "challenge"));
    assert_ne!(tree.challenge(), hex(case, "challenge_of_raw_leaves"));
    for index in 0..16 {
        let path = tree.path(index).unwrap();
        assert_ne!(root_of(hidden, index, &path), Some(tree.root()));
    }
}

#[test]
fn assertions_are_accepted_or_refused_for_the_reason_of_the_vectors() {
    let file = read("assertions.json");
    let challenge = hex(&file, "challenge");
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for group in items(file.get("groups").unwrap()) {
        let credential = credential(group.get("credential").unwrap());
        for case in items(group.get("cases").unwrap()) {
            let name = text(case, "name");
            let found = match verify_assertion(&assertion(case), &credential, &challenge) {
                Ok(_) => "accepted",
                Err(fault) => fault.code().strip_prefix("approval_").unwrap(),
            };
            assert_eq!(found, text(case, "expect"), "{name}");
            *counts.entry(found.to_owned()).or_default() += 1;
        }
    }
    println!("{counts:?}");
    assert_eq!(counts["accepted"], 12);
    let of_assertions = ApprovalFault::ALL
        .into_iter()
        .filter(|fault| *fault >= ApprovalFault::UnknownCredential);
    for fault in of_assertions {
        let code = fault.code().strip_prefix("approval_").unwrap();
        assert!(counts.contains_key(code), "{code}");
    }
}

#[test]
fn bundles_read_as_they_are_written_and_lead_to_their_challenge() {
    let file = read("bundles.json");
    assert_eq!(accepted(&file).len(), 4);
    for case in accepted(&file) {
        let json = text(case, "bundle");
        let bundle = Bundle::parse(json.as_bytes()).unwrap();
        assert_eq!(bundle.to_json(), json.as_bytes());
        assert!(bundle.is_one_request());
        assert_eq!(bundle.tree().unwrap().challenge(), hex(case, "challenge"));
    }
    assert!(refused(&file).len() > 10);
    for case in refused(&file) {
        let parsed = Bundle::parse(text(case, "text").as_bytes());
        assert!(parsed.is_err(), "{}", text(case, "name"));
    }
}

#[test]
fn answers_read_as_they_are_written_and_their_proofs_verify() {
    let file = read("answers.json");
    let bundle = Bundle::parse(text(&file, "bundle").as_bytes()).unwrap();
    let challenge = bundle.tree().unwrap().challenge();
    let credential = credential(file.get("credential").unwrap());
    let vault_key = unhex(text(&file, "vault_key")).unwrap();
    assert_eq!(accepted(&file).len(), 3);
    for case in accepted(&file) {
        let json = text(case, "answer").as_bytes();
        let answer = ApprovalAnswer::parse(json).unwrap();
        assert_eq!(answer.to_json(), json);
        assert_eq!(answer.challenge, challenge);
        match (text(case, "kind"), answer.decision) {
            ("approve", Decision::Approve(assertion)) => {
                assert_eq!(verify_assertion(&assertion, &credential, &challenge), Ok(1));
            }
            ("approve_by_token", Decision::ApproveByToken(tokens)) => {
                assert_eq!(tokens.len(), bundle.statements().len());
                for ((vault, token), salted) in tokens.iter().zip(bundle.statements()) {
                    assert_eq!(*vault, salted.statement.vault_id);
                    assert!(token.is_signed(&salted.statement.hash(), vault, &vault_key));
                    assert!(!token.is_signed(&challenge, vault, &vault_key));
                }
            }
            ("refuse", Decision::Refuse) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(refused(&file).len(), 6);
    for case in refused(&file) {
        let parsed = ApprovalAnswer::parse(text(case, "text").as_bytes());
        assert!(parsed.is_err(), "{}", text(case, "name"));
    }
}
