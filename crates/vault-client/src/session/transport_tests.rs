//! What goes out over one connection when a token is bound to a key.

use super::*;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::sync::Mutex;

type Sent = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// A transport to a server that keeps what it is sent, and names a nonce in every answer.
async fn transport(key: Option<ProofKey>) -> (Transport, Sent) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let sent = Sent::default();
    let kept = sent.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let (parts, _) = request.into_parts();
        let seen = (parts.uri.path().to_owned(), parts.headers);
        kept.lock().unwrap().push(seen);
        let answer = Response::builder().header("dpop-nonce", "this connection's");
        async move { Ok::<_, Infallible>(answer.body(Full::new(Bytes::new())).unwrap()) }
    });
    tokio::spawn(
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(theirs), answer),
    );
    (Transport::begin(ours, key).await.unwrap(), sent)
}

async fn send(transport: &Transport, authorization: &str) {
    let request = Request::post("https://vault/service/Method")
        .header(AUTHORIZATION, authorization)
        .body(
            Full::new(Bytes::new())
                .map_err(|never| match never {})
                .boxed(),
        )
        .unwrap();
    transport.send(request).await.unwrap();
}

fn claims(headers: &HeaderMap) -> serde_json::Value {
    let proof = headers["dpop"].to_str().unwrap();
    let part = proof.split('.').nth(1).unwrap();
    serde_json::from_slice(&vault_encoding::text::unbase64url(part).unwrap()).unwrap()
}

#[tokio::test]
async fn the_nonce_is_asked_for_once_and_every_call_has_a_proof_of_its_own() {
    let (transport, sent) = transport(Some(ProofKey::default())).await;
    tokio::join!(send(&transport, "DPoP abc"), send(&transport, "DPoP abc"));
    send(&transport, "DPoP abc").await;
    let sent = sent.lock().unwrap();
    let paths: Vec<_> = sent.iter().map(|(path, _)| path.as_str()).collect();
    let call = "/service/Method";
    assert_eq!(paths, [ASK, call, call, call]);
    assert!(
        !sent[0].1.contains_key(AUTHORIZATION),
        "asked of nobody in particular"
    );
    let proofs: Vec<_> = sent[1..]
        .iter()
        .map(|(_, headers)| claims(headers))
        .collect();
    for proof in &proofs {
        assert_eq!(proof["htu"], "https://vault/service/Method");
        assert_eq!(proof["nonce"], "this connection's");
    }
    assert_ne!(proofs[0]["jti"], proofs[1]["jti"]);
    assert_ne!(proofs[1]["jti"], proofs[2]["jti"]);
}

#[tokio::test]
async fn a_bearer_token_is_sent_as_it_is() {
    for key in [None, Some(ProofKey::default())] {
        let (transport, sent) = transport(key).await;
        send(&transport, "Bearer abc").await;
        let sent = sent.lock().unwrap();
        assert_eq!(sent.len(), 1);
        assert!(!sent[0].1.contains_key("dpop"));
    }
}
