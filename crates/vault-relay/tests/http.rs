//! The relay over HTTP: paths, headers, bounds, and a clock of the test's own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use vault_relay::{Relay, RelayConfig};

const MAILBOX: &str = "0101010101010101010101010101010101010101010101010101010101010101";
const LONGEST: Duration = Duration::from_secs(30);

struct Running {
    addr: SocketAddr,
    clock: Arc<AtomicU64>,
    _stop: oneshot::Sender<()>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect(&self.body)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn start(change: impl FnOnce(&mut RelayConfig)) -> Running {
    let mut config = RelayConfig::at("127.0.0.1:0".parse().unwrap());
    change(&mut config);
    let clock = Arc::new(AtomicU64::new(1000));
    let told = clock.clone();
    let now = Arc::new(move || told.load(Ordering::SeqCst));
    let relay = Relay::bind_at(&config, now).await.unwrap();
    let addr = relay.addr();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(relay.serve(async move {
        let _ = stopped.await;
    }));
    Running {
        addr,
        clock,
        _stop: stop,
    }
}

impl Running {
    async fn raw(&self, request: &[u8]) -> Answer {
        let asked = async {
            let mut tcp = TcpStream::connect(self.addr).await.unwrap();
            // Who is refused early may find the connection closed while still sending.
            let _ = tcp.write_all(request).await;
            let mut said = Vec::new();
            let _ = tcp.read_to_end(&mut said).await;
            String::from_utf8(said).unwrap()
        };
        let said = timeout(LONGEST, asked).await.expect("an answer in time");
        let (head, body) = said.split_once("\r\n\r\n").expect("an HTTP answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    async fn send(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n{body}",
            self.addr.port()
        );
        self.raw(request.as_bytes()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "").await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = "Content-Type: application/json\r\n";
        self.send("POST", path, headers, &body.to_string()).await
    }
}

fn bundle(note: &str) -> Value {
    json!({ "format": "enclave-vaults/approval-bundle/v1", "context": { "note": note } })
}

fn answer(challenge: &str) -> Value {
    json!({
        "format": "enclave-vaults/approval-answer/v1", "decision": "refuse", "challenge": challenge,
    })
}

fn request(note: &str, ttl: u64) -> Value {
    json!({ "mailboxes": [MAILBOX], "bundle": bundle(note), "ttl": ttl })
}

#[tokio::test]
async fn a_request_goes_to_a_mailbox_is_answered_and_expires() {
    let relay = start(|_| {}).await;
    let posted = relay.post("/v1/requests", &request("hello", 60)).await;
    assert_eq!(posted.status, 201, "{}", posted.body);
    let listed = posted.json();
    let id = listed["id"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), &listed["expires_at"]), (26, &json!(1060)));
    let inbox = relay.get(&format!("/v1/mailboxes/{MAILBOX}")).await.json();
    assert_eq!(inbox, json!({ "requests": [listed] }));
    let path = format!("/v1/requests/{id}");
    assert_eq!(relay.get(&path).await.json(), bundle("hello"));
    let answers = format!("{path}/answers");
    assert_eq!(relay.get(&answers).await.json(), json!({ "answers": [] }));
    for challenge in ["a", "b", "a"] {
        let sent = relay.post(&answers, &answer(challenge)).await;
        assert_eq!((sent.status, sent.body.as_str()), (204, ""));
    }
    let both = json!({ "answers": [answer("a"), answer("b")] });
    assert_eq!(relay.get(&answers).await.json(), both);
    relay.clock.store(1059, Ordering::SeqCst);
    assert_eq!(relay.get(&path).await.status, 200);
    relay.clock.store(1060, Ordering::SeqCst);
    assert_eq!(relay.get(&path).await.status, 404);
    assert_eq!(relay.get(&answers).await.status, 404);
    assert_eq!(relay.post(&answers, &answer("c")).await.status, 404);
    let empty = relay.get(&format!("/v1/mailboxes/{MAILBOX}")).await.json();
    assert_eq!(empty, json!({ "requests": [] }));
}

