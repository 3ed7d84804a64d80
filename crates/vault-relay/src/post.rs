//! What is held: requests, their mailboxes and answers. Pure: who asks, what time it is and the
//! ids are arguments.

use crate::config::LimitsConfig;
use crate::refused::Refused;
use crate::source::Source;
use bytes::Bytes;
use std::collections::BTreeMap;
use vault_encoding::Hash;

/// 128 random bits: whoever knows them may read a request and answer it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct RequestId(pub(crate) [u8; 16]);

/// A request as it is posted.
pub(crate) struct Posting {
    pub(crate) mailboxes: Vec<Hash>,
    pub(crate) bundle: Bytes,
    /// Seconds; longer than allowed is shortened.
    pub(crate) ttl: u64,
}

/// What is listed of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Listed {
    pub(crate) id: RequestId,
    /// It is there before this second.
    pub(crate) expires_at: u64,
}

struct Held {
    mailboxes: Vec<Hash>,
    bundle: Bytes,
    answers: Vec<(Source, Bytes)>,
    expires_at: u64,
    source: Source,
}

/// All that is held. INVARIANT: whatever has expired is neither told nor counted.
pub(crate) struct Post {
    limits: LimitsConfig,
    requests: BTreeMap<RequestId, Held>,
}

impl Post {
    pub(crate) fn new(limits: LimitsConfig) -> Self {
        Self {
            limits,
            requests: BTreeMap::new(),
        }
    }

    /// Takes a request and says when it expires. A source has a quarter of each mailbox, so that it
    /// cannot keep others from asking.
    pub(crate) fn put(
        &mut self,
        id: RequestId,
        posting: Posting,
        source: Source,
        now: u64,
    ) -> Result<Listed, Refused> {
        self.forget(now);
        let own = self.of(source).count();
        let mut mailboxes = posting.mailboxes.iter();
        let full = self.requests.len() >= self.limits.requests
            || own >= self.limits.requests_per_source
            || mailboxes.any(|mailbox| self.is_full(mailbox, source));
        if full || !self.has_bytes(posting.bundle.len(), source) {
            return Err(self.later(now));
        }
        let expires_at = now.saturating_add(posting.ttl.min(self.limits.longest_ttl));
        self.requests.insert(
            id,
            Held {
                mailboxes: posting.mailboxes,
                bundle: posting.bundle,
                answers: Vec::new(),
                expires_at,
                source,
            },
        );
        Ok(Listed { id, expires_at })
    }

    /// What lies in a mailbox, what expires first at the top.
    pub(crate) fn list(&self, mailbox: &Hash, now: u64) -> Vec<Listed> {
        let mut found: Vec<Listed> = self
            .requests
            .iter()
            .filter(|(_, held)| held.is_live(now) && held.mailboxes.contains(mailbox))
            .map(|(id, held)| Listed {
                id: *id,
                expires_at: held.expires_at,
            })
            .collect();
        found.sort_by_key(|listed| listed.expires_at);
        found
    }

    /// The bundle of a request.
    pub(crate) fn bundle(&self, id: &RequestId, now: u64) -> Result<Bytes, Refused> {
        self.live(id, now).map(|held| held.bundle.clone())
    }

    /// Takes an answer. The same one twice is one; a source has a quarter of a request's answers,
    /// so that it cannot keep others from answering.
    pub(crate) fn answer(
        &mut self,
        id: &RequestId,
        answer: Bytes,
        source: Source,
        now: u64,
    ) -> Result<(), Refused> {
        self.forget(now);
        let held = self.live(id, now)?;
        if held.answers.iter().any(|(_, known)| *known == answer) {
            return Ok(());
        }
        let most = self.limits.answers;
        let own = held.answers.iter().filter(|(by, _)| *by == source).count();
        let full = held.answers.len() >= most || own >= share(most);
        if full || !self.has_bytes(answer.len(), source) {
            return Err(self.later(now));
        }
        if let Some(held) = self.requests.get_mut(id) {
            held.answers.push((source, answer));
        }
        Ok(())
    }

    /// The answers to a request, in the order in which they came.
    pub(crate) fn answers(&self, id: &RequestId, now: u64) -> Result<Vec<Bytes>, Refused> {
        let held = self.live(id, now)?;
        Ok(held
            .answers
            .iter()
            .map(|(_, bytes)| bytes.clone())
            .collect())
    }

    fn forget(&mut self, now: u64) {
        self.requests.retain(|_, held| held.is_live(now));
    }

    fn live(&self, id: &RequestId, now: u64) -> Result<&Held, Refused> {
        let held = self.requests.get(id).filter(|held| held.is_live(now));
        held.ok_or(Refused::NotFound)
    }

    fn of(&self, source: Source) -> impl Iterator<Item = &Held> {
        self.requests
            .values()
            .filter(move |held| held.source == source)
    }

    /// For this source.
    fn is_full(&self, mailbox: &Hash, source: Source) -> bool {
        let there = || {
            let held = self.requests.values();
            held.filter(|held| held.mailboxes.contains(mailbox))
        };
        let own = there().filter(|held| held.source == source).count();
        let most = self.limits.requests_per_mailbox;
        there().count() >= most || own >= share(most)
    }

    fn has_bytes(&self, more: usize, source: Source) -> bool {
        let (mut all, mut own) = (more, more);
        for (by, length) in self.requests.values().flat_map(Held::parts) {
            all += length;
            own += if by == source { length } else { 0 };
        }
        all <= self.limits.bytes && own <= self.limits.bytes_per_source
    }

    /// Not before something has expired.
    fn later(&self, now: u64) -> Refused {
        let first = self.requests.values().map(|held| held.expires_at).min();
        Refused::TooMany(first.unwrap_or(now).saturating_sub(now).max(1))
    }
}

/// What one source may have of a mailbox, or of the answers to a request.
fn share(most: usize) -> usize {
    most.div_ceil(4)
}

impl Held {
    fn is_live(&self, now: u64) -> bool {
        now < self.expires_at
    }

    /// Each part's source and length.
    fn parts(&self) -> impl Iterator<Item = (Source, usize)> {
        let answers = self.answers.iter();
        std::iter::once((self.source, self.bundle.len()))
            .chain(answers.map(|(by, bytes)| (*by, bytes.len())))
    }
}

#[cfg(test)]
mod tests;
