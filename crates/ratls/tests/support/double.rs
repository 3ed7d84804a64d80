//! Servers that are not the vault: one that alters its evidence, and relays that hold its key.

use super::raw::{Accepted, acceptor, connect, exporter, receive, send};
use super::{Enclave, connection, copy};
use ratls::preamble::{ALPN, Batch, Binding, Evidence, Frame, Place, Proof, Reason};
use ratls::{Leaf, Role};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A server with a genuine enclave and a genuine leaf that may alter every Evidence frame.
pub(crate) struct Double {
    pub(crate) address: SocketAddr,
    answers: mpsc::UnboundedReceiver<Option<Frame>>,
}

/// Alters the frame of the connection with this number.
pub(crate) type Alter = Arc<dyn Fn(usize, &mut Evidence) + Send + Sync>;

impl Double {
    pub(crate) async fn start(
        enclave: Enclave,
        leaf: &Leaf,
        alter: impl Fn(usize, &mut Evidence) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (report, answers) = mpsc::unbounded_channel();
        let leaf = Arc::new(copy(leaf));
        let alter: Alter = Arc::new(alter);
        tokio::spawn(async move {
            for number in 0.. {
                let (tcp, _) = listener.accept().await.unwrap();
                let (enclave, leaf) = (enclave.clone(), leaf.clone());
                let (alter, report) = (alter.clone(), report.clone());
                tokio::spawn(async move {
                    let answer = serve(tcp, &enclave, &leaf, |frame| alter(number, frame)).await;
                    report.send(answer).ok();
                });
            }
        });
        Self { address, answers }
    }

    /// What the next client answered to the evidence; `None` if it hung up.
    pub(crate) async fn answer(&mut self) -> Option<Frame> {
        self.answers.recv().await.unwrap()
    }

    /// The reason of that answer.
    pub(crate) async fn reason(&mut self) -> Reason {
        match self.answer().await {
            Some(Frame::Refuse(reason)) => reason,
            other => panic!("not refused: {other:?}"),
        }
    }
}

async fn serve(
    tcp: TcpStream,
    enclave: &Enclave,
    leaf: &Leaf,
    alter: impl FnOnce(&mut Evidence),
) -> Option<Frame> {
    tcp.set_nodelay(true).unwrap();
    let mut stream = acceptor(leaf, &[ALPN]).accept(tcp).await.ok()?;
    let Some(Frame::Hello(hello)) = receive(&mut stream).await else {
        return None;
    };
    let exporter = exporter(stream.get_ref().1, &hello.nonce);
    let proof = prove(enclave, leaf, Role::Vault, &hello.nonce, &exporter);
    let mut evidence = Evidence {
        caller_nonce: [9; 32],
        proof,
    };
    alter(&mut evidence);
    send(&mut stream, &Frame::Evidence(evidence)).await;
    let answer = receive(&mut stream).await;
    if matches!(answer, Some(Frame::Confirm)) {
        send(&mut stream, &Frame::Confirm).await;
        let (mut from, mut to) = tokio::io::split(stream);
        tokio::spawn(async move { tokio::io::copy(&mut from, &mut to).await });
    }
    answer
}

/// Honest evidence for a connection.
pub(crate) fn prove(
    enclave: &Enclave,
    leaf: &Leaf,
    role: Role,
    nonce: &[u8; 32],
    exporter: &[u8; 32],
) -> Proof {
    let connection = connection(role, nonce, exporter, &leaf.claims);
    let batch = Batch::new(&[Binding::new(&connection, &leaf.claims.hash())]);
    let evidence = enclave.quote(batch.report_data()).unwrap();
    Proof {
        claims: leaf.claims.to_bytes(),
        quote: evidence.quote,
        collateral: evidence.collateral,
        place: batch.place(0).unwrap(),
    }
}

/// A place that holds nothing in particular.
pub(crate) fn elsewhere(place: &Place) -> Place {
    let mut place = place.clone();
    place.root.0[0] ^= 1;
    place
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Forwards bytes and cannot read them.
pub(crate) async fn blind_relay(vault: SocketAddr) -> SocketAddr {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        while let Ok((mut from, _)) = listener.accept().await {
            let mut to = TcpStream::connect(vault).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    address
}

/// Holds the leaf's private key: ends TLS at itself, and forwards the preamble and all that
/// follows to the genuine vault.
pub(crate) async fn relay_with_key(vault: SocketAddr, leaf: &Leaf) -> SocketAddr {
    let (listener, address) = listen().await;
    let acceptor = acceptor(leaf, &[ALPN]);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            tcp.set_nodelay(true).unwrap();
            let mut from = acceptor.accept(tcp).await.unwrap();
            let mut to = connect(vault, &[ALPN], None).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    });
    address
}

/// Holds the key too, waits for two clients, and gives each the evidence made for the other.
pub(crate) async fn crossing_relay(vault: SocketAddr, leaf: &Leaf) -> SocketAddr {
    let (listener, address) = listen().await;
    let acceptor = acceptor(leaf, &[ALPN]);
    tokio::spawn(async move {
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (tcp, _) = listener.accept().await.unwrap();
            tcp.set_nodelay(true).unwrap();
            let mut client: Accepted = acceptor.accept(tcp).await.unwrap();
            let mut upstream = connect(vault, &[ALPN], None).await.unwrap();
            send(&mut upstream, &receive(&mut client).await.unwrap()).await;
            let evidence = receive(&mut upstream).await.unwrap();
            ends.push((client, upstream, evidence));
        }
        let [(mut a, _up_a, for_a), (mut b, _up_b, for_b)] = <[_; 2]>::try_from(ends).ok().unwrap();
        send(&mut a, &for_b).await;
        send(&mut b, &for_a).await;
        // Until both have said what they think of it.
        receive(&mut a).await;
        receive(&mut b).await;
    });
    address
}
