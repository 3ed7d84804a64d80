//! The members, and the connections to them. A connection is kept while it stands; a member whose
//! connection was lost is looked for anew.

use super::hints::{Announced, Book, Hint, Phonebook, Source, about};
use super::search::{Dial, Found, Refused, search};
use crate::error::{Error, ErrorCode, Result};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use vault_governance::Member;
use vault_policy::VaultId;

/// One member, where it is, and what was refused on the way to it.
struct Slot<C> {
    member: Member,
    fixed: Vec<Hint>,
    held: tokio::sync::Mutex<Option<(C, Hint)>>,
    refused: Mutex<Vec<Refused>>,
}

/// All members of one manifest.
pub(crate) struct Directory<D: Dial, P> {
    slots: BTreeMap<VaultId, Slot<D::Client>>,
    books: Vec<Arc<Book<P>>>,
    dial: Arc<D>,
    timeout: Duration,
}

impl<D: Dial, P: Phonebook> Directory<D, P> {
    /// These members, with the endpoints that are known, and these registries.
    pub(crate) fn new(
        members: &[Member],
        endpoints: &[(VaultId, String)],
        registries: Vec<P>,
        dial: D,
        timeout: Duration,
    ) -> Self {
        let slots = members.iter().map(|member| {
            let own = endpoints.iter().filter(|(id, _)| *id == member.vault_id);
            let slot = Slot {
                member: member.clone(),
                fixed: own.map(configured).collect(),
                held: tokio::sync::Mutex::new(None),
                refused: Mutex::new(Vec::new()),
            };
            (member.vault_id, slot)
        });
        Self {
            slots: slots.collect(),
            books: registries.into_iter().map(Book::new).collect(),
            dial: Arc::new(dial),
            timeout,
        }
    }

    /// A connection that stands: the one at hand, or a new one.
    pub(crate) async fn client(&self, vault: &VaultId) -> Result<D::Client> {
        let slot = self.slot(vault)?;
        let deadline = Instant::now() + self.timeout;
        let held = timeout_at(deadline, slot.held.lock()).await;
        let mut held = held.map_err(|_| Error::new(ErrorCode::Timeout).vault(*vault))?;
        if let Some((client, _)) = held.as_ref()
            && self.dial.is_live(client)
        {
            return Ok(client.clone());
        }
        let last = held.take().map(|(_, hint)| hint);
        let (client, hint) = self.find(slot, last, deadline).await?;
        *held = Some((client.clone(), hint));
        Ok(client)
    }

    async fn find(
        &self,
        slot: &Slot<D::Client>,
        last: Option<Hint>,
        deadline: Instant,
    ) -> Result<(D::Client, Hint)> {
        let known = last.into_iter().chain(slot.fixed.iter().cloned()).collect();
        let dial = self.dial.clone();
        let Found { result, refused } =
            search(&slot.member, dial, known, &self.books, deadline).await;
        *slot.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        result
    }

    /// Drops the connection, so that the member is looked for when it is needed next.
    pub(crate) fn forget(&self, vault: &VaultId) {
        // Whoever holds the lock is looking for it already.
        if let Some(mut held) = self
            .slots
            .get(vault)
            .and_then(|slot| slot.held.try_lock().ok())
        {
            *held = None;
        }
    }

    /// Where the connection at hand goes, and who named the place.
    pub(crate) async fn found_at(&self, vault: &VaultId) -> Option<Hint> {
        let held = self.slots.get(vault)?.held.lock().await;
        held.as_ref().map(|(_, hint)| hint.clone())
    }

    /// Every endpoint that the last search for each member refused.
    pub(crate) fn refused(&self) -> Vec<Refused> {
        let of = |slot: &Slot<D::Client>| {
            let refused = slot.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.clone()
        };
        self.slots.values().flat_map(of).collect()
    }

    /// What the registries say of the members now.
    pub(crate) async fn announced(&self) -> Announced {
        let asked = self.books.iter().map(|book| async {
            let said = tokio::time::timeout(self.timeout, book.ask()).await;
            let said = said.unwrap_or_else(|_| Err(Error::new(ErrorCode::Timeout)));
            (book.url().to_owned(), said)
        });
        let mut announced = Announced::default();
        let mut said = Vec::new();
        for (url, answer) in join_all(asked).await {
            match answer {
                Ok(hints) => said.extend(hints),
                Err(error) => announced.failures.push((url, error)),
            }
        }
        for vault in self.slots.keys() {
            let hints: Vec<_> = about(*vault, said.clone()).collect();
            if hints.is_empty() {
                announced.missing.push(*vault);
            }
            announced.hints.extend(hints);
        }
        announced
    }

    fn slot(&self, vault: &VaultId) -> Result<&Slot<D::Client>> {
        self.slots.get(vault).ok_or_else(|| {
            Error::new(ErrorCode::InvalidArgument)
                .vault(*vault)
                .detail(format_args!("the manifest has no vault {vault}"))
        })
    }
}

fn configured((vault_id, endpoint): &(VaultId, String)) -> Hint {
    Hint {
        vault_id: *vault_id,
        endpoint: endpoint.clone(),
        source: Source::Configuration,
    }
}
