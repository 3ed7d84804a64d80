//! Going through the pages of a vault's listing: it ends, whatever the vault answers.

use crate::error::{Blame, Error, ErrorCode, Result};
use crate::key::{KeyInfo, KeyState};
use std::collections::BTreeSet;
use vault_policy::{KeyHandle, KeyType, VaultId};

/// Keys asked for on one page.
pub(crate) const PAGE: u32 = 1_000;
/// Keys of one owner: somewhat more than a vault keeps, unless its operator raised that.
const MAX_KEYS: usize = 1 << 20;
/// Pages may be short, or empty, and yet not the last.
const MAX_PAGES: usize = 4_096;
const MAX_TOKEN: usize = 256;

/// Where a listing has come to.
pub(crate) struct Pages {
    vault: VaultId,
    token: String,
    tokens: BTreeSet<String>,
    handles: BTreeSet<KeyHandle>,
}

impl Pages {
    /// At the first page of this vault's listing.
    pub(crate) fn of(vault: VaultId) -> Self {
        Self {
            vault,
            token: String::new(),
            tokens: BTreeSet::new(),
            handles: BTreeSet::new(),
        }
    }

    /// Of the page to ask for.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Takes a page, and the token of the next one; whether there is a next one.
    pub(crate) fn turn(&mut self, keys: &[KeyInfo], next: String) -> Result<bool> {
        let handles = keys.iter().map(|key| key.handle);
        self.advance(handles, next)
    }

    fn advance(
        &mut self,
        handles: impl ExactSizeIterator<Item = KeyHandle>,
        next: String,
    ) -> Result<bool> {
        if u32::try_from(handles.len()).is_ok_and(|count| count > PAGE) {
            return Err(self.fault("put more keys on a page than were asked for"));
        }
        for handle in handles {
            if !self.handles.insert(handle) {
                return Err(self.fault("listed a key twice"));
            }
        }
        if self.handles.len() > MAX_KEYS {
            return Err(self.fault("listed more keys than a vault keeps of one owner"));
        }
        if next.is_empty() {
            return Ok(false);
        }
        if next.len() > MAX_TOKEN || !self.tokens.insert(next.clone()) {
            return Err(self.fault("gave a page token that leads nowhere new"));
        }
        if self.tokens.len() >= MAX_PAGES {
            return Err(self.fault("listed more pages than there can be"));
        }
        self.token = next;
        Ok(true)
    }

    fn fault(&self, did: &str) -> Error {
        let vault = self.vault;
        Error::new(ErrorCode::Internal)
            .blame(Blame::Vault)
            .vault(vault)
            .detail(format_args!("vault {vault} {did}: its listing is refused"))
    }
}

/// The handles of the shares on a page that are not destroyed.
pub(crate) fn shares(keys: &[KeyInfo]) -> impl Iterator<Item = KeyHandle> {
    let is_share =
        |key: &&KeyInfo| key.key_type == KeyType::RawShare && key.state == KeyState::Enabled;
    keys.iter().filter(is_share).map(|key| key.handle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn pages() -> Pages {
        Pages::of(VaultId(sha256(b"vault")))
    }

    fn handle(number: usize) -> KeyHandle {
        let mut handle = KeyHandle([0; 16]);
        handle.0[..8].copy_from_slice(&number.to_be_bytes());
        handle
    }

    /// Turns the pages until the vault is blamed; says how many there were, and for what.
    fn until_blamed(mut page: impl FnMut(usize) -> (Vec<KeyHandle>, String)) -> (usize, String) {
        let mut pages = pages();
        for number in 0.. {
            let (handles, next) = page(number);
            match pages.advance(handles.into_iter(), next) {
                Ok(more) => assert!(more),
                Err(error) => {
                    assert_eq!(error.code, ErrorCode::Internal);
                    assert_eq!(error.blame, Blame::Vault);
                    assert_eq!(error.vault_id, Some(pages.vault));
                    return (number, error.message());
                }
            }
        }
        unreachable!()
    }

    #[test]
    fn an_honest_listing_is_followed_to_its_end() {
        let mut pages = pages();
        assert_eq!(pages.token(), "");
        for number in 0..1_000 {
            let handles = (0..1_000).map(|key| handle(number * 1_000 + key));
            let next = if number < 999 {
                number.to_string()
            } else {
                String::new()
            };
            assert_eq!(pages.advance(handles, next).unwrap(), number < 999);
        }
        assert_eq!(pages.token(), "998");
    }

    #[test]
    fn a_token_that_does_not_advance_is_blamed_on_the_vault() {
        let (turned, said) = until_blamed(|_| (Vec::new(), "same".to_owned()));
        assert_eq!(turned, 1);
        assert!(said.contains("page token"), "{said}");
        let (turned, said) = until_blamed(|number| (Vec::new(), (number % 7).to_string()));
        assert_eq!(turned, 7);
        assert!(said.contains("page token"), "{said}");
        let long = "x".repeat(MAX_TOKEN + 1);
        assert_eq!(until_blamed(|_| (Vec::new(), long.clone())).0, 0);
    }

    #[test]
    fn a_listing_without_end_is_blamed_on_the_vault() {
        let (turned, said) = until_blamed(|number| (Vec::new(), number.to_string()));
        assert_eq!(turned, MAX_PAGES - 1);
        assert!(said.contains("pages"), "{said}");
        let full = |number: usize| {
            let handles = (0..1_000).map(|key| handle(number * 1_000 + key));
            (handles.collect(), number.to_string())
        };
        let (turned, said) = until_blamed(full);
        assert_eq!(turned, MAX_KEYS / 1_000);
        assert!(said.contains("more keys"), "{said}");
    }

    #[test]
    fn a_key_that_is_listed_twice_and_a_page_too_long_are_blamed_on_the_vault() {
        let twice = |number: usize| (vec![handle(1)], number.to_string());
        assert_eq!(until_blamed(twice).0, 1);
        let long = |number: usize| ((0..1_001).map(handle).collect(), number.to_string());
        assert_eq!(until_blamed(long).0, 0);
    }
}