#[tokio::test]
async fn every_answer_has_the_headers_of_the_page() {
    let relay = start(|config| config.simulated = true).await;
    for path in [
        "/",
        "/app.js",
        "/sw.js",
        "/v1/about",
        "/nothing",
        "/v1/nothing",
        "/../x",
    ] {
        let answer = relay.get(path).await;
        let policy = answer.header("content-security-policy").unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let page = relay.get("/").await;
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        page.body
            .contains("<script type=\"module\" src=\"/app.js\">")
    );
    assert!(!page.body.contains("style=") && !page.body.contains("onclick"));
    let about = relay.get("/v1/about").await;
    assert_eq!(
        about.json(),
        json!({ "simulated": true, "longest_ttl": 86400 })
    );
    assert_eq!(about.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn unknown_paths_methods_and_ids_are_refused() {
    let relay = start(|_| {}).await;
    let upper = MAILBOX.replace('1', "A");
    for path in [
        "/x",
        "/v1",
        "/v1/",
        "/v1/requests",
        "/v1/requests/",
        "/v1/requests/aaaaaaaaaaaaaaaaaaaaaaaaaa",
        "/v1/requests/AAAA",
        "/v1/requests/aaaaaaaaaaaaaaaaaaaaaaaaaa/answers",
        "/v1/requests/aaaaaaaaaaaaaaaaaaaaaaaaaa/answers/x",
        "/v1/mailboxes/00",
        &format!("/v1/mailboxes/{upper}"),
        "/v1/mailboxes",
        "//",
        "/%2e%2e/Cargo.toml",
    ] {
        let answer = relay.get(path).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (404, &json!("not_found")),
            "{path}"
        );
    }
    for (method, path) in [
        ("PUT", "/v1/requests"),
        ("DELETE", "/v1/requests/aaaaaaaaaaaaaaaaaaaaaaaaaa"),
        ("POST", "/"),
        ("POST", "/v1/mailboxes/00"),
        ("OPTIONS", "/v1/requests"),
    ] {
        let answer = relay.send(method, path, "", "").await;
        assert_eq!(answer.status, 405, "{method} {path}");
    }
}

#[tokio::test]
async fn what_is_too_long_or_hostile_is_refused() {
    let relay = start(|_| {}).await;
    let fine = relay
        .post("/v1/requests", &request(&"x".repeat(500 << 10), 60))
        .await;
    assert_eq!(fine.status, 201);
    let long = relay
        .post("/v1/requests", &request(&"x".repeat(520 << 10), 60))
        .await;
    assert_eq!(long.status, 413);
    // A length that is not given is bounded while it comes.
    let head = "POST /v1/requests HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut chunked = Vec::from(head);
    for _ in 0..9 {
        chunked.extend_from_slice(b"10000\r\n");
        chunked.extend_from_slice(&[b' '; 0x10000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    assert_eq!(relay.raw(&chunked).await.status, 413);
    let json = "Content-Type: application/json\r\n";
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "[]",
        "{\"mailboxes\":[],\"mailboxes\":[]}",
        &deep,
        "\u{0}",
        "nan",
    ] {
        let answer = relay.send("POST", "/v1/requests", json, body).await;
        assert_eq!(
            (answer.status, &answer.json()["error"]),
            (400, &json!("body")),
            "{body:.60}"
        );
    }
    let id = fine.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/requests/{id}/answers");
    assert_eq!(relay.post(&path, &bundle("no answer")).await.status, 400);
    assert_eq!(
        relay
            .post(&path, &answer(&"x".repeat(70 << 10)))
            .await
            .status,
        413
    );
}

#[tokio::test]
async fn pages_of_other_sites_get_nothing() {
    let relay = start(|_| {}).await;
    let body = request("x", 60).to_string();
    for media in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/jsonx\r\n",
    ] {
        assert_eq!(
            relay
                .send("POST", "/v1/requests", media, &body)
                .await
                .status,
            415
        );
    }
    let json = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(
        relay.send("POST", "/v1/requests", json, &body).await.status,
        201
    );
    for site in ["cross-site", "same-site"] {
        let headers = format!("{json}Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: cors\r\n");
        assert_eq!(
            relay
                .send("POST", "/v1/requests", &headers, &body)
                .await
                .status,
            403
        );
        let link = format!("Sec-Fetch-Site: {site}\r\nSec-Fetch-Mode: navigate\r\n");
        assert_eq!(relay.send("GET", "/", &link, "").await.status, 200);
    }
    let led = b"GET /v1/about HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    assert_eq!(relay.raw(led).await.status, 421);
    let named = start(|config| config.hosts = vec!["approve.example.com".into()]).await;
    assert_eq!(named.get("/").await.status, 421);
}

#[tokio::test]
async fn behind_a_proxy_who_asks_is_whom_it_names() {
    let post = async |relay: &Running, forwarded: &str| {
        let headers = format!("Content-Type: application/json\r\nX-Forwarded-For: {forwarded}\r\n");
        let body = request(forwarded, 60).to_string();
        relay
            .send("POST", "/v1/requests", &headers, &body)
            .await
            .status
    };
    let behind = start(|config| {
        config.proxy = Some("127.0.0.1".parse().unwrap());
        config.limits.requests_per_source = 1;
    })
    .await;
    assert_eq!(post(&behind, "192.0.2.1").await, 201);
    assert_eq!(post(&behind, "192.0.2.1").await, 429);
    assert_eq!(post(&behind, "192.0.2.2, 192.0.2.1").await, 429);
    assert_eq!(post(&behind, "192.0.2.2").await, 201);
    let open = start(|config| config.limits.requests_per_source = 1).await;
    assert_eq!(post(&open, "192.0.2.1").await, 201);
    assert_eq!(post(&open, "192.0.2.2").await, 429, "a header of a client");
}

#[tokio::test]
async fn who_asks_for_too_much_is_told_when_to_come_back() {
    let relay = start(|config| config.limits.requests_per_mailbox = 1).await;
    assert_eq!(
        relay.post("/v1/requests", &request("a", 40)).await.status,
        201
    );
    relay.clock.store(1010, Ordering::SeqCst);
    let full = relay.post("/v1/requests", &request("b", 40)).await;
    assert_eq!((full.status, full.header("retry-after")), (429, Some("30")));
    relay.clock.store(1040, Ordering::SeqCst);
    assert_eq!(
        relay.post("/v1/requests", &request("b", 40)).await.status,
        201
    );
    let fast = start(|config| config.limits.requests_per_second = 2).await;
    assert_eq!(fast.get("/v1/about").await.status, 200);
    assert_eq!(fast.get("/v1/about").await.status, 200);
    let third = fast.get("/v1/about").await;
    assert_eq!(
        (third.status, third.header("retry-after")),
        (429, Some("1"))
    );
    fast.clock.store(1001, Ordering::SeqCst);
    assert_eq!(fast.get("/v1/about").await.status, 200);
}
