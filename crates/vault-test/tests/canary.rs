//! A marked plaintext and the tokens of its callers go through a real vault process, and are then
//! looked for in its files, its output, the bytes on the wire, errors and the log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use vault_client::token::{AccessToken, FixedToken};
use vault_client::{Client, CreateKey, Error, ErrorCode, KeyName};
use vault_encoding::text::hex;
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::{Ready, VaultProcess};

/// What must not be found, and the ways in which it could be written.
struct Canary {
    what: &'static str,
    needles: Vec<Vec<u8>>,
}

impl Canary {
    /// Eight bytes of it count: raw, in hex, as Rust prints them, and in base64 at any offset.
    fn of_bytes(what: &'static str, bytes: &[u8]) -> Self {
        let mut needles = Vec::new();
        for part in bytes.chunks_exact(8) {
            needles.push(part.to_vec());
            needles.push(hex(part).into_bytes());
            needles.push(hex(part).to_uppercase().into_bytes());
            needles.push(format!("{part:?}").trim_matches(['[', ']']).into());
        }
        for offset in 0..3 {
            let whole = &bytes[offset..];
            for text in [STANDARD.encode(whole), URL_SAFE_NO_PAD.encode(whole)] {
                needles.push(text.as_bytes()[..20].to_vec());
            }
        }
        Self { what, needles }
    }

    /// Twenty characters of it count.
    fn of_text(what: &'static str, text: &str) -> Self {
        let parts = text.as_bytes().chunks_exact(20);
        Self {
            what,
            needles: parts.map(<[u8]>::to_vec).collect(),
        }
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut by_first: Vec<Vec<&[u8]>> = vec![Vec::new(); 256];
        for needle in &self.needles {
            by_first[usize::from(needle[0])].push(needle);
        }
        (0..bytes.len()).any(|at| {
            let candidates = &by_first[usize::from(bytes[at])];
            candidates.iter().any(|n| bytes[at..].starts_with(n))
        })
    }
}

/// Everything that an outsider could get hold of, by name.
#[derive(Default)]
struct Seen(Vec<(String, Vec<u8>)>);

impl Seen {
    fn files(&mut self, dir: &Path) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.files(&path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                self.0.push((path.display().to_string(), bytes));
            }
        }
    }

    fn keep(&mut self, name: &str, bytes: Vec<u8>) {
        self.0.push((name.to_owned(), bytes));
    }

    fn has(&self, name: &str) -> bool {
        let found = |(seen, bytes): &(String, Vec<u8>)| seen.ends_with(name) && !bytes.is_empty();
        self.0.iter().any(found)
    }

    fn holding(&self, canary: &Canary) -> Vec<&str> {
        let holding = self.0.iter().filter(|(_, bytes)| canary.is_in(bytes));
        holding.map(|(name, _)| name.as_str()).collect()
    }
}

/// Hands on what goes between clients and the vault, and keeps all of it.
struct Relay {
    addr: String,
    kept: Arc<Mutex<Vec<u8>>>,
}

impl Relay {
    async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let all = kept.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&target).await.unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(copy(near_in, far_out, all.clone()));
                tokio::spawn(copy(far_in, near_out, all.clone()));
            }
        });
        Self { addr, kept }
    }
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    kept: Arc<Mutex<Vec<u8>>>,
) {
    let mut buffer = vec![0; 1 << 14];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        kept.lock().unwrap().extend_from_slice(&buffer[..read]);
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // Whoever has gone needs no farewell.
    let _ = to.shutdown().await;
}

fn plaintext() -> [u8; 64] {
    core::array::from_fn(|at| (at as u8).wrapping_mul(151).rotate_left(at as u32 % 5) ^ 0xa7)
}

async fn issuer() -> Issuer {
    let client = |id, role| issuer::Client::new(id, "secret", &[role]);
    let clients = vec![
        client("owner", "vault:owner"),
        client("stranger", "vault:owner"),
        client("auditor", "vault:auditor"),
    ];
    Issuer::start(IssuerConfig::new(clients)).await.unwrap()
}

