//! Everything that the real SDK sends one vault over the life of two secrets, every header and
//! byte of it: nothing tells how they are shared, nothing is common to the vaults of one secret
//! that is not common to those of another, and no candidate for a secret of four digits stands
//! out. What was sent includes all that a vault can store, but for its own randomness and clock.
//!
//! One process has one source of tokens for all vaults and all secrets, and so has this test. By
//! its subject, and without tokens of each vault's own also by token and proof key, vaults that
//! compare notes recognize their common caller: `docs/secrets.md`, "What is not hidden".
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[allow(dead_code, reason = "another suite uses the rest")]
mod harvest_double;

use buffa::Message;
use harvest_double::{Double, Harvested};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use vault_client::secret::{OwnerKey, Secrets, ShareHolder, Wait};
use vault_client::token::{ClientCredentials, Kept, ProofKey, TokenSource, TrustedRoots};
use vault_client::{Client, Error, ErrorCode, Result};
use vault_encoding::{Domain, sha256, sha512, text};
use vault_policy::{KeyHandle, KeyType, OidcSubject, TemplateArgs, VaultId, template};
use vault_proto::v1;
use vault_test::issuer::{Client as IssuerClient, Issuer, IssuerConfig};
use zeroize::Zeroizing;

const CREATE: &str = "/enclavevaults.v1.KeyService/CreateKey";
const OPERATE: &str = "/enclavevaults.v1.CryptoService/Operate";
/// Two strings of some thousand random bytes have so many in common once in 10^12.
const COMMON: usize = 8;
/// So many bytes that are in the requests of another secret too are no content of this one.
const FRAME: usize = 4;

/// A vault that keeps shares, and tells the double over the real wire whatever it is asked.
struct Tapped {
    id: VaultId,
    wire: Option<Client>,
    shares: Mutex<BTreeMap<KeyHandle, Zeroizing<Vec<u8>>>>,
}

impl Tapped {
    fn new(number: u8, wire: Option<Client>) -> Self {
        Self {
            id: VaultId(sha256(&[number])),
            wire,
            shares: Mutex::default(),
        }
    }

    fn found<T>(&self, found: Option<T>) -> Result<T> {
        found.ok_or_else(|| Error::new(ErrorCode::NotFound).vault(self.id))
    }
}

impl ShareHolder for Tapped {
    fn vault_id(&self) -> VaultId {
        self.id
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        if let Some(wire) = &self.wire {
            let sent = ShareHolder::put(wire, handle, policy, share.clone()).await;
            assert!(sent.is_err(), "the double does nothing");
        }
        self.shares.lock().unwrap().insert(handle, share);
        Ok(())
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        if let Some(wire) = &self.wire {
            assert!(ShareHolder::get(wire, handle).await.is_err());
        }
        self.found(self.shares.lock().unwrap().get(&handle).cloned())
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        Ok(self.shares.lock().unwrap().keys().copied().collect())
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        if let Some(wire) = &self.wire {
            assert!(ShareHolder::destroy(wire, handle).await.is_err());
        }
        self.found(self.shares.lock().unwrap().remove(&handle))
            .map(drop)
    }
}

/// What two doubles saw of the life of one secret.
struct Seen {
    first: Vec<Harvested>,
    second: Vec<Harvested>,
}

/// The SDK's own client of the issuer.
fn credentials(issuer: &Issuer, dir: &Path) -> ClientCredentials {
    let (secret_file, ca) = (dir.join("secret"), dir.join("ca.pem"));
    std::fs::write(&secret_file, "secret").unwrap();
    std::fs::write(&ca, issuer.ca_pem()).unwrap();
    ClientCredentials {
        endpoint: issuer.token_uri().parse().unwrap(),
        client_id: "owner".into(),
        secret_file,
        scope: None,
        audience: None,
        per_vault: false,
        sender: ProofKey::default(),
        roots: TrustedRoots::File(ca),
    }
}

struct Owner {
    issuer: Issuer,
    /// Of the whole process.
    tokens: Arc<dyn TokenSource>,
    doubles: [Double; 2],
    secrets: Secrets,
    dir: tempfile::TempDir,
}

