//! ListKeys: the caller's own keys, in the order of their handles. Tombstones are left out, and
//! so is what this sender may not touch.

use crate::api::{Answer, Code, KeyInfo, ListKeys};
use crate::authorize::{Call, Step};
use crate::limits::{PAGE_BYTES, PAGE_DEFAULT, PAGE_MAX};
use crate::state::{Body, LiveKey, Owned};
use crate::stop::Stop;
use crate::vault::Vault;
use std::ops::Bound;
use vault_policy::{Facts, KeyHandle, sender_allows};

/// Handles that one page goes through at most, while nothing can be recorded: a page may be short,
/// or empty, and yet not the last.
const LOOKED_AT: usize = 4096;

/// Bytes of a key on a page beside its texts and its public key,
const KEY: usize = 256;
/// and of a label beside its texts.
const LABEL: usize = 16;

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, list: &ListKeys) -> Step {
    let (size, after) = match (page_size(list.page_size), page_start(&list.page_token)) {
        (Some(size), Some(after)) => (size, after),
        (None, _) => return invalid(call, "page_size is at most 1000"),
        (_, None) => return invalid(call, "page_token is none of this vault's"),
    };
    let owned = call
        .caller
        .subject()
        .and_then(|subject| vault.state.owned(subject));
    let Some(owned) = owned else {
        return Step::ready(
            Answer::ListKeys {
                keys: Vec::new(),
                next_page_token: String::new(),
            },
            0,
        );
    };
    let facts = call.caller.facts();
    Step::ready(page(vault, owned, facts, size, after), owned.changed)
}

fn invalid(call: &Call<'_>, detail: &'static str) -> Step {
    call.refuse(
        Stop::plain(Code::InvalidArgument, detail),
        "list_keys",
        Vec::new(),
    )
}

fn page_size(asked: u32) -> Option<usize> {
    match asked {
        0 => usize::try_from(PAGE_DEFAULT).ok(),
        1..=PAGE_MAX => usize::try_from(asked).ok(),
        _ => None,
    }
}

/// The token is the last handle of the page before.
fn page_start(token: &str) -> Option<Bound<KeyHandle>> {
    match token {
        "" => Some(Bound::Unbounded),
        token => token.parse().ok().map(Bound::Excluded),
    }
}

fn page(
    vault: &Vault,
    owned: &Owned,
    facts: &Facts,
    size: usize,
    after: Bound<KeyHandle>,
) -> Answer {
    let mut left = owned.handles.range((after, Bound::Unbounded));
    let mut keys: Vec<KeyInfo> = Vec::new();
    let (mut more, mut reached, mut bytes) = (false, None, 0_usize);
    for (handle, &position) in left.by_ref().take(LOOKED_AT) {
        let slot = vault.state.slot(position);
        if let Some(Body::Live(key)) = slot.map(|slot| &slot.body)
            && sender_allows(key.key_type(), facts)
        {
            bytes = bytes.saturating_add(length(key));
            if keys.len() == size || bytes > PAGE_BYTES && !keys.is_empty() {
                more = true;
                break;
            }
            keys.push(key.info());
        }
        reached = Some(handle);
    }
    more = more || left.next().is_some();
    let next_page_token = match reached {
        Some(handle) if more => handle.to_string(),
        _ => String::new(),
    };
    Answer::ListKeys {
        keys,
        next_page_token,
    }
}

/// About so many bytes on a page.
fn length(key: &LiveKey) -> usize {
    let labels = key.labels().iter();
    let labels: usize = labels
        .map(|label| LABEL + label.name.len() + label.value.len())
        .sum();
    KEY + key.name().len() + labels + key.public_key.len()
}
