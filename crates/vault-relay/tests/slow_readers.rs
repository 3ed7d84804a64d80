//! Clients that ask for much and read nothing of it: what lies ready for them is counted.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use vault_relay::{Relay, RelayConfig};

const LONGEST: Duration = Duration::from_secs(30);
const BUNDLE: usize = 400 << 10;
const STREAMS: u32 = 8;

struct Running {
    addr: SocketAddr,
    _stop: oneshot::Sender<()>,
}

/// A relay by whose bounds two bundles are on the way to one source, and four to all.
async fn start() -> Running {
    let mut config = RelayConfig::at("127.0.0.1:0".parse().unwrap());
    config.limits.bytes_on_the_way = 2 << 20;
    let relay = Relay::bind(&config).await.unwrap();
    let addr = relay.addr();
    let (stop, stopped) = oneshot::channel();
    tokio::spawn(relay.serve(async move {
        let _ = stopped.await;
    }));
    Running { addr, _stop: stop }
}

impl Running {
    /// Head and body of the answer.
    async fn send(&self, method: &str, path: &str, body: &str) -> (String, String) {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let asked = async {
            let mut tcp = TcpStream::connect(self.addr).await.unwrap();
            tcp.write_all(request.as_bytes()).await.unwrap();
            let mut said = String::new();
            tcp.read_to_string(&mut said).await.unwrap();
            said
        };
        let said = timeout(LONGEST, asked).await.expect("an answer in time");
        let (head, body) = said.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    async fn posted(&self) -> String {
        let note = "x".repeat(BUNDLE);
        let bundle =
            json!({ "format": "enclave-vaults/approval-bundle/v1", "context": { "note": note } });
        let mailbox = "01".repeat(32);
        let posting = json!({ "mailboxes": [mailbox], "bundle": bundle, "ttl": 60 });
        let (head, body) = self
            .send("POST", "/v1/requests", &posting.to_string())
            .await;
        assert!(head.starts_with("HTTP/1.1 201"), "{head}");
        let listed: Value = serde_json::from_str(&body).unwrap();
        format!("/v1/requests/{}", listed["id"].as_str().unwrap())
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Asks for the path on every stream of one HTTP/2 connection, and lets the relay send `window`
/// bytes on each. Returns the connection and how many streams were answered with 200.
async fn ask_and_stall(addr: SocketAddr, path: &str, window: u32) -> (TcpStream, usize) {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let initial_window = [&[0, 4][..], &window.to_be_bytes()].concat();
    said.extend(frame(4, 0, 0, &initial_window));
    for at in 0..STREAMS {
        // HPACK: GET, http, and path and authority as literals that are not indexed.
        let mut headers = vec![0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        headers.extend(path.as_bytes());
        headers.extend([0x01, 9]);
        headers.extend(b"localhost");
        said.extend(frame(1, 0x05, 2 * at + 1, &headers));
    }
    tcp.write_all(&said).await.unwrap();
    let answered = async {
        let (mut answers, mut good) = (0, 0);
        while answers < STREAMS {
            let mut head = [0; 9];
            tcp.read_exact(&mut head).await.unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            tcp.read_exact(&mut payload).await.unwrap();
            if head[3] == 1 {
                answers += 1;
                // `:status: 200` stands in the static table.
                good += usize::from(payload[0] == 0x88);
            }
        }
        good
    };
    let good = timeout(LONGEST, answered).await.expect("answers in time");
    (tcp, good)
}

#[tokio::test]
async fn what_is_not_read_is_not_made_again_and_again() {
    let relay = start().await;
    let path = relay.posted().await;
    for window in [0, 1, 100 << 10] {
        let (connection, good) = ask_and_stall(relay.addr, &path, window).await;
        assert_eq!(good, 2, "with a window of {window}");
        let (again, none) = ask_and_stall(relay.addr, &path, window).await;
        assert_eq!(none, 0, "other connections of this source count as well");
        let (head, body) = relay.send("GET", &path, "").await;
        assert!(head.starts_with("HTTP/1.1 429"), "{head}");
        assert!(head.to_lowercase().contains("retry-after: 1"), "{head}");
        assert!(body.contains("too_many"), "{body}");
        let (head, _) = relay.send("GET", "/app.js", "").await;
        assert!(head.starts_with("HTTP/1.1 200"), "the page is there");
        drop((connection, again));
        let freed = async {
            while !relay
                .send("GET", &path, "")
                .await
                .0
                .starts_with("HTTP/1.1 200")
            {}
        };
        timeout(LONGEST, freed)
            .await
            .expect("room once nobody waits");
    }
}