impl Owner {
    async fn new(per_vault: bool) -> Self {
        let client = IssuerClient::new("owner", "secret", &["vault:owner"]);
        let issuer = Issuer::start(IssuerConfig::new(vec![client]))
            .await
            .unwrap();
        let dir = tempfile::tempdir().unwrap();
        let tokens = ClientCredentials {
            per_vault,
            ..credentials(&issuer, dir.path())
        };
        let tokens = Kept::new(tokens);
        let doubles = [
            Double::start_as([1; 32]).await,
            Double::start_as([2; 32]).await,
        ];
        // Calls that find no token at the same time would each fetch one.
        for double in &doubles {
            tokens.token_for(double.id).await.unwrap();
        }
        Self {
            issuer,
            tokens: Arc::new(tokens),
            doubles,
            secrets: Secrets::new(dir.path().join("secrets"), OwnerKey::generate().unwrap()),
            dir,
        }
    }

    async fn client(&self, double: &Double, memory: &Path) -> Client {
        let config = double.config(memory).tokens(self.tokens.clone());
        Client::connect(config).await.unwrap()
    }

    fn policy(&self) -> Vec<u8> {
        let owner = OidcSubject {
            issuer: self.issuer.url().to_owned(),
            subject: "owner".into(),
        };
        let args = TemplateArgs::new(owner, KeyType::RawShare);
        template("owner", &args).unwrap().canonical_bytes().to_vec()
    }

    /// A secret is split over both doubles and so many other vaults, read, refreshed, destroyed.
    async fn live(&self, name: &str, secret: &[u8], threshold: u8, others: u8) -> Seen {
        let mut holders = Vec::new();
        for (number, double) in (1..).zip(&self.doubles) {
            let memory = self.dir.path().join(format!("{name}-{number}"));
            holders.push(Tapped::new(
                number,
                Some(self.client(double, &memory).await),
            ));
            double.take();
        }
        holders.extend((10..10 + others).map(|number| Tapped::new(number, None)));
        let policy = self.policy();
        let split = self
            .secrets
            .split(&holders, name, secret, threshold, policy);
        split.await.unwrap();
        let read = self.secrets.reconstruct(&holders, name, Wait::All).await;
        assert_eq!(read.ok().unwrap().secret.as_slice(), secret);
        self.secrets.refresh(&holders, name, None).await.unwrap();
        self.secrets.destroy(&holders, name).await.unwrap();
        let [first, second] = &self.doubles;
        Seen {
            first: first.take(),
            second: second.take(),
        }
    }
}

/// A header as it is judged. How long the caller waits is time, and that time is seen is
/// documented.
///
/// EXEMPT: the access token, its hash, and the key of the proofs. They name the caller to every
/// vault, and the same ones for each of its secrets; `names` says what they give away. All else
/// of a proof is judged, without the second of its making.
fn header(name: &str, value: &[u8]) -> Vec<u8> {
    match name {
        "grpc-timeout" => Vec::new(),
        "authorization" => scheme(value).to_vec(),
        "dpop" => {
            let [mut header, mut claims] = opened(value);
            assert!(header.remove("jwk").is_some());
            assert!(claims.remove("ath").is_some());
            assert!(claims.remove("iat").is_some());
            let signature = value.rsplit(|byte| *byte == b'.').next().unwrap();
            let signature = text::unbase64url(std::str::from_utf8(signature).unwrap()).unwrap();
            let rest = serde_json::to_vec(&[header, claims]).unwrap();
            [rest, signature].concat()
        }
        _ => value.to_vec(),
    }
}

fn scheme(value: &[u8]) -> &[u8] {
    value.split(|byte| *byte == b' ').next().unwrap()
}

type Object = serde_json::Map<String, serde_json::Value>;

/// Header and claims of a JWT.
fn opened(jwt: &[u8]) -> [Object; 2] {
    let mut parts = std::str::from_utf8(jwt).unwrap().split('.');
    let mut part = || {
        let part = text::unbase64url(parts.next().unwrap()).unwrap();
        serde_json::from_slice(&part).unwrap()
    };
    [part(), part()]
}

