//! What a relay is handed by strangers, and what a client is handed by a relay: one spelling is kept, bounds stand, and
//! nothing that a relay says can move a path or a terminal.

use http::{HeaderMap, HeaderValue};
use vault_approval::ApprovalAnswer;
use vault_client::fuzzing::{Relayed, relayed};
use vault_relay::RelayConfig;
use vault_relay::fuzzing::{answer, forwarded, posting, request_id};

/// One input: what it is, then its bytes.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 6 {
        0 => posted(body),
        1 => {
            if let Some(text) = answer(body) {
                assert_eq!(answer(&text), Some(text), "two spellings");
            }
        }
        2 => {
            if let Ok(segment) = std::str::from_utf8(body)
                && let Some(id) = request_id(segment)
            {
                assert_eq!(id, segment, "two spellings");
            }
        }
        3 => addresses(body),
        4 => {
            if let Some(config) = std::str::from_utf8(body).ok().and_then(configured) {
                assert!(config.limits.requests > 0 && config.limits.bytes > 0);
            }
        }
        _ => brought(body),
    }
}

fn posted(body: &[u8]) {
    let Some((mailboxes, bundle, ttl)) = posting(body) else {
        return;
    };
    assert!((1..=64).contains(&mailboxes.len()) && mailboxes.is_sorted());
    assert!(ttl > 0 && bundle.len() <= 512 << 10);
    let named: Vec<_> = mailboxes.iter().map(|mailbox| format!("\"{mailbox}\"")).collect();
    let bundle_text = std::str::from_utf8(&bundle).expect("JSON");
    let named = named.join(",");
    let written = format!("{{\"mailboxes\":[{named}],\"bundle\":{bundle_text},\"ttl\":{ttl}}}");
    assert_eq!(posting(written.as_bytes()), Some((mailboxes, bundle, ttl)), "two spellings");
}

/// Lines of a header: of several, and of several addresses in one, the last counts.
fn addresses(body: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in body.split(|byte| *byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append("x-forwarded-for", value);
        }
    }
    if let Some(address) = forwarded(&headers) {
        let value = HeaderValue::from_str(&format!("0.0.0.0, {address}")).expect("an address");
        headers.append("x-forwarded-for", value);
        assert_eq!(forwarded(&headers), Some(address));
    }
}

fn configured(text: &str) -> Option<RelayConfig> {
    RelayConfig::from_toml(text).ok()
}

/// Which answer it is, by its status over HTTP, then its body.
fn brought(body: &[u8]) {
    let Some((status, body)) = body.split_first() else {
        return;
    };
    let status = match status {
        0..=2 => 200 + u16::from(*status),
        status => 299 + u16::from(*status),
    };
    match relayed(status, body) {
        Some(Relayed::Refused(error)) => {
            assert!(error.to_string().chars().all(|character| !character.is_control()));
        }
        Some(Relayed::Waiting(Ok(waiting))) => {
            let plain = |id: &str| id.bytes().all(|byte| byte.is_ascii_alphanumeric());
            assert!(waiting.iter().all(|waiting| plain(&waiting.id)), "no id");
        }
        Some(Relayed::Answers(Ok(answers))) => {
            for answer in answers {
                assert_eq!(ApprovalAnswer::parse(&answer.to_json()), Ok(answer));
            }
        }
        Some(Relayed::Bundle(Ok(gesture))) => {
            gesture.challenge().expect("16 leaves");
            assert!(gesture.statements().next().is_some());
        }
        _ => {}
    }
}
