//! T-STOLEN: a token is worth nothing to who has read it. Every refusal is beside the call that is
//! accepted and differs in the one thing that is missing; unary calls and the opening of `Operate`
//! alike.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod thief;

use ratls::tls::ClientKey;
use std::sync::Arc;
use thief::{OPERATE, Outcome, Thief, UNAUTHENTICATED, WHO_AM_I, config, id, issuer, vault};
use vault_client::token::{AccessToken, BoundToken, FixedToken, ProofKey, TokenSource};
use vault_client::{Client, ErrorCode, KeyName};
use vault_policy::{KeyHandle, KeyType, OidcSubject, SHARE_CLASSES, TemplateArgs, template};
use vault_test::issuer::{Binding, Issuer};
use zeroize::Zeroizing;

/// Refused with this message.
fn refused(outcome: &Outcome, message: &str) {
    assert_eq!(
        (outcome.status, outcome.message.as_str()),
        (UNAUTHENTICATED, message)
    );
}

fn accepted(outcome: &Outcome) {
    assert_eq!(outcome.status, 0, "{}", outcome.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_key_is_good_only_with_a_fresh_proof_by_that_key() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let vault = vault(dir.path(), "one", &issuer);
    let (mine, other) = (ProofKey::default(), ProofKey::default());
    let token = issuer
        .token_bound_to("owner", &mine.thumbprint().unwrap())
        .unwrap();
    let plain = issuer.token("owner").unwrap();
    for path in [WHO_AM_I, OPERATE] {
        let wire = Thief::connect(&config(&vault), None).await;
        accepted(&wire.prove(path, &mine, &token).await);
        let bearer = wire.ask_bearer(path, &token).await;
        refused(&bearer, "sender refused: proof_required");
        let unproven = [("authorization", &*format!("DPoP {token}"))];
        refused(
            &wire.ask(path, &unproven).await,
            "the DPoP header is missing",
        );
        let stolen = wire.prove(path, &other, &token).await;
        refused(&stolen, "sender refused: other_key");
        let unbound = wire.prove(path, &mine, &plain).await;
        refused(&unbound, "sender refused: not_bound");
        accepted(&wire.ask_bearer(path, &plain).await);
        // Of another call, another token.
        let nonce = wire.nonce().await;
        let elsewhere = wire.proof("/enclavevaults.v1.X/Y", &mine, &token, Some(&nonce));
        let answer = wire.ask_bound(path, &token, &elsewhere).await;
        refused(&answer, "proof refused: wrong_uri");
        let for_plain = wire.proof(path, &mine, &plain, Some(&nonce));
        let answer = wire.ask_bound(path, &token, &for_plain).await;
        refused(&answer, "proof refused: wrong_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_taken_once_and_on_its_connection_only() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let vault = vault(dir.path(), "one", &issuer);
    let key = ProofKey::default();
    let token = issuer
        .token_bound_to("owner", &key.thumbprint().unwrap())
        .unwrap();
    let wire = Thief::connect(&config(&vault), None).await;
    let first = wire.proof(WHO_AM_I, &key, &token, None);
    let asked = wire.ask_bound(WHO_AM_I, &token, &first).await;
    refused(&asked, "proof refused: nonce_missing");
    let nonce = asked.nonce.expect("the refusal names the nonce");
    let proof = wire.proof(WHO_AM_I, &key, &token, Some(&nonce));
    let other = Thief::connect(&config(&vault), None).await;
    let answer = other.ask_bound(WHO_AM_I, &token, &proof).await;
    refused(&answer, "proof refused: wrong_nonce");
    let taken = wire.ask_bound(WHO_AM_I, &token, &proof).await;
    accepted(&taken);
    assert_eq!(taken.nonce, Some(nonce), "an ordinary answer names it too");
    let again = wire.ask_bound(WHO_AM_I, &token, &proof).await;
    refused(&again, "proof refused: replayed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_bound_to_a_certificate_is_good_only_over_its_tls() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let vault = vault(dir.path(), "one", &issuer);
    let mine = Arc::new(ClientKey::generate().unwrap());
    let other = Arc::new(ClientKey::generate().unwrap());
    let token = issuer
        .bound_token("owner", &Binding::certificate(&mine.hash()))
        .unwrap();
    let with = async |shown| Thief::connect(&config(&vault), shown).await;
    let (right, thief, none) = (
        with(Some(mine)).await,
        with(Some(other)).await,
        with(None).await,
    );
    let key = ProofKey::default();
    for path in [WHO_AM_I, OPERATE] {
        accepted(&right.ask_bearer(path, &token).await);
        let stolen = thief.ask_bearer(path, &token).await;
        refused(&stolen, "sender refused: other_certificate");
        let stolen = none.ask_bearer(path, &token).await;
        refused(&stolen, "sender refused: certificate_required");
        let proven = thief.prove(path, &key, &token).await;
        refused(&proven, "sender refused: not_bound");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_one_vault_is_refused_by_another() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let (one, two) = (
        vault(dir.path(), "one", &issuer),
        vault(dir.path(), "two", &issuer),
    );
    let token = issuer.token_for_vault("owner", &id(&one)).unwrap();
    for path in [WHO_AM_I, OPERATE] {
        let wire = Thief::connect(&config(&one), None).await;
        accepted(&wire.ask_bearer(path, &token).await);
        let wire = Thief::connect(&config(&two), None).await;
        let answer = wire.ask_bearer(path, &token).await;
        refused(&answer, "token refused: wrong_audience");
    }
}

async fn sdk(vault: &vault_test::process::VaultProcess, tokens: Arc<dyn TokenSource>) -> Client {
    Client::connect(config(vault).tokens(tokens)).await.unwrap()
}

fn share_policy(issuer: &Issuer) -> Vec<u8> {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let args = TemplateArgs::new(owner, KeyType::RawShare);
    template("owner", &args).unwrap().canonical_bytes().to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_kept_and_given_back_under_every_constraint_and_never_to_a_bearer() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let vault = vault(dir.path(), "one", &issuer);
    let key = ProofKey::default();
    let bound = issuer
        .token_bound_to("owner", &key.thumbprint().unwrap())
        .unwrap();
    let certificate = Arc::new(ClientKey::generate().unwrap());
    let certified = issuer
        .bound_token("owner", &Binding::certificate(&certificate.hash()))
        .unwrap();
    let addressed = issuer.token_for_vault("owner", &id(&vault)).unwrap();
    let fixed = |token: String| Arc::new(FixedToken(AccessToken::new(token, None)));
    let by_proof = Arc::new(BoundToken {
        token: AccessToken::new(bound, None),
        key,
    });
    let by_certificate = config(&vault)
        .tokens(fixed(certified))
        .certificate(certificate);
    let clients = [
        sdk(&vault, by_proof).await,
        Client::connect(by_certificate).await.unwrap(),
        sdk(&vault, fixed(addressed)).await,
    ];
    let bearer = sdk(&vault, fixed(issuer.token("owner").unwrap())).await;
    for (number, client) in clients.iter().enumerate() {
        let byte = u8::try_from(number + 1).unwrap();
        let handle = KeyHandle([byte; 16]);
        let share = Zeroizing::new(vec![byte; SHARE_CLASSES[0]]);
        let policy = share_policy(&issuer);
        let refused = bearer
            .create_share(handle, policy.clone(), share.clone())
            .await
            .unwrap_err();
        assert_eq!(refused.code, ErrorCode::SenderConstraintRequired);
        client
            .create_share(handle, policy, share.clone())
            .await
            .unwrap();
        let name = KeyName::from(handle);
        let refused = bearer.reconstruct(name).await.unwrap_err();
        assert_eq!(refused.code, ErrorCode::SenderConstraintRequired);
        let back = client.reconstruct(KeyName::from(handle)).await.unwrap();
        assert_eq!(*back.value, *share);
    }
}