/// A vault that logs all it can, to the file `stderr`, and stores snapshots early.
fn vault(dir: &Path, issuer: &Issuer) -> VaultProcess {
    let stderr = dir.join("stderr");
    let program = [
        "sh",
        "-c",
        "exec \"$@\" 2>> \"$0\"",
        stderr.to_str().unwrap(),
        env!("CARGO_BIN_EXE_sim-vault"),
    ];
    let vault = VaultProcess::prepare(&program, dir, issuer).unwrap();
    let config = dir.join("vault.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("level = \"warn\"", "level = \"debug\"");
    assert!(text.contains("\"debug\""));
    let text = format!("{text}\n[limits]\nsnapshot_records = 16\n");
    std::fs::write(config, text).unwrap();
    vault
}

/// A client of the vault behind the relay.
async fn client(vault: &VaultProcess, relay: &Relay, who: &str, token: &str) -> Client {
    let at = Ready {
        addr: relay.addr.clone(),
        ..vault.ready().unwrap().clone()
    };
    let tokens = FixedToken(AccessToken::new(token, None));
    let config = vault.client_config(&at, who).unwrap();
    Client::connect(config.tokens(Arc::new(tokens)))
        .await
        .unwrap()
}

async fn new_key(client: &Client, issuer: &Issuer) -> KeyName {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: "owner".into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, KeyType::Aes256Gcm)).unwrap();
    let created = client
        .create_key(CreateKey {
            handle: None,
            key_type: KeyType::Aes256Gcm,
            name: "wrapping".into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        })
        .await
        .unwrap();
    KeyName::from(created.value.handle)
}

