//! T-HARVEST: a malicious vault keeps every header and byte that the real SDK sends it, and tries
//! each of them on the other vaults: as it is, and in every other combination; over the connection
//! whose nonce it had its clients prove, over one with a client certificate, and over fresh ones.
//! Nothing is accepted. The same SDK is accepted there, and a plain bearer token is taken, which
//! shows that the attempts themselves are well made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod harvest_double;
mod thief;

use bytes::Bytes;
use harvest_double::{Double, Harvested};
use hyper::header::{HeaderMap, HeaderValue};
use ratls::tls::ClientKey;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use thief::{OPERATE, Thief, WHO_AM_I, config, issuer, vault};
use vault_client::token::{AccessToken, FixedToken, TokenSource};
use vault_client::{Client, CreateKey, Input, KeyName};
use vault_policy::{KeyHandle, KeyType, OidcSubject, SHARE_CLASSES, TemplateArgs, template};
use vault_test::issuer::{Binding, Issuer};
use vault_test::process::VaultProcess;
use zeroize::Zeroizing;

fn policy(issuer: &Issuer, key_type: KeyType) -> Vec<u8> {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let args = TemplateArgs::new(owner, key_type);
    template("owner", &args).unwrap().canonical_bytes().to_vec()
}

/// What the SDK is used for, on whatever vault. How many of the seven calls were answered.
async fn use_vault(client: &Client, issuer: &Issuer, number: u8) -> usize {
    let share = KeyName::from(KeyHandle([number; 16]));
    let signing = CreateKey {
        handle: Some(KeyHandle([number + 100; 16])),
        key_type: KeyType::P256Signing,
        policy: policy(issuer, KeyType::P256Signing),
        name: String::new(),
        labels: Vec::new(),
    };
    let key = KeyName::from(KeyHandle([number + 100; 16]));
    let input = Input::Message(b"message".to_vec());
    let kept = Zeroizing::new(vec![7; SHARE_CLASSES[0]]);
    let done = [
        client.whoami().await.is_ok(),
        client
            .create_share(share.handle, policy(issuer, KeyType::RawShare), kept)
            .await
            .is_ok(),
        client.reconstruct(share).await.is_ok(),
        client.create_key(signing).await.is_ok(),
        client.sign(key, input, false).await.is_ok(),
        client.list_keys(10, "").await.is_ok(),
        client.delete_key(share).await.is_ok(),
    ];
    done.into_iter().filter(|done| *done).count()
}

/// An SDK whose tokens are of this kind is used at the double; what the double has then.
async fn harvest(
    double: &Double,
    memory: &Path,
    issuer: &Issuer,
    tokens: Arc<dyn TokenSource>,
    certificate: Option<Arc<ClientKey>>,
) -> Vec<Harvested> {
    let mut config = double.config(memory).tokens(tokens);
    config.certificate = certificate;
    let client = Client::connect(config).await.unwrap();
    assert_eq!(
        use_vault(&client, issuer, 1).await,
        0,
        "the double does nothing"
    );
    let mut kept = double.take();
    kept.retain(|request| request.headers.contains_key("authorization"));
    let streamed = kept.iter().find(|request| request.path == OPERATE);
    assert!(streamed.is_some_and(|opening| !opening.body.is_empty()));
    let paths: BTreeSet<_> = kept.iter().map(|request| request.path.clone()).collect();
    for used in [
        "KeyService/CreateKey",
        "KeyService/ListKeys",
        "KeyService/ScheduleDeletion",
        "CryptoService/Reconstruct",
        "CryptoService/Operate",
        "VaultService/WhoAmI",
    ] {
        let path = format!("/enclavevaults.v1.{used}");
        assert!(paths.contains(&path), "{path} was not used: {paths:?}");
    }
    kept
}

/// The connections that the thief has to one vault.
struct Ways {
    /// Each of its clients was told this one's nonce.
    nonce_giving: Thief,
    certified: Thief,
}

impl Ways {
    async fn open(vault: &VaultProcess, mine: &Arc<ClientKey>) -> Self {
        Self {
            nonce_giving: Thief::connect(&config(vault), None).await,
            certified: Thief::connect(&config(vault), Some(mine.clone())).await,
        }
    }
}

/// Whose SDK is harvested: its tokens, and the certificate that it shows.
type Sender = (Arc<dyn TokenSource>, Option<Arc<ClientKey>>);

#[derive(Default, Debug)]
struct Tally {
    tried: usize,
    accepted: Vec<String>,
    /// How often each reason was given.
    refused: BTreeMap<String, usize>,
}

impl Tally {
    async fn attempt(&mut self, wire: &Thief, path: &str, headers: &HeaderMap, body: &Bytes) {
        let outcome = wire.call(path, headers, body.clone()).await;
        self.tried += 1;
        if outcome.is_refused() {
            *self.refused.entry(outcome.message).or_default() += 1;
        } else {
            self.accepted
                .push(format!("{path} {headers:?} {outcome:?}"));
        }
    }

