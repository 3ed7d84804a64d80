//! One request to three vaults, decided on by two managers: one by a single signature, one by the
//! vaults' own words to whoever holds their token.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::BTreeMap;
use vault_client::approval::{
    Approval, ApprovalAnswer, ApprovalRequest, Context, Decision, Digested, Gesture, SignatureForm,
    SoftwareCredential,
};
use vault_client::constellation::{Goal, Outcomes};
use vault_client::{Answer, Constellation, CreateKey, ErrorCode, Input, KeyName, Signed};
use vault_encoding::{Json, Limits};
use vault_policy::{KeyPolicy, KeyType, KeyVersion, VaultId};
use vault_test::constellation::{Options, TestConstellation};
use vault_test::issuer::Client;

const MESSAGE: &[u8] = b"release 1.0";

type Keys = Vec<(VaultId, KeyName)>;

async fn constellation() -> TestConstellation {
    let mut options = Options::new(3);
    options.clients.push(Client::new("dave", "secret", &[]));
    TestConstellation::start_with(options).await.unwrap()
}

async fn open(running: &TestConstellation, who: &str) -> Constellation {
    Constellation::open(running.config(who).unwrap())
        .await
        .unwrap()
}

fn authenticator() -> SoftwareCredential {
    SoftwareCredential::generate("wallet.test", "https://wallet.test").unwrap()
}

/// The owner signs once grace, by her authenticator, and dave, by his token, have approved. He has
/// an authenticator, too: a policy is changed by those only.
fn policy(issuer: &str, grace: &SoftwareCredential) -> KeyPolicy {
    let named = |of: &SoftwareCredential| String::from_utf8(of.principal().to_bytes()).unwrap();
    let (grace, dave) = (named(grace), named(&authenticator()));
    let document = format!(
        r#"{{"format":"enclave-vaults/key-policy/v1",
        "principals":{{
          "owner":{{"issuer":"{issuer}","subject":"owner"}},
          "managers":[{{"id":"grace","credentials":[{grace}]}},
                      {{"id":"dave","credentials":[{dave},{{"oidc":{{"issuer":"{issuer}","subject":"dave"}}}}]}}]}},
        "operations":[{{"name":"release","operations":["sign"],"principals":["owner"],
          "condition":{{"manager_approval":{{"managers":["grace","dave"],"threshold":2,"oidc":"allowed","fresh_for":300}}}}}}]}}"#,
    );
    let limits = Limits {
        bytes: 1 << 16,
        depth: 16,
        nodes: 1 << 12,
    };
    KeyPolicy::from_json(&Json::parse(document.as_bytes(), limits).unwrap()).unwrap()
}

async fn keys(owner: &Constellation, policy: &KeyPolicy) -> Keys {
    let created = owner
        .each(&owner.vault_ids(), |vault| {
            let policy = policy.canonical_bytes().to_vec();
            async move {
                let key = CreateKey {
                    handle: None,
                    key_type: KeyType::Ed25519Signing,
                    name: "release".into(),
                    policy,
                    labels: Vec::new(),
                };
                Ok(vault.create_key(key).await?.value)
            }
        })
        .await;
    assert_eq!(created.goal(3), Goal::Met, "{created:?}");
    let key =
        |(vault, info): (VaultId, &vault_client::KeyInfo)| (vault, KeyName::from(info.handle));
    created.succeeded().map(key).collect()
}

fn request() -> ApprovalRequest {
    ApprovalRequest::Sign {
        key_version: KeyVersion(1),
        payload: Digested::of(MESSAGE),
        format: SignatureForm::P1363,
    }
}

async fn begin(owner: &Constellation, keys: &Keys) -> Gesture {
    let context = Context::default();
    let begun = owner.begin_approval(keys, &request(), 0, context).await;
    begun.unwrap().gesture
}

async fn sign(
    owner: &Constellation,
    keys: &Keys,
    approvals: &BTreeMap<VaultId, Approval>,
) -> Outcomes<Answer<Signed>> {
    owner
        .each_approved(approvals, |vault| async move {
            let key = keys.iter().find(|(id, _)| *id == vault.vault_id()).unwrap();
            let message = Input::Message(MESSAGE.to_vec());
            vault.sign(key.1, message, false).await
        })
        .await
}