/// By what a vault can recognize the caller: tokens, keys of proofs, subjects.
fn names(requests: &[Harvested]) -> [BTreeSet<String>; 3] {
    let mut names = <[BTreeSet<String>; 3]>::default();
    for headers in requests.iter().map(|request| &request.headers) {
        let Some(token) = headers.get("authorization") else {
            continue;
        };
        let token = &token.as_bytes()[scheme(token.as_bytes()).len() + 1..];
        let [_, claims] = opened(token);
        let [proof, _] = opened(headers["dpop"].as_bytes());
        names[0].insert(String::from_utf8(token.to_vec()).unwrap());
        names[1].insert(proof["jwk"].to_string());
        names[2].insert(claims["sub"].to_string());
    }
    names
}

/// All strings of one request: path, headers, body.
fn strings(request: &Harvested) -> Vec<Vec<u8>> {
    let headers = request.headers.iter();
    let headers = headers.map(|(name, value)| header(name.as_str(), value.as_bytes()));
    let ends = [request.path.clone().into_bytes(), request.body.to_vec()];
    headers.chain(ends).collect()
}

fn windows(strings: &[Vec<u8>], len: usize) -> HashSet<Vec<u8>> {
    let windows = strings.iter().flat_map(|string| string.windows(len));
    windows.map(<[u8]>::to_vec).collect()
}

fn all_strings(requests: &[Harvested]) -> Vec<Vec<u8>> {
    requests.iter().flat_map(strings).collect()
}

/// What is left of these requests without all that `known` has, four bytes of it or more.
fn content(requests: &[Harvested], known: &HashSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut left = Vec::new();
    for string in all_strings(requests) {
        let mut is_known = vec![false; string.len()];
        for (at, window) in string.windows(FRAME).enumerate() {
            if known.contains(window) {
                is_known[at..at + FRAME].fill(true);
            }
        }
        let mut bytes = string.iter().zip(is_known).peekable();
        while bytes.peek().is_some() {
            let run = std::iter::from_fn(|| bytes.next_if(|(_, known)| !known));
            left.push(run.map(|(byte, _)| *byte).collect());
            while bytes.next_if(|(_, known)| *known).is_some() {}
        }
    }
    left
}

/// What the two vaults of one secret have in common, and another secret has not.
fn linking(of_one: &Seen, of_another: &Seen) -> Vec<String> {
    let another = [&of_another.first[..], &of_another.second[..]].concat();
    let known = windows(&all_strings(&another), FRAME);
    let first = windows(&content(&of_one.first, &known), COMMON);
    let second = windows(&content(&of_one.second, &known), COMMON);
    let common = first.intersection(&second);
    common
        .map(|window| window.escape_ascii().to_string())
        .collect()
}

type Shape = Vec<(String, Vec<(String, usize)>, usize)>;

/// Paths, names and lengths of headers, lengths of bodies, in order.
fn shape(requests: &[Harvested]) -> Shape {
    let shape = |request: &Harvested| {
        let headers = request.headers.iter().map(|(name, value)| {
            let len = header(name.as_str(), value.as_bytes()).len();
            (name.to_string(), len)
        });
        (request.path.clone(), headers.collect(), request.body.len())
    };
    requests.iter().map(shape).collect()
}

/// The creations, as messages: a frame of gRPC has five bytes before it.
fn creations(requests: &[Harvested]) -> Vec<v1::CreateKeyRequest> {
    let of = requests.iter().filter(|request| request.path == CREATE);
    of.map(|request| v1::CreateKeyRequest::decode_from_slice(&request.body[5..]).unwrap())
        .collect()
}

/// Candidates of four digits of which any digest stands in what was sent.
fn guesses(requests: &[Harvested]) -> Vec<u32> {
    let strings = all_strings(requests);
    let known = &windows(&strings, COMMON) | &windows(&strings, 2 * COMMON);
    let digests = |pin: &[u8]| {
        let length = 4u32.to_be_bytes();
        vec![
            sha256(pin).0.to_vec(),
            sha512(pin).to_vec(),
            Domain::Idempotency.hash(&[pin]).0.to_vec(),
            Domain::SharePayload.hash(&[&length, pin]).0.to_vec(),
            text::base64url(&sha256(pin).0).into_bytes(),
        ]
    };
    let stands = |pin: &u32| {
        let pin = format!("{pin:04}").into_bytes();
        let digests = digests(&pin);
        // A digit of hexadecimal says less than a byte.
        let written = text::hex(&sha256(&pin).0).into_bytes();
        known.contains(&written[..2 * COMMON])
            || digests
                .iter()
                .any(|digest| known.contains(&digest[..COMMON]))
    };
    (0..10_000).filter(stands).collect()
}

