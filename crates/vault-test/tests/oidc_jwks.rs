//! Issuers whose keys cannot be fetched as they must be: each beside the same issuer that behaves.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod server_wire;

use server_wire::{Wire, vault};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use vault_proto::v1::ErrorCode;
use vault_test::issuer::tls::Authority;
use vault_test::issuer::{Algorithm, Client, Issuer, IssuerConfig, SigningKey, sign};

/// How an issuer serves its keys.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Manner {
    Good,
    /// TLS under an authority that the vault was not told of.
    RogueAuthority,
    /// The right authority, another host's certificate.
    WrongHost,
    /// To the very same keys.
    Redirect,
    /// 300 KiB of spaces before the document.
    Huge,
    /// Bytes for ever, one after another.
    Endless,
    NotJson,
    /// The document also holds a symmetric key.
    Secret,
    /// The connection breaks off in the middle.
    Short,
}

impl Manner {
    const BAD: [Self; 8] = [
        Self::RogueAuthority,
        Self::WrongHost,
        Self::Redirect,
        Self::Huge,
        Self::Endless,
        Self::NotJson,
        Self::Secret,
        Self::Short,
    ];
}

struct Site {
    url: String,
    settings: String,
    key: Arc<SigningKey>,
}

impl Site {
    async fn start(manner: Manner) -> Self {
        let told = Authority::generate().unwrap();
        let acceptor = match manner {
            Manner::RogueAuthority => Authority::generate().unwrap().acceptor().unwrap(),
            Manner::WrongHost => told.acceptor_for(&["elsewhere.test"]).unwrap(),
            _ => told.acceptor().unwrap(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let key = Arc::new(SigningKey::generate(Algorithm::EdDsa).unwrap());
        let published = serde_json::json!({ "keys": [key.jwk()] }).to_string();
        let settings = format!(
            "\n[[issuers]]\nurl = {url:?}\naudience = \"a\"\njwks_uri = \"{url}/jwks\"\n\
             roots = '''{}'''\ngrants = [\"vault:owner\"]\n",
            told.pem()
        );
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                if let Ok(tls) = acceptor.accept(tcp).await {
                    tokio::spawn(answer(tls, manner, published.clone()));
                }
            }
        });
        Self { url, settings, key }
    }

    fn token(&self) -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = since.as_secs();
        let header = format!(
            r#"{{"alg":"EdDSA","kid":"{}","typ":"at+jwt"}}"#,
            self.key.kid()
        );
        let claims = serde_json::json!({
            "iss": self.url, "sub": "s", "aud": "a", "iat": now, "exp": now + 3600,
        });
        sign(&header, &claims.to_string(), &self.key)
    }
}

type Tls = tokio_rustls::server::TlsStream<tokio::net::TcpStream>;

async fn answer(mut tls: Tls, manner: Manner, published: String) {
    let mut request = vec![0; 4096];
    let length = tls.read(&mut request).await.unwrap_or(0);
    let asked = String::from_utf8_lossy(&request[..length]).into_owned();
    let ok = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let text = match manner {
        Manner::Redirect if asked.starts_with("GET /jwks ") => {
            "HTTP/1.1 302 Found\r\nlocation: /keys\r\ncontent-length: 0\r\n\r\n".to_owned()
        }
        Manner::Huge => ok(&(" ".repeat(300 << 10) + &published)),
        Manner::Endless => "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n".to_owned(),
        Manner::NotJson => ok("<html></html>"),
        Manner::Secret => ok(&published.replace("]}", r#",{"kty":"oct","kid":"x","k":"AA"}]}"#)),
        Manner::Short => {
            let length = published.len() + 1;
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{published}")
        }
        _ => ok(&published),
    };
    let _ = tls.write_all(text.as_bytes()).await;
    let _ = tls.flush().await;
    while manner == Manner::Endless && tls.write_all(b" ").await.is_ok() {
        let _ = tls.flush().await;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let _ = tls.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_come_over_the_configured_tls_in_one_bounded_answer_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::new("alice", "s", &["vault:owner"]);
    let issuer = Issuer::start(IssuerConfig::new(vec![client]))
        .await
        .unwrap();
    let good = Site::start(Manner::Good).await;
    let mut bad = Vec::new();
    for manner in Manner::BAD {
        bad.push((manner, Site::start(manner).await));
    }
    let mut settings = good.settings.clone();
    for (_, site) in &bad {
        settings += &site.settings;
    }
    let (mut vault, addr) = vault(dir.path(), &issuer, |text| text + &settings);
    let wire = Wire::connect(dir.path(), &addr).await;
    assert_eq!(wire.who(&good.token()).await.unwrap().subject, "s");
    for (manner, site) in &bad {
        let (code, message) = wire.reason(&site.token()).await;
        assert_eq!(
            code,
            ErrorCode::ERROR_CODE_ISSUER_UNAVAILABLE,
            "{manner:?}: {message}"
        );
    }
    assert!(
        wire.who(&good.token()).await.is_ok(),
        "the others did no harm"
    );
    vault.kill().unwrap();
}