/// Wraps and unwraps the marked plaintext, and is refused in every way that comes near it. Gives
/// back what the refusals say.
async fn use_key(owner: &Client, stranger: &Client, key: KeyName) -> Vec<Error> {
    let plain = plaintext();
    let wrapped = owner
        .wrap(key, plain.to_vec(), b"aad".to_vec())
        .await
        .unwrap();
    for _ in 0..20 {
        let opened = owner
            .unwrap(key, wrapped.value.bytes.clone(), b"aad".to_vec())
            .await;
        assert_eq!(opened.unwrap().value.bytes, plain);
    }
    let mut damaged = wrapped.value.bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let refused = [
        owner.unwrap(key, damaged, b"aad".to_vec()).await,
        owner.unwrap(key, plain.to_vec(), Vec::new()).await,
        owner
            .unwrap(key, wrapped.value.bytes.clone(), plain.to_vec())
            .await,
        owner.mac(key, plain.to_vec()).await,
        stranger.wrap(key, plain.to_vec(), Vec::new()).await,
        owner
            .wrap(key, plain.repeat(1 << 15), b"aad".to_vec())
            .await,
    ];
    refused.map(Result::unwrap_err).into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marked_plaintext_and_tokens_are_nowhere_on_disk_wire_output_errors_and_log() {
    let (issuer, dir) = (issuer().await, tempfile::tempdir().unwrap());
    let mut vault = vault(dir.path(), &issuer);
    vault.start().unwrap();
    let relay = Relay::to(vault.ready().unwrap().addr.clone()).await;
    let tokens = ["owner", "stranger", "auditor"].map(|who| issuer.token(who).unwrap());

    let owner = client(&vault, &relay, "owner", &tokens[0]).await;
    let stranger = client(&vault, &relay, "stranger", &tokens[1]).await;
    let auditor = client(&vault, &relay, "auditor", &tokens[2]).await;
    let forged = format!("{}AAAA", &tokens[0][..tokens[0].len() - 4]);
    let forger = client(&vault, &relay, "forger", &forged).await;
    let key = new_key(&owner, &issuer).await;
    let mut errors = use_key(&owner, &stranger, key).await;
    errors.push(forger.whoami().await.unwrap_err());
    let codes: Vec<_> = errors.iter().map(|error| error.code).collect();
    for code in [
        ErrorCode::DecryptionFailed,
        ErrorCode::NotFound,
        ErrorCode::PolicyDenied,
        ErrorCode::TooLarge,
        ErrorCode::Unauthenticated,
    ] {
        assert!(codes.contains(&code), "{code}: {codes:?}");
    }
    let log = auditor.whole_log().await.unwrap();
    assert!(log.leaves.len() > 20);
    owner.delete_key(key).await.unwrap();
    vault.kill().unwrap();

    let mut seen = Seen::default();
    seen.files(dir.path());
    seen.keep("wire", relay.kept.lock().unwrap().clone());
    seen.keep("leaves", log.leaves.concat());
    for error in &errors {
        let text = format!("{error}\n{error:?}\n{}", error.message());
        seen.keep(&format!("error {}", error.code), text.into_bytes());
    }
    for name in [
        "stdout",
        "stderr",
        "root.sealed",
        ".seg",
        "snapshot.sealed",
        "head.json",
        "wire",
    ] {
        assert!(seen.has(name), "{name} is there to be searched");
    }
    let mut canaries = vec![Canary::of_bytes("the plaintext", &plaintext())];
    for token in tokens.iter().chain([&forged]) {
        canaries.extend(of_token(token));
    }
    for canary in &canaries {
        let found = seen.holding(canary);
        assert!(found.is_empty(), "{} is in {found:?}", canary.what);
    }
}

/// Its claims and its signature, as they stand in it and decoded.
fn of_token(token: &str) -> [Canary; 3] {
    let (_, secret) = token.split_once('.').unwrap();
    let (_, signature) = secret.split_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    [
        Canary::of_text("a token", secret),
        Canary::of_text("a token in hex", &hex(secret.as_bytes())),
        Canary::of_bytes("a token's signature", &signature),
    ]
}

#[tokio::test]
async fn a_planted_canary_is_found_on_disk_wire_and_in_text() {
    let plain = plaintext();
    let canary = Canary::of_bytes("the plaintext", &plain);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("below")).unwrap();
    let parts = |text: &str| format!("{{\"message\":\"{text}\"}}").into_bytes();
    let planted = [
        ("raw", [&[0; 5000], &plain[8..16], &[0; 5000]].concat()),
        ("hex", parts(&hex(&plain[16..]))),
        ("upper", parts(&hex(&plain[..24]).to_uppercase())),
        ("printed", parts(&format!("{plain:?}"))),
        ("base64", parts(&STANDARD.encode(plain))),
        (
            "url",
            parts(&URL_SAFE_NO_PAD.encode([&b"ab"[..], &plain].concat())),
        ),
    ];
    for (name, bytes) in &planted {
        std::fs::write(dir.path().join("below").join(name), bytes).unwrap();
    }
    std::fs::write(dir.path().join("clean"), [7; 5000]).unwrap();
    let mut seen = Seen::default();
    seen.files(dir.path());
    seen.keep("wire", through_a_relay(&plain).await);
    seen.keep("encrypted", vec![9; 5000]);
    assert_eq!(seen.holding(&canary).len(), planted.len() + 1);
    let [head, claims] = ["a", "b"].map(|letter| letter.repeat(40));
    let token = format!("{head}.{claims}.{}", URL_SAFE_NO_PAD.encode(plain));
    let line = format!("{{\"authorization\":\"Bearer {token}\"}}");
    let lines = [line.clone(), hex(line.as_bytes()), format!("{plain:?}")];
    for (canary, line) in of_token(&token).iter().zip(lines) {
        assert!(canary.is_in(line.as_bytes()), "{}", canary.what);
        assert!(!canary.is_in(head.as_bytes()), "{}", canary.what);
    }
}

/// What the relay keeps when somebody sends this without TLS.
async fn through_a_relay(bytes: &[u8]) -> Vec<u8> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let relay = Relay::to(listener.local_addr().unwrap().to_string()).await;
    let mut near = TcpStream::connect(&relay.addr).await.unwrap();
    near.write_all(bytes).await.unwrap();
    near.shutdown().await.unwrap();
    let (mut far, _) = listener.accept().await.unwrap();
    let mut arrived = Vec::new();
    far.read_to_end(&mut arrived).await.unwrap();
    assert_eq!(arrived, bytes);
    relay.kept.lock().unwrap().clone()
}
