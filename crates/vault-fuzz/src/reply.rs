//! What a vault answers, before it is believed: refusals, what it says of keys and callers, and heads of another vault. What
//! is shown moves no terminal, and heads contradict each other exactly where they do.

use crate::memory::{key, note_of};
use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;
use vault_client::fuzzing::{config_value, key as key_info, profile, refused, take, who};
use vault_client::{CarriedNote, ErrorCode, HeadStore};
use vault_encoding::Hash;
use vault_policy::VaultId;

/// One input: which answer, then its bytes.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    match mode % 6 {
        0 => refusal(body),
        1 => {
            if let Some(Ok(info)) = key_info(body) {
                let handle = info.handle.to_string();
                assert_eq!(handle.parse(), Ok(info.handle));
                assert_ne!(info.public_key, Some(Vec::new()));
            }
        }
        2 => {
            if let Some(Ok(caller)) = who(body) {
                let length = caller.measurement.map_or(32, |measurement| measurement.len());
                assert!(length == 32 || length == 48);
            }
        }
        3 => {
            let _ = profile(body);
        }
        4 => {
            if let Ok(text) = std::str::from_utf8(body)
                && let Some(value) = config_value(text)
            {
                assert_eq!(value, body, "two spellings");
            }
        }
        _ => heads(body),
    }
}

/// A message, behind its length, and the detail.
fn refusal(body: &[u8]) {
    let Some((length, rest)) = body.split_first() else {
        return;
    };
    let (message, detail) = rest.split_at(usize::from(*length).min(rest.len()));
    let Some((error, _)) = refused(detail, &String::from_utf8_lossy(message)) else {
        return;
    };
    let shown = error.to_string();
    assert!(shown.chars().all(|character| !character.is_control()), "{shown:?}");
    let mut given = [&error.rule, &error.condition].into_iter().flatten();
    assert!(given.all(|text| text.chars().count() <= 300));
    assert_ne!(error.retry_after, Some(0));
}

static STORE: LazyLock<(VaultId, HeadStore)> = LazyLock::new(|| {
    let dir = crate::folder().join("reply");
    fs::create_dir_all(&dir).expect("a folder");
    (VaultId(key().vault_id()), HeadStore::new(dir))
});

/// Heads that the vault signed, of a size and with a root; or a changed note of it.
fn heads(body: &[u8]) {
    let (vault, store) = &*STORE;
    let folder = crate::folder().join("reply");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    let via = VaultId(Hash([5; 32]));
    let mut roots: BTreeMap<u64, Hash> = BTreeMap::new();
    for head in body.chunks_exact(3).take(8) {
        let (size, root) = (1 + u64::from(head[0]), Hash([head[1]; 32]));
        let mut checkpoint = note_of(size, root);
        let changed = head[2] % 8 == 7;
        if changed {
            let at = usize::from(head[2]) % checkpoint.len();
            checkpoint[at] ^= 1;
        }
        let note = CarriedNote {
            identity_key: key().to_spki(),
            checkpoint,
        };
        let errors = take(store, vault, &[note], via);
        let forked = errors.iter().any(|error| error.code == ErrorCode::ForkDetected);
        if changed {
            assert!(!errors.is_empty() && !forked, "a note that nobody signed");
        } else {
            let known = *roots.entry(size).or_insert(root);
            assert_eq!(forked, known != root, "{size}");
        }
    }
}
