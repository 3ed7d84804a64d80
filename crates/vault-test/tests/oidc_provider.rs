//! Tokens of a real OpenID provider (npm `oidc-provider`): every algorithm, rotation, dropped
//! keys. Needs `node` and `npm`; packages are those of the lock file, and their scripts never run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;
mod thief;

use serde_json::Value;
use server_wire::{Wire, vault};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use thief::{OPERATE, Thief, UNAUTHENTICATED, WHO_AM_I};
use vault_client::token::{ClientCredentials, Kept, ProofKey, TokenSource, TrustedRoots};
use vault_policy::{KeyHandle, KeyType, OidcSubject, SHARE_CLASSES, TemplateArgs, template};
use vault_proto::v1::ErrorCode;
use vault_test::issuer::tls::Authority;
use vault_test::issuer::{Client, Issuer, IssuerConfig};

const AUDIENCE: &str = "https://vaults.test";

/// The provider as a child process; it ends when its stdin is closed.
struct Provider {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    authority: PathBuf,
    url: String,
}

impl Provider {
    fn start(dir: &Path) -> Self {
        let project = install();
        let authority = Authority::generate().unwrap();
        let (certificate, key) = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
        let file = dir.join("provider-ca.pem");
        std::fs::write(&file, authority.pem()).unwrap();
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .current_dir(project)
            .env("TLS_CERT", certificate)
            .env("TLS_KEY", key)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node starts");
        let mut provider = Self {
            stdin: child.stdin.take().unwrap(),
            stdout: BufReader::new(child.stdout.take().unwrap()),
            child,
            authority: file,
            url: String::new(),
        };
        provider.url = provider.answer()["url"].as_str().unwrap().to_owned();
        provider
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("the provider answers")
    }

    fn tell(&mut self, command: &str) -> Value {
        writeln!(self.stdin, "{command}").unwrap();
        self.answer()
    }

    /// An access token, by the client that gets this algorithm.
    fn token(&self, algorithm: &str) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--cacert"])
            .arg(&self.authority)
            .args(["--user", &format!("{algorithm}:secret")])
            .args(["--data", "grant_type=client_credentials"])
            .args(["--data-urlencode", &format!("resource={AUDIENCE}")])
            .arg(format!("{}/token", self.url))
            .output()
            .expect("curl starts");
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        answer["access_token"].as_str().expect("a token").to_owned()
    }

    /// One more `[[issuers]]`.
    fn settings(&self) -> String {
        format!(
            "\n[[issuers]]\nurl = {:?}\naudience = {AUDIENCE:?}\njwks_uri = \"{}/jwks\"\n\
             roots = {:?}\nmax_key_age = 2\ngrants = [\"vault:owner\"]\n",
            self.url, self.url, self.authority
        )
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The packages of the lock file, in the target folder; once for all tests.
fn install() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(install_packages)
}

fn install_packages() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("oidc-provider");
    let project = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oidc-provider");
    std::fs::create_dir_all(&project).unwrap();
    for name in [
        "package.json",
        "package-lock.json",
        "provider.mjs",
        ".npmrc",
    ] {
        std::fs::copy(source.join(name), project.join(name)).unwrap();
    }
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(&project)
        .stdout(Stdio::null())
        .status()
        .expect("npm starts");
    assert!(status.success(), "npm ci: {status}");
    project
}

fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let bytes = vault_encoding::text::unbase64url(header).unwrap();
    let header: Value = serde_json::from_slice(&bytes).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_is_understood_through_rotation_and_dropped_keys() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new("alice", "s", &["vault:owner"]);
    let issuer = Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap();
    let mut provider = Provider::start(dir.path());
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text + &provider.settings());
    let wire = Wire::connect(dir.path(), &addr).await;
    for algorithm in ["ES256", "EdDSA", "RS256"] {
        let old = provider.token(algorithm);
        let who = wire.who(&old).await.expect(algorithm);
        assert_eq!(
            (who.subject.as_str(), who.issuer),
            (algorithm, provider.url.clone())
        );
        assert_eq!(who.roles, ["vault:owner"]);
        let rotated = provider.tell(&format!("rotate {algorithm}"));
        let new = provider.token(algorithm);
        assert_eq!(
            kid(&new),
            rotated["kid"].as_str().unwrap(),
            "signs with the new key"
        );
        wait_until(&wire, &new, true).await;
        assert!(wire.who(&old).await.is_ok(), "{algorithm}: still published");
        provider.tell(&format!("drop {}", kid(&old)));
        wait_until(&wire, &old, false).await;
        let refused = wire.reason(&old).await;
        let unknown = (ErrorCode::ERROR_CODE_UNAUTHENTICATED, "unknown_key".into());
        assert_eq!(refused, unknown, "{algorithm}");
        assert!(
            wire.who(&new).await.is_ok(),
            "{algorithm}: the new key stays"
        );
    }
    vault.kill().unwrap();
}

/// The SDK's own client of the provider's token endpoint.
fn credentials(provider: &Provider, dir: &Path, per_vault: bool) -> ClientCredentials {
    let secret_file = dir.join("secret");
    std::fs::write(&secret_file, "secret").unwrap();
    ClientCredentials {
        endpoint: format!("{}/token", provider.url).parse().unwrap(),
        client_id: "ES256".into(),
        secret_file,
        scope: None,
        audience: None,
        per_vault,
        sender: ProofKey::default(),
        roots: TrustedRoots::File(provider.authority.clone()),
    }
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&vault_encoding::text::unbase64url(part).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_provider_binds_the_sdks_tokens_and_the_vault_holds_senders_to_it() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new("alice", "s", &["vault:owner"]);
    let issuer = Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap();
    let provider = Provider::start(dir.path());
    let (mut vault, _) = vault(dir.path(), &issuer, |text| text + &provider.settings());
    let ready = vault.ready().unwrap();
    let owner = OidcSubject {
        issuer: provider.url.clone(),
        subject: "ES256".into(),
    };
    let args = TemplateArgs::new(owner, KeyType::RawShare);
    let policy = template("owner", &args).unwrap();
    for (number, per_vault) in [(1, false), (2, true)] {
        let source = credentials(&provider, dir.path(), per_vault);
        let key = source.proof_key_for(ready.pins.vault_id).unwrap();
        let token = source.token_for(ready.pins.vault_id).await.unwrap();
        assert!(token.is_bound(), "token_type is DPoP");
        let said = claims(token.danger_text());
        assert_eq!(said["cnf"]["jkt"], key.thumbprint().unwrap());
        let audience = match per_vault {
            true => ready.pins.vault_id.to_string(),
            false => AUDIENCE.to_owned(),
        };
        assert_eq!(said["aud"], audience);
        let memory = format!("sdk {number}");
        let config = vault.client_config(ready, &memory).unwrap();
        let wire = Thief::connect(&config, None).await;
        for path in [WHO_AM_I, OPERATE] {
            assert_eq!(wire.prove(path, &key, token.danger_text()).await.status, 0);
            let bearer = wire.ask_bearer(path, token.danger_text()).await;
            assert_eq!(bearer.status, UNAUTHENTICATED);
            assert_eq!(bearer.message, "sender refused: proof_required");
        }
        let sdk = vault_client::Client::connect(config.tokens(Arc::new(Kept::new(source))))
            .await
            .unwrap();
        let handle = KeyHandle([number; 16]);
        let share = vec![7; SHARE_CLASSES[0]];
        let canonical = policy.canonical_bytes().to_vec();
        sdk.create_share(handle, canonical, share.clone().into())
            .await
            .unwrap();
        let back = sdk.reconstruct(handle.into()).await.unwrap();
        assert_eq!(*back.value, share);
    }
    vault.kill().unwrap();
}

/// Until the vault has seen what the issuer publishes now: at most its keys' age, or until its
/// fetches are allowed again.
async fn wait_until(wire: &Wire, token: &str, taken: bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while wire.who(token).await.is_ok() != taken {
        assert!(Instant::now() < deadline, "not within a minute");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