fn planted(requests: &[Harvested], leak: &[u8]) -> Vec<Harvested> {
    let mut requests = requests.to_vec();
    let body = requests[0].body.clone();
    requests[0].body = [&body, leak].concat().into();
    requests
}

#[tokio::test(flavor = "multi_thread")]
async fn one_vault_sees_nothing_that_tells_sharing_sibling_or_secret() {
    let owner = Owner::new(false).await;
    // 2 of 3 and 3 of 5; a secret of four digits and a long one of the same class.
    let pin = owner.live("pin", b"4711", 2, 1).await;
    let long = owner.live("long", &[0x42; 200], 3, 3).await;

    assert_eq!(shape(&pin.first), shape(&long.first));
    assert_eq!(shape(&pin.first), shape(&pin.second));
    let paths: BTreeSet<_> = pin.first.iter().map(|r| r.path.as_str()).collect();
    assert!(
        paths.contains(CREATE) && paths.contains(OPERATE),
        "{paths:?}"
    );

    // But for handle, share and idempotency key, all creations are the same bytes.
    let all = [&pin.first, &pin.second, &long.first, &long.second];
    let all: Vec<_> = all
        .iter()
        .flat_map(|requests| creations(requests))
        .collect();
    assert_eq!(all.len(), 4 * 2);
    let handles: BTreeSet<_> = all.iter().map(|creation| creation.handle.clone()).collect();
    assert_eq!(handles.len(), all.len());
    let rest: BTreeSet<_> = all.into_iter().map(without_what_differs).collect();
    assert_eq!(rest.len(), 1);

    assert_eq!(linking(&pin, &long), [""; 0]);
    assert_eq!(linking(&long, &pin), [""; 0]);
    assert!(guesses(&pin.first).is_empty());

    // What is exempt is one and the same for both vaults and both secrets, and tells of none.
    let caller = names(&pin.first);
    assert!(caller.iter().all(|names| names.len() == 1), "{caller:?}");
    for requests in [&pin.second, &long.first, &long.second] {
        assert_eq!(names(requests), caller);
    }

    // The searches find what they are for.
    let set_id = sha256(b"set").0;
    let linked = Seen {
        first: planted(&pin.first, &set_id[..16]),
        second: planted(&pin.second, &set_id[..16]),
    };
    assert!(linking(&linked, &long).len() > 1);
    let named = planted(&pin.first, &sha256(b"4711").0);
    assert_eq!(guesses(&named), [4711]);
    assert_ne!(shape(&planted(&pin.first, b"n")), shape(&pin.first));
}

#[tokio::test(flavor = "multi_thread")]
async fn vaults_with_tokens_of_their_own_see_different_tokens_and_proof_keys_of_one_caller() {
    let owner = Owner::new(true).await;
    let pin = owner.live("pin", b"4711", 2, 1).await;
    let [tokens, keys, subjects] = names(&pin.first);
    let [other_tokens, other_keys, other_subjects] = names(&pin.second);
    for names in [&tokens, &keys, &other_tokens, &other_keys] {
        assert_eq!(names.len(), 1);
    }
    assert!(tokens.is_disjoint(&other_tokens));
    assert!(keys.is_disjoint(&other_keys));
    // The subject is what policies are about.
    assert_eq!(subjects, other_subjects);
    let long = owner.live("long", &[0x42; 200], 3, 3).await;
    assert_eq!(linking(&pin, &long), [""; 0]);
}

fn without_what_differs(mut creation: v1::CreateKeyRequest) -> Vec<u8> {
    assert!(creation.name.is_empty() && creation.labels.is_empty());
    let context = creation.context.as_option().unwrap().clone();
    assert_eq!(context.idempotency_key.len(), 32);
    assert!(!context.approval.is_set() && context.seen.as_option().is_none());
    creation.context = v1::CallContext {
        idempotency_key: String::new(),
        ..context
    }
    .into();
    creation.handle.clear();
    creation.share.clear();
    creation.encode_to_vec()
}
