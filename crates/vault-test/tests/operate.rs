//! `Operate` and `Batch` of a running vault, below the SDK.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod operate_wire;
mod operating;

use operate_wire::{Refused, Wire, bearer, key_ref, mac, numbered, public_key, sign};
use operating::{issuer, keys, vault};
use std::collections::{BTreeMap, BTreeSet};
use vault_client::{Client, KeyName};
use vault_policy::{KeyHandle, KeyType, Lineage};
use vault_proto::v1::__buffa::oneof::operate_request::Call;
use vault_proto::v1::__buffa::oneof::operate_response::Outcome;
use vault_proto::v1::{self, ErrorCode};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_answered_once_under_its_id_whatever_comes_first() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let mut stream = wire.open(Some(&token)).await;
    // More than are taken at once, in an order that is not that of the ids.
    let ids: Vec<u64> = (0..600).map(|number| (number * 7919) % 10_007).collect();
    let sent = ids.clone();
    let (sign_key, mac_key) = (keys[&KeyType::P256Signing], keys[&KeyType::HmacSha256]);
    let mut sending = stream.sending;
    let sender = tokio::spawn(async move {
        for id in sent {
            let message = id.to_be_bytes();
            let call = match id % 4 {
                0 => Some(Call::Sign(sign(sign_key, &message).into())),
                1 => Some(Call::Mac(mac(mac_key, &message).into())),
                2 => Some(Call::GetPublicKey(public_key(sign_key).into())),
                _ => None,
            };
            let message = v1::OperateRequest {
                id,
                call,
                ..Default::default()
            };
            sending.send(message).await.unwrap();
        }
        sending.close_send();
    });
    let mut answered = BTreeSet::new();
    while let Some(answer) = stream
        .receiving
        .message::<v1::OperateResponse>()
        .await
        .unwrap()
    {
        let answer = answer.to_owned_message();
        let good = match (answer.id % 4, answer.outcome.unwrap()) {
            (0, Outcome::Sign(_)) | (1, Outcome::Mac(_)) | (2, Outcome::GetPublicKey(_)) => true,
            (3, Outcome::Error(error)) => {
                Refused::of_outcome(&error).code == ErrorCode::ERROR_CODE_INVALID_ARGUMENT
            }
            _ => false,
        };
        assert!(good, "{}", answer.id);
        assert!(answered.insert(answer.id), "{} twice", answer.id);
    }
    sender.await.unwrap();
    assert_eq!(answered, ids.into_iter().collect());
}