fn all_refused<T: std::fmt::Debug>(outcomes: &Outcomes<T>, expected: usize) {
    assert_eq!(outcomes.succeeded().count(), 0, "{outcomes:?}");
    let codes: Vec<_> = outcomes.failed().map(|(_, error)| error.code).collect();
    assert_eq!(codes.len(), expected);
    for code in codes {
        let refused = matches!(code, ErrorCode::PolicyDenied | ErrorCode::ApprovalRefused);
        assert!(refused, "{code:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_managers_decide_once_for_all_vaults_and_each_vault_acts_once() {
    let running = constellation().await;
    let owner = open(&running, "owner").await;
    let dave = open(&running, "dave").await;
    let grace = authenticator();
    let keys = keys(&owner, &policy(running.issuer().url(), &grace)).await;

    let gesture = begin(&owner, &keys).await;
    assert_eq!(gesture.statements().count(), 3);
    let signed = grace.approve(&gesture).unwrap();
    let issued = dave.approve_by_token(&gesture).await.unwrap();
    assert_eq!(issued.outcomes.goal(3), Goal::Met);

    for lacking in [&signed, &issued.answer] {
        let gesture = begin(&owner, &keys).await;
        let again = match lacking.decision {
            Decision::Approve(_) => grace.approve(&gesture).unwrap(),
            _ => dave.approve_by_token(&gesture).await.unwrap().answer,
        };
        let one = gesture.approvals(&[again]).unwrap();
        all_refused(&sign(&owner, &keys, &one).await, 3);
    }

    let both = gesture.approvals(&[signed, issued.answer]).unwrap();
    let done = sign(&owner, &keys, &both).await;
    assert_eq!(done.goal(3), Goal::Met, "{done:?}");
    all_refused(&sign(&owner, &keys, &both).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_word_of_one_vault_counts_for_no_other_and_only_managers_get_it() {
    let running = constellation().await;
    let owner = open(&running, "owner").await;
    let dave = open(&running, "dave").await;
    let grace = authenticator();
    let keys = keys(&owner, &policy(running.issuer().url(), &grace)).await;

    let gesture = begin(&owner, &keys).await;
    for nobody in ["other-owner", "auditor", "stranger"] {
        let nobody = open(&running, nobody).await;
        assert!(nobody.approve_by_token(&gesture).await.is_err());
    }
    let signed = grace.approve(&gesture).unwrap();
    let answer = dave.approve_by_token(&gesture).await.unwrap().answer;
    let Decision::ApproveByToken(words) = &answer.decision else {
        panic!("an answer by token");
    };
    // Each vault is shown what the next one said.
    let vaults: Vec<_> = words.iter().map(|(vault, _)| *vault).collect();
    let moved = vaults.iter().cycle().skip(1).zip(words);
    let moved = moved.map(|(vault, (_, word))| (*vault, word.clone()));
    let moved = ApprovalAnswer {
        challenge: answer.challenge,
        decision: Decision::ApproveByToken(moved.collect()),
    };
    let wrong = gesture.approvals(&[signed, moved]).unwrap();
    all_refused(&sign(&owner, &keys, &wrong).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_away_is_named_and_the_others_go_on() {
    let mut running = constellation().await;
    let owner = open(&running, "owner").await;
    let grace = authenticator();
    let keys = keys(&owner, &policy(running.issuer().url(), &grace)).await;
    let away = running.vault_id(1).unwrap();
    running.kill(1).unwrap();

    let context = Context::default();
    let begun = owner.begin_approval(&keys, &request(), 0, context).await;
    let begun = begun.unwrap();
    let failed: Vec<_> = begun.outcomes.failed().map(|(vault, _)| vault).collect();
    assert_eq!(failed, [away]);
    let dave = open(&running, "dave").await;
    let issued = dave.approve_by_token(&begun.gesture).await.unwrap();
    let answers = [grace.approve(&begun.gesture).unwrap(), issued.answer];
    let approvals = begun.gesture.approvals(&answers).unwrap();
    assert!(!approvals.contains_key(&away));
    let done = sign(&owner, &keys, &approvals).await;
    assert_eq!(done.goal(2), Goal::Met, "{done:?}");

    let context = Context::default();
    let alone = [(
        away,
        keys.iter().find(|(vault, _)| *vault == away).unwrap().1,
    )];
    let begun = owner.begin_approval(&alone, &request(), 0, context).await;
    assert!(begun.is_err(), "no vault has answered");
}
