//! Reading a log in stretches, from anywhere, and on from where one was.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod operating;

use operating::{issuer, keys, vault};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vault_audit::Frontier;
use vault_client::token::{ProofKey, TokenFuture, TokenSource};
use vault_client::{Client, Error, ErrorCode, Input, LogReader, SeenHead};
use vault_encoding::sha256;
use vault_policy::KeyType;

/// Everything up to the head, from where the reader is.
async fn rest(reader: &mut LogReader) -> Vec<Vec<u8>> {
    let mut leaves = Vec::new();
    while let Some(page) = reader.next(u64::MAX).await.unwrap() {
        leaves.extend(page.leaves);
    }
    leaves
}

/// Goes on where a reader was, with another head or other entries than those it had.
async fn resumed(client: &Client, frontier: Frontier, head: Option<SeenHead>) -> ErrorCode {
    let mut reader = LogReader::resume(client.clone(), frontier, head);
    let failed = match reader.advance().await {
        Ok(_) => match reader.check().await {
            Ok(()) => reader.next(u64::MAX).await.map(drop),
            failed => failed,
        },
        Err(error) => Err(error),
    };
    failed.unwrap_err().code
}

#[tokio::test(flavor = "multi_thread")]
async fn every_stretch_from_everywhere_is_the_log_and_a_false_past_is_refused() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let owner = vault.client(&issuer, "owner").await.unwrap();
    let keys = keys(&owner, &issuer).await;
    let sign = || async {
        let input = Input::Message(b"m".to_vec());
        owner.sign(keys[&KeyType::P256Signing], input, true).await
    };
    for _ in 0..12 {
        sign().await.unwrap();
    }
    let auditor = vault.client(&issuer, "auditor").await.unwrap();
    let log = auditor.whole_log().await.unwrap();
    let size = log.head.size;
    assert!(size > 12);
    let mut read = 0;
    for stretch in [1, 2, 3, 7, size, 2 * size] {
        for from in 0..size {
            let mut reader = LogReader::new(auditor.clone()).stretch(stretch);
            assert_eq!(reader.advance().await.unwrap().size, size);
            reader.seek(from).await.unwrap();
            let first = reader.next(from + 1).await.unwrap().unwrap();
            assert_eq!(first.leaves, log.leaves[from as usize..=from as usize]);
            assert_eq!(rest(&mut reader).await, log.leaves[from as usize + 1..]);
            assert_eq!(reader.position().unwrap().frontier.root(), log.head.root);
            read += 1;
        }
    }
    println!("{read} ways to read a log of {size} entries");

    // On from where one was, after the log has grown.
    let mut reader = LogReader::new(auditor.clone()).stretch(5);
    reader.advance().await.unwrap();
    reader.next(u64::MAX).await.unwrap().unwrap();
    let at = reader.position().unwrap();
    sign().await.unwrap();
    let mut again = LogReader::resume(auditor.clone(), at.frontier.clone(), Some(at.head.clone()));
    let head = again.advance().await.unwrap();
    assert_eq!((again.next_index(), head.size), (5, size + 1));
    assert_eq!(rest(&mut again).await.len() as u64, size + 1 - 5);

    // Another past than the vault's: other entries, a head that never was, and a later one.
    let (frontier, head) = (at.frontier, at.head);
    let mut other = Frontier::new();
    (0..5u8).for_each(|leaf| other.push(sha256(&[leaf])));
    let code = resumed(&auditor, other, Some(head.clone())).await;
    assert_eq!(code, ErrorCode::ReceiptInvalid);
    let root = sha256(b"another");
    let forked = SeenHead {
        root,
        ..head.clone()
    };
    // Evidence stops its finder, so each is found by another one.
    let finder = async |memory| {
        let tokens = issuer.token_source("auditor").unwrap();
        let config = vault.client_config(vault.ready().unwrap(), memory).unwrap();
        Client::connect(config.tokens(tokens)).await.unwrap()
    };
    let first = finder("first").await;
    let code = resumed(&first, frontier.clone(), Some(forked)).await;
    assert_eq!(code, ErrorCode::ForkDetected);
    assert_eq!(first.checkpoint().await.unwrap_err().code, code);
    let size = size + 9;
    let later = SeenHead { size, ..head };
    let second = finder("second").await;
    let code = resumed(&second, frontier, Some(later)).await;
    assert_eq!(code, ErrorCode::RollbackDetected);
}

/// Tokens, as long as some are left: without one a call ends as if its connection had been cut.
struct Tokens {
    source: Arc<dyn TokenSource>,
    left: AtomicUsize,
}

impl TokenSource for Tokens {
    fn token(&self) -> TokenFuture<'_> {
        let take = |left: usize| left.checked_sub(1);
        let taken = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        match taken {
            Ok(_) => self.source.token(),
            Err(_) => Box::pin(async { Err(Error::new(ErrorCode::Unavailable)) }),
        }
    }

    fn proof_key(&self) -> Option<ProofKey> {
        self.source.proof_key()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_is_evidence_though_the_vault_is_not_reached_any_more() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    for code in [ErrorCode::RollbackDetected, ErrorCode::ForkDetected] {
        let tokens = Arc::new(Tokens {
            source: issuer.token_source("auditor").unwrap(),
            left: AtomicUsize::new(100),
        });
        let memory = format!("{code:?}");
        let config = vault
            .client_config(vault.ready().unwrap(), &memory)
            .unwrap();
        let client = Client::connect(config.tokens(tokens.clone()))
            .await
            .unwrap();
        client.checkpoint().await.unwrap();
        let before = tokens.left.load(Ordering::Relaxed);
        let head = client.checkpoint().await.unwrap();
        let one_call = before - tokens.left.load(Ordering::Relaxed);

        let known = match code {
            ErrorCode::RollbackDetected => SeenHead {
                size: head.size + 9,
                ..head
            },
            _ => SeenHead {
                root: sha256(b"another"),
                ..head
            },
        };
        tokens.left.store(one_call, Ordering::Relaxed);
        let mut reader = LogReader::resume(client.clone(), Frontier::new(), Some(known));
        let error = reader.advance().await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        let heads = error.heads.clone().expect("both heads");
        assert!(heads.evidence.expect("evidence").exists());
    }
}