    /// Each request as it was sent, over every way and over a connection of its own.
    async fn as_it_is(&mut self, kept: &[Harvested], vault: &VaultProcess, ways: &Ways) {
        for request in kept {
            let fresh = Thief::connect(&config(vault), None).await;
            for wire in [&ways.nonce_giving, &ways.certified, &fresh] {
                let Harvested {
                    path,
                    headers,
                    body,
                } = request;
                self.attempt(wire, path, headers, body).await;
            }
        }
    }

    /// Every token under every scheme with every proof or none, on calls of its own choice.
    async fn recombined(&mut self, kept: &[Harvested], ways: &Ways) {
        let pieces = |name: &str| -> BTreeSet<String> {
            let values = kept.iter().filter_map(|request| request.headers.get(name));
            values
                .map(|value| value.to_str().unwrap().to_owned())
                .collect()
        };
        let tokens: BTreeSet<String> = pieces("authorization")
            .iter()
            .map(|value| value.split_once(' ').unwrap().1.to_owned())
            .collect();
        let mut proofs: Vec<Option<String>> = pieces("dpop").into_iter().map(Some).collect();
        proofs.push(None);
        for (token, scheme) in tokens
            .iter()
            .flat_map(|token| ["Bearer", "DPoP"].map(|scheme| (token, scheme)))
        {
            for proof in &proofs {
                let mut headers = HeaderMap::new();
                let value = format!("{scheme} {token}");
                headers.insert("authorization", value.parse().unwrap());
                if let Some(proof) = proof {
                    headers.insert("dpop", HeaderValue::from_str(proof).unwrap());
                }
                for wire in [&ways.nonce_giving, &ways.certified] {
                    let ask = Bytes::from_static(&[0; 5]);
                    self.attempt(wire, WHO_AM_I, &headers, &ask).await;
                    self.attempt(wire, OPERATE, &headers, &Bytes::new()).await;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_vault_is_sent_is_worth_nothing_at_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let others = [
        vault(dir.path(), "one", &issuer),
        vault(dir.path(), "two", &issuer),
    ];
    let double = Double::start().await;
    let mine = Arc::new(ClientKey::generate().unwrap());
    let theirs = Arc::new(ClientKey::generate().unwrap());
    let memory = |name: &str| dir.path().join(name);
    let fixed = |token: Option<String>| -> Arc<dyn TokenSource> {
        Arc::new(FixedToken(AccessToken::new(token.unwrap(), None)))
    };
    let sources = || -> [Sender; 3] {
        let addressed = issuer.token_for_vault("owner", &double.id);
        let certified = Binding::certificate(&theirs.hash());
        let certified = issuer.bound_token("owner", &certified);
        [
            (issuer.token_source("owner").unwrap(), None),
            (fixed(addressed), None),
            (fixed(certified), Some(theirs.clone())),
        ]
    };
    let mut tally = Tally::default();
    for other in &others {
        let ways = Ways::open(other, &mine).await;
        // The proofs name the nonce of the very connection that they are tried on first.
        double.ask_for(ways.nonce_giving.nonce().await);
        let mut kept = Vec::new();
        for (number, (tokens, certificate)) in sources().into_iter().enumerate() {
            let memory = memory(&format!("memory {number}"));
            kept.extend(harvest(&double, &memory, &issuer, tokens, certificate).await);
        }
        tally.as_it_is(&kept, other, &ways).await;
        tally.recombined(&kept, &ways).await;
        // A plain bearer token, harvested and tried alike, is taken.
        let plain = fixed(issuer.token("owner"));
        let plain = harvest(&double, &memory("plain"), &issuer, plain, None).await;
        let mut control = Tally::default();
        control.as_it_is(&plain, other, &ways).await;
        assert!(control.accepted.len() * 3 > control.tried, "{control:?}");
    }
    println!(
        "harvested from the SDK: {} attempts, {} accepted; {:?}",
        tally.tried,
        tally.accepted.len(),
        tally.refused
    );
    assert!(tally.tried > 300, "{} attempts", tally.tried);
    assert_eq!(tally.accepted, Vec::<String>::new());
    for reason in [
        // On the connection whose nonce they name, proofs are refused for the vault they name.
        "proof refused: wrong_uri",
        "sender refused: proof_required",
        "sender refused: certificate_required",
        "sender refused: other_certificate",
        "token refused: wrong_audience",
    ] {
        assert!(tally.refused.contains_key(reason), "{reason}: {tally:?}");
    }
    for other in &others {
        let tokens = issuer.token_source("owner").unwrap();
        let client = Client::connect(config(other).tokens(tokens)).await.unwrap();
        assert_eq!(
            use_vault(&client, &issuer, 2).await,
            7,
            "the SDK is accepted"
        );
    }
}