/// Calls that a vault refuses, each in its own way.
fn refused(keys: &BTreeMap<KeyType, KeyName>) -> Vec<(&'static str, Call)> {
    let (p256, hmac, aes) = (
        keys[&KeyType::P256Signing],
        keys[&KeyType::HmacSha256],
        keys[&KeyType::Aes256Gcm],
    );
    let unknown = KeyName::from(KeyHandle([9; 16]));
    let other = KeyName {
        lineage: Some(Lineage(vault_encoding::sha256(b"another"))),
        ..p256
    };
    let mut without_format = sign(p256, b"a");
    without_format.format = v1::SignatureFormat::SIGNATURE_FORMAT_UNSPECIFIED.into();
    let mut short = sign(p256, b"a");
    short.input = Some(v1::__buffa::oneof::sign_request::Input::Digest(vec![1; 31]));
    let mut long_name = sign(p256, b"a");
    long_name.context = v1::CallContext {
        idempotency_key: "k".repeat(65),
        ..Default::default()
    }
    .into();
    let mut rolled = sign(p256, b"a");
    rolled.context = v1::CallContext {
        seen: v1::SeenHead {
            vault_id: vec![1; 31],
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
    .into();
    let forged = v1::UnwrapRequest {
        key: key_ref(aes).into(),
        ciphertext: vec![1; 100],
        ..Default::default()
    };
    vec![
        ("an unknown key", Call::Sign(sign(unknown, b"a").into())),
        ("another lineage", Call::Sign(sign(other, b"a").into())),
        ("no key", Call::Sign(v1::SignRequest::default().into())),
        ("no format", Call::Sign(without_format.into())),
        ("a short digest", Call::Sign(short.into())),
        ("a long idempotency key", Call::Sign(long_name.into())),
        ("a short vault id", Call::Sign(rolled.into())),
        ("a key of another type", Call::Sign(sign(hmac, b"a").into())),
        ("a signing key for tags", Call::Mac(mac(p256, b"a").into())),
        ("a forged ciphertext", Call::Unwrap(forged.into())),
        (
            "a public key of none",
            Call::GetPublicKey(public_key(aes).into()),
        ),
    ]
}

async fn alone(client: &v1::CryptoServiceClient<Wire>, token: &str, call: Call) -> Refused {
    let options = bearer(Some(token));
    let refused = match call {
        Call::Sign(call) => client.sign_with_options(*call, options).await.err(),
        Call::Mac(call) => client.mac_with_options(*call, options).await.err(),
        Call::Unwrap(call) => client.unwrap_with_options(*call, options).await.err(),
        Call::GetPublicKey(call) => client
            .get_public_key_with_options(*call, options)
            .await
            .err(),
        _ => panic!("not among them"),
    };
    Refused::of(&refused.expect("a refusal"))
}

/// What the log says of the leaves from `from` on, without what differs between equal calls.
async fn said(auditor: &Client, from: u64) -> Vec<serde_json::Value> {
    let page = auditor.read_log(from, 0).await.unwrap();
    let leaves = page.leaves.iter().map(|leaf| {
        let mut entry: serde_json::Value = serde_json::from_slice(leaf).unwrap();
        let entry = entry.as_object_mut().unwrap();
        for own in ["request_hash", "time_hi", "time_lo"] {
            entry.remove(own).unwrap();
        }
        serde_json::Value::Object(entry.clone())
    });
    leaves.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_same_alone_in_a_stream_and_in_a_batch_and_leaves_the_same_entry() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let auditor = vault.client(&issuer, "auditor").await.unwrap();
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let mut stream = wire.open(Some(&token)).await;
    let mut logged = 0;
    for (id, (what, call)) in (0u64..).zip(refused(&keys)) {
        let mut entries = Vec::new();
        let from = auditor.checkpoint().await.unwrap().size;
        let first = alone(&wire.crypto(), &token, call.clone()).await;
        entries.push(said(&auditor, from).await);
        let from = auditor.checkpoint().await.unwrap().size;
        stream.call(id, call.clone()).await;
        let (answered, outcome) = stream.next().await.unwrap().unwrap();
        let Outcome::Error(error) = outcome else {
            panic!("{what} is not refused");
        };
        assert_eq!(answered, id);
        assert_eq!(Refused::of_outcome(&error), first, "{what}");
        entries.push(said(&auditor, from).await);
        let from = auditor.checkpoint().await.unwrap().size;
        let batch = v1::BatchRequest {
            calls: vec![numbered(id, call)],
            ..Default::default()
        };
        let options = bearer(Some(&token));
        let answer = wire
            .crypto()
            .batch_with_options(batch, options)
            .await
            .unwrap();
        let Some(Outcome::Error(error)) = answer.into_owned().outcomes.remove(0).outcome else {
            panic!("{what} is not refused");
        };
        assert_eq!(Refused::of_outcome(&error), first, "{what}");
        entries.push(said(&auditor, from).await);
        assert_eq!(entries[0], entries[1], "{what}");
        assert_eq!(entries[0], entries[2], "{what}");
        logged += entries[0].len();
    }
    // Neither all nor none of them are logged.
    assert!((2..refused(&keys).len()).contains(&logged), "{logged}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calls_of_a_batch_fail_alone_and_are_answered_in_order() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let send = |calls: Vec<v1::OperateRequest>| {
        let batch = v1::BatchRequest {
            calls,
            ..Default::default()
        };
        let (client, options) = (wire.crypto(), bearer(Some(&token)));
        async move { client.batch_with_options(batch, options).await }
    };
    let key = keys[&KeyType::P256Signing];
    let many = |count: u64| -> Vec<_> {
        let call = |id: u64| match id % 3 {
            0 => Call::Sign(sign(key, &id.to_be_bytes()).into()),
            1 => Call::GetPublicKey(public_key(key).into()),
            _ => Call::Mac(mac(key, b"refused").into()),
        };
        (0..count)
            .map(|id| numbered(count - id, call(id)))
            .collect()
    };
    let answer = send(many(256)).await.unwrap().into_owned();
    assert_eq!(answer.outcomes.len(), 256);
    for (place, answer) in (0u64..).zip(answer.outcomes) {
        assert_eq!(answer.id, 256 - place);
        let fits = match (place % 3, answer.outcome.unwrap()) {
            (0, Outcome::Sign(_)) | (1, Outcome::GetPublicKey(_)) => true,
            (2, Outcome::Error(error)) => {
                Refused::of_outcome(&error).code == ErrorCode::ERROR_CODE_POLICY_DENIED
            }
            _ => false,
        };
        assert!(fits, "{place}");
    }
    let code = |error: connectrpc::ConnectError| Refused::of(&error).code;
    let too_many = send(many(257)).await.map(|_| ()).unwrap_err();
    assert_eq!(code(too_many), ErrorCode::ERROR_CODE_TOO_LARGE);
    let twice = vec![many(1).remove(0), many(1).remove(0)];
    let twice = send(twice).await.map(|_| ()).unwrap_err();
    assert_eq!(code(twice), ErrorCode::ERROR_CODE_INVALID_ARGUMENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_be_longer_than_a_call_and_not_longer_than_its_bound() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let key = keys[&KeyType::HmacSha256];
    let long = |count: u64, length: usize| v1::BatchRequest {
        calls: (0..count)
            .map(|id| numbered(id, Call::Mac(mac(key, &vec![1; length]).into())))
            .collect(),
        ..Default::default()
    };
    let good = long(4, 900 << 10);
    let answer = wire
        .crypto()
        .batch_with_options(good, bearer(Some(&token)))
        .await;
    let outcomes = answer.unwrap().into_owned().outcomes;
    assert!(
        outcomes
            .iter()
            .all(|answer| matches!(answer.outcome, Some(Outcome::Mac(_))))
    );
    let over = long(5, 900 << 10);
    let refused = wire
        .crypto()
        .batch_with_options(over, bearer(Some(&token)))
        .await;
    assert_eq!(
        Refused::of(&refused.map(|_| ()).unwrap_err()).code,
        ErrorCode::ERROR_CODE_TOO_LARGE
    );
    // Strangers have what they have for every call.
    let stranger = wire
        .crypto()
        .batch_with_options(long(1, 70 << 10), bearer(None))
        .await;
    assert_eq!(
        Refused::of(&stranger.map(|_| ()).unwrap_err()).code,
        ErrorCode::ERROR_CODE_TOO_LARGE
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_use_ends_the_stream_and_what_was_taken_is_answered() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let mut stream = wire.open(Some(&token)).await;
    let key = keys[&KeyType::P256Signing];
    // A signature waits for the disk; some of these come while the first one does.
    for _ in 0..32 {
        stream.call(7, Call::Sign(sign(key, b"a").into())).await;
    }
    let mut answered = 0;
    let ended = loop {
        match stream.next().await {
            Ok(Some((7, Outcome::Sign(_)))) => answered += 1,
            Ok(other) => panic!("{:?}", other.map(|(id, _)| id)),
            Err(ended) => break ended,
        }
    };
    assert!((1..32).contains(&answered), "{answered}");
    assert_eq!(
        Refused::of(&ended).code,
        ErrorCode::ERROR_CODE_INVALID_ARGUMENT
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_opened_by_a_known_caller_and_twice_on_a_connection_at_most() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let code = |ended: Result<_, connectrpc::ConnectError>| {
        Refused::of(&ended.map(|_: Option<(u64, Outcome)>| ()).unwrap_err()).code
    };
    let mut nobody = wire.open(None).await;
    assert_eq!(
        code(nobody.next().await),
        ErrorCode::ERROR_CODE_UNAUTHENTICATED
    );
    let mut forged = wire.open(Some("a.b.c")).await;
    assert_eq!(
        code(forged.next().await),
        ErrorCode::ERROR_CODE_UNAUTHENTICATED
    );
    let token = issuer.token("owner").unwrap();
    let call = || Call::GetPublicKey(public_key(keys[&KeyType::P256Signing]).into());
    let mut streams = Vec::new();
    for _ in 0..2 {
        let mut stream = wire.open(Some(&token)).await;
        stream.call(1, call()).await;
        assert!(stream.next().await.unwrap().is_some());
        streams.push(stream);
    }
    let mut third = wire.open(Some(&token)).await;
    assert_eq!(code(third.next().await), ErrorCode::ERROR_CODE_RATE_LIMITED);
    // A stream that has ended gives its place back.
    let mut first = streams.remove(0);
    first.sending.close_send();
    assert!(first.next().await.unwrap().is_none());
    let mut next = wire.open(Some(&token)).await;
    next.call(1, call()).await;
    assert!(next.next().await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_reads_is_taken_a_bounded_number_of_calls_from() {
    const CALLS: u64 = 3000;
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let auditor = vault.client(&issuer, "auditor").await.unwrap();
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let mut stream = wire.open(Some(&token)).await;
    let key = keys[&KeyType::HmacSha256];
    let mut sending = stream.sending;
    let sender = tokio::spawn(async move {
        for id in 0..CALLS {
            let mut call = mac(key, &[1; 64]);
            call.context = v1::CallContext {
                want_proof: true,
                ..Default::default()
            }
            .into();
            sending
                .send(numbered(id, Call::Mac(call.into())))
                .await
                .unwrap();
        }
        sending.close_send();
    });
    // Until the log stands still; what it holds then is what was taken.
    let (mut size, mut still) = (0, 0);
    while still < 10 {
        let now = auditor.checkpoint().await.unwrap().size;
        still = if now == size { still + 1 } else { 0 };
        size = now;
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    // 256 without an answer, and what the window of the client let go.
    assert!(size < 500, "{size} calls were taken");
    let mut answered = 0;
    while let Some(answer) = stream
        .receiving
        .message::<v1::OperateResponse>()
        .await
        .unwrap()
    {
        let outcome = answer.to_owned_message().outcome.unwrap();
        assert!(matches!(outcome, Outcome::Mac(_)));
        answered += 1;
    }
    sender.await.unwrap();
    assert_eq!(answered, CALLS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_token_after_its_answers() {
    let issuer = issuer(6).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| {
        text.replace("[log]", "[time]\nskew = 1\n\n[log]")
    });
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let mut idle = wire.open(Some(&token)).await;
    let mut busy = wire.open(Some(&token)).await;
    let key = keys[&KeyType::P256Signing];
    idle.call(0, Call::GetPublicKey(public_key(key).into()))
        .await;
    assert!(idle.next().await.unwrap().is_some());
    // One after the other until the vault says that the token is over: in a call, or at the end.
    let mut id = 0;
    let ended = loop {
        let message = numbered(id, Call::Sign(sign(key, b"a").into()));
        // A stream that has ended takes no more, and its end says why.
        let _ = busy.sending.send(message).await;
        match busy.next().await {
            Ok(Some((answered, Outcome::Sign(_)))) => assert_eq!(answered, id),
            Ok(Some((_, Outcome::Error(error)))) => {
                let refused = Refused::of_outcome(&error);
                assert_eq!(refused.code, ErrorCode::ERROR_CODE_TOKEN_EXPIRED);
            }
            Ok(_) => panic!("another end"),
            Err(ended) => break ended,
        }
        id += 1;
    };
    assert!(id > 0);
    assert_eq!(
        Refused::of(&ended).code,
        ErrorCode::ERROR_CODE_TOKEN_EXPIRED
    );
    let ended = idle.next().await.map(|_| ()).unwrap_err();
    assert_eq!(
        Refused::of(&ended).code,
        ErrorCode::ERROR_CODE_TOKEN_EXPIRED
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_nothing_for_as_long_as_a_request_may_take_is_cut() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| {
        format!("{text}\n[limits]\nrequest_seconds = 2\n")
    });
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let token = issuer.token("owner").unwrap();
    let key = keys[&KeyType::HmacSha256];
    let mut idle = wire.open(Some(&token)).await;
    let mut stream = wire.open(Some(&token)).await;
    // A stream without calls stalls nothing.
    idle.call(0, Call::Mac(mac(key, b"a").into())).await;
    assert!(idle.next().await.unwrap().is_some());
    // Ends when the connection does.
    let mut id = 0;
    while stream
        .sending
        .send(numbered(id, Call::Mac(mac(key, &[1; 2000]).into())))
        .await
        .is_ok()
    {
        id += 1;
    }
    assert!(idle.next().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_when_the_key_of_its_token_is_published_no_more() {
    let issuer = issuer(3600).await;
    let dir = tempfile::tempdir().unwrap();
    let vault = vault(dir.path(), &issuer, |text| text);
    let keys = keys(&vault.client(&issuer, "owner").await.unwrap(), &issuer).await;
    let wire = Wire::connect(&vault).await;
    let old = issuer.current_key();
    let token = issuer.token("owner").unwrap();
    let mut stream = wire.open(Some(&token)).await;
    let call = || Call::GetPublicKey(public_key(keys[&KeyType::P256Signing]).into());
    stream.call(0, call()).await;
    assert!(stream.next().await.unwrap().is_some());
    issuer.rotate(old.algorithm()).unwrap();
    assert!(issuer.drop_key(old.kid()));
    // A token of the new key makes the vault look: the old one is gone.
    let new = issuer.token("owner").unwrap();
    let mut other = wire.open(Some(&new)).await;
    other.call(0, call()).await;
    assert!(other.next().await.unwrap().is_some());
    let ended = stream.next().await.map(|_| ()).unwrap_err();
    assert_eq!(
        Refused::of(&ended).code,
        ErrorCode::ERROR_CODE_UNAUTHENTICATED
    );
    other.call(1, call()).await;
    assert!(other.next().await.unwrap().is_some());
}
