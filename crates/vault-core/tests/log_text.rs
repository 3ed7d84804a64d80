//! T-LOG: what callers write reaches the log as salted hashes or not at all, whatever characters it is made of
//! and however long it is; what issuers write stays inside its string.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod common;

use common::*;
use vault_audit::Principal;
use vault_core::api::*;
use vault_core::{CallContext, Caller};

use vault_policy::{KeyType, PolicyVersion, SenderConstraint, TemplateArgs, template};

/// What stands in every hostile text, and in nothing that the vault writes.
const MARK: &str = "zQ7xW";

/// Texts that would break a line, a terminal, JSON or a bound.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "\n",
        "\r\n",
        "\0",
        "\u{1b}[2J\u{1b}[31m",
        "\u{9b}31m",
        "\u{7f}\u{8}\u{8}",
        "\",\"allowed\":\"true",
        "\\\",\"outcome\":\"ok\"}",
        "{\"leaf\":\"\"}\n{\"checkpoint\":\"\"}",
        "\u{202e}\u{2066}",
        "\n\n\u{2014} enclave-vaults/log/v1/x AAAA\n",
        "%s%n${jndi:x}../../",
    ]
    .iter()
    .map(|text| format!("{MARK}{text}{MARK}"))
    .collect();
    // Every control character alone.
    texts.extend(
        (0..0xa0u8)
            .map(char::from)
            .filter(|c| c.is_control())
            .map(|c| format!("{MARK}{c}")),
    );
    texts.push(MARK.repeat((1 << 20) / MARK.len()));
    texts.push(MARK.repeat(51));
    texts
}

/// Calls with the text wherever a caller can write one.
fn calls(text: &str, key: &KeyInfo, number: u8) -> Vec<(Request, String)> {
    let create = || creation("alice", KeyType::HmacSha256, "owner", number);
    let (mut named, mut labelled, mut valued, mut ruled) = (create(), create(), create(), create());
    named.name = text.into();
    labelled.labels[0].name = text.into();
    valued.labels[0].value = text.into();
    ruled.policy = text.into();
    let creations = [named, labelled, valued, ruled, create()];
    let mac = |message: &[u8]| {
        Request::Mac(Mac {
            key: own(key),
            message: message.to_vec(),
        })
    };
    let plain = String::new();
    let mut calls: Vec<_> = creations
        .map(|create| (Request::CreateKey(create), plain.clone()))
        .into();
    calls.push((mac(text.as_bytes()), plain.clone()));
    calls.push((
        Request::MacVerify(MacVerify {
            key: own(key),
            message: text.into(),
            tag: text.into(),
            version: None,
        }),
        plain.clone(),
    ));
    calls.push((
        Request::ListKeys(ListKeys {
            page_size: 0,
            page_token: text.into(),
        }),
        plain.clone(),
    ));
    calls.push((Request::CreateKey(create()), text.to_owned()));
    calls.push((mac(b"message"), text.to_owned()));
    let delete = ScheduleDeletion {
        key: own(key),
        window: 1 << 40,
    };
    calls.push((Request::ScheduleDeletion(delete), text.to_owned()));
    let keep = Request::CancelDeletion { key: own(key) };
    calls.push((keep, plain.clone()));
    let update = UpdatePolicy {
        key: own(key),
        policy: text.into(),
        expected_version: PolicyVersion(1),
    };
    calls.push((Request::UpdatePolicy(update), plain.clone()));
    let stage = StageProfile {
        key: own(key),
        profile: text.into(),
    };
    calls.push((Request::StageProfile(stage), plain));
    calls
}

fn call(bench: &mut Bench, who: &Caller, request: Request, idempotency_key: &str) -> bool {
    let context = CallContext {
        idempotency_key: idempotency_key.to_owned(),
        want_proof: true,
        ..CallContext::default()
    };
    bench.with(who, request, context).is_ok()
}

/// Every leaf is one line of plain text in the vault's own words, and reads back.
fn inspect(bench: &Bench, from: u64) -> u64 {
    let size = bench.vault.size();
    for index in from..size {
        let leaf = bench.vault.leaf(index).unwrap();
        assert!(leaf.iter().all(|byte| *byte >= b' '), "entry {index}");
        let text = String::from_utf8(leaf.to_vec()).unwrap();
        assert!(!text.contains(MARK), "{text}");
        let entry = vault_audit::Entry::from_leaf(&leaf).unwrap();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == ' ';
        for word in [&entry.operation, &entry.reason, &entry.outcome] {
            assert!(word.chars().all(plain), "{word:?}");
        }
        let handle = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(entry.handle.chars().all(handle), "{:?}", entry.handle);
    }
    size - from
}

#[test]
fn t_log_no_text_of_a_caller_stands_in_the_log_whatever_it_is_made_of() {
    let mut bench = Bench::new();
    let key = bench.create("alice", KeyType::HmacSha256, "owner", 200);
    let callers = [owner("alice"), person("mallory", &[])];
    let from = bench.vault.size();
    let (mut made, mut accepted) = (0, 0);
    for (text, number) in hostile().iter().zip(0u8..) {
        for (request, idempotency_key) in calls(text, &key, number) {
            for who in &callers {
                let done = call(&mut bench, who, request.clone(), &idempotency_key);
                made += 1;
                accepted += u64::from(done);
            }
        }
    }
    let logged = inspect(&bench, from);
    println!(
        "T-LOG: {made} calls with hostile text, {accepted} accepted, {logged} entries, none of it in them"
    );
    assert!(made > 1500 && accepted > 100 && logged > 100);
}

/// `None` if no policy can name this subject.
fn own_creation(subject: &str, number: u8) -> Option<CreateKey> {
    let args = TemplateArgs::new(common::subject(subject), KeyType::HmacSha256);
    let policy = template("owner", &args).ok()?;
    Some(CreateKey {
        policy: policy.canonical_bytes().to_vec(),
        ..creation("alice", KeyType::HmacSha256, "owner", number)
    })
}

#[test]
fn t_log_what_an_issuer_has_signed_stays_inside_its_string() {
    let mut bench = Bench::new();
    let subjects = hostile();
    let from = bench.vault.size();
    let (mut named, mut unnamable) = (0, 0);
    for (subject, number) in subjects.iter().zip(0u8..) {
        let token = token(subject, &["vault:owner"], SenderConstraint::None);
        let who = Caller::new(Some(token), None).unwrap();
        let theirs = creation("alice", KeyType::HmacSha256, "owner", number);
        assert!(!call(&mut bench, &who, Request::CreateKey(theirs), ""));
        let before = bench.vault.size();
        match own_creation(subject, number) {
            None => unnamable += 1,
            Some(create) => {
                assert!(call(&mut bench, &who, Request::CreateKey(create), ""));
                let leaf = bench.vault.leaf(before).unwrap();
                assert!(leaf.iter().all(|byte| *byte >= b' '));
                let entry = vault_audit::Entry::from_leaf(&leaf).unwrap();
                let principal = Principal::Oidc {
                    issuer: ISSUER.into(),
                    subject: subject.clone(),
                };
                assert_eq!(entry.principals, [principal]);
                named += 1;
            }
        }
    }
    let logged = bench.vault.size() - from;
    println!("T-LOG: {named} hostile subjects are logged as they are, {unnamable} can own nothing");
    assert_eq!(logged, named);
    assert!(named >= 3 && unnamable >= 60, "{named} {unnamable}");
}
