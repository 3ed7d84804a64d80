//! What a registry is told, and what it tells: whatever it lists, a client reads, and nothing that a client
//! reads can do more than be dialled.

use buffa::Message;
use vault_proto::v1;
use vault_registry::fuzzing::{endpoint, page_token};

/// One input: which message, then its bytes; or the text of an endpoint or a page's token.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 6 {
        0 => {
            if let Ok(text) = std::str::from_utf8(body) {
                announced(text);
            }
        }
        1 => {
            if let Ok(text) = std::str::from_utf8(body)
                && let Some(again) = page_token(text)
            {
                assert_eq!(again, text, "two spellings");
            }
        }
        2 => {
            if let Some(message) = reads::<v1::RegisterVaultRequest>(body) {
                announced(&message.endpoint);
            }
        }
        3 => {
            if let Some(message) = reads::<v1::HeartbeatRequest>(body) {
                announced(&message.endpoint);
            }
        }
        4 => {
            if let Some(message) = reads::<v1::ListVaultsRequest>(body) {
                let _ = page_token(&message.page_token);
            }
        }
        _ => {
            for entry in reads::<v1::ListVaultsResponse>(body).unwrap_or_default().vaults {
                listed(&entry);
            }
        }
    }
}

/// What decodes has an encoding that decodes to the same.
fn reads<M: Message>(body: &[u8]) -> Option<M> {
    let message = M::decode_from_slice(body).ok()?;
    let bytes = message.encode_to_vec();
    let again = M::decode_from_slice(&bytes).expect("what was written");
    assert_eq!(again.encode_to_vec(), bytes);
    Some(message)
}

/// An endpoint that is listed makes no list unreadable.
fn announced(text: &str) {
    let Some(listed_as) = endpoint(text) else {
        return;
    };
    assert_eq!(listed_as, text);
    let entry = v1::VaultEntry {
        endpoint: listed_as,
        vault_id: vec![1; 32],
        measurement: vec![2; 32],
        platform_id: vec![3; 32],
        ..Default::default()
    };
    assert!(listed(&entry), "a registry lists what no client reads");
}

fn listed(entry: &v1::VaultEntry) -> bool {
    let Some(listed) = vault_client::fuzzing::listed(entry) else {
        return false;
    };
    assert!(listed.endpoint.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(listed.endpoint.len() <= 262);
    assert_eq!(listed.vault_id.0.as_bytes(), &entry.vault_id[..]);
    true
}
