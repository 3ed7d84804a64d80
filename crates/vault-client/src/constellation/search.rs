//! Looking for one member: every place where it is said to be is dialled, and appraised against
//! the manifest, until one is it.

use super::hints::{Book, Hint, Phonebook, about};
use crate::error::{Error, ErrorCode, Result};
use std::collections::{BTreeSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};
use vault_governance::Member;

/// How long one endpoint may take before the next is dialled as well.
const STAGGER: Duration = Duration::from_millis(250);

/// How a member is reached at an endpoint.
pub(crate) trait Dial: Send + Sync + 'static {
    type Client: Clone + Send + 'static;

    /// Connects, and holds whatever answers to the member's pins.
    fn dial(
        &self,
        member: &Member,
        endpoint: &str,
    ) -> impl Future<Output = Result<Self::Client>> + Send;

    /// Whether its connection still stands.
    fn is_live(&self, client: &Self::Client) -> bool;
}

/// An endpoint that is not the vault that it is said to be, or not reachable.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Where, for which vault, and who said so.
    pub hint: Hint,
    /// Why.
    pub error: Error,
}

/// What a search found, and what it met on its way.
pub(crate) struct Found<C> {
    pub(crate) result: Result<(C, Hint)>,
    pub(crate) refused: Vec<Refused>,
}

type Dialled<C> = (Hint, Result<C>);
type Answered = (String, Result<Vec<Hint>>);

/// One search, under way.
struct Search<D: Dial> {
    member: Member,
    dial: Arc<D>,
    waiting: VecDeque<Hint>,
    under_way: Vec<Hint>,
    known: BTreeSet<String>,
    dialled: JoinSet<Dialled<D::Client>>,
    asked: JoinSet<Answered>,
    refused: Vec<Refused>,
    silent: Vec<(String, Error)>,
}

/// Looks for a member: at the places that are known and where the registries send, all of them
/// asked at once, so that none that is slow or lies delays the others. At `deadline`, whoever is
/// silent is named.
pub(crate) async fn search<D: Dial, P: Phonebook>(
    member: &Member,
    dial: Arc<D>,
    known: Vec<Hint>,
    books: &[Arc<Book<P>>],
    deadline: Instant,
) -> Found<D::Client> {
    let mut search = Search {
        member: member.clone(),
        dial,
        waiting: VecDeque::new(),
        under_way: Vec::new(),
        known: BTreeSet::new(),
        dialled: JoinSet::new(),
        asked: JoinSet::new(),
        refused: Vec::new(),
        silent: Vec::new(),
    };
    search.hear(known.into_iter());
    for book in books {
        let book = book.clone();
        search
            .asked
            .spawn(async move { (book.url().to_owned(), book.ask().await) });
    }
    let result = match timeout_at(deadline, search.run()).await {
        Ok(Some(found)) => Ok(found),
        Ok(None) => Err(search.failure()),
        Err(_) => Err(search.late()),
    };
    Found {
        result,
        refused: search.refused,
    }
}

impl<D: Dial> Search<D> {
    async fn run(&mut self) -> Option<(D::Client, Hint)> {
        loop {
            if self.dialled.is_empty() {
                self.dial_next();
            }
            if self.dialled.is_empty() && self.asked.is_empty() {
                return None;
            }
            tokio::select! {
                Some(dialled) = self.dialled.join_next() => match dialled {
                    Ok((hint, Ok(client))) => return Some((client, hint)),
                    Ok((hint, Err(error))) => {
                        self.under_way.retain(|other| *other != hint);
                        self.refuse(hint, error);
                        self.dial_next();
                    }
                    Err(_) => {}
                },
                Some(answered) = self.asked.join_next() => match answered {
                    Ok((_, Ok(said))) => self.hear(about(self.member.vault_id, said)),
                    Ok((url, Err(error))) => self.silent.push((url, error)),
                    Err(_) => {}
                },
                () = sleep(STAGGER), if !self.waiting.is_empty() => self.dial_next(),
            }
        }
    }

    /// Endpoints that were not heard of before are dialled later.
    fn hear(&mut self, hints: impl Iterator<Item = Hint>) {
        for hint in hints {
            if self.known.insert(hint.endpoint.clone()) {
                self.waiting.push_back(hint);
            }
        }
    }

    fn dial_next(&mut self) {
        let Some(hint) = self.waiting.pop_front() else {
            return;
        };
        let (dial, member) = (self.dial.clone(), self.member.clone());
        self.under_way.push(hint.clone());
        self.dialled.spawn(async move {
            let dialled = dial.dial(&member, &hint.endpoint).await;
            (hint, dialled)
        });
    }

    /// Named in full: which vault was wanted, where, and who said that it is there.
    fn refuse(&mut self, hint: Hint, error: Error) {
        let Hint {
            vault_id,
            endpoint,
            source,
        } = &hint;
        let said = error.detail.clone().unwrap_or_default();
        let said = match said.trim_start_matches(&format!("{endpoint}: ")) {
            "" => "no answer",
            said => said,
        };
        let detail = match error.code {
            ErrorCode::Unavailable | ErrorCode::Timeout => {
                format!("{endpoint}, named by {source}: {said}")
            }
            _ => format!("vault {vault_id} is not at {endpoint}, where {source} says: {said}"),
        };
        let error = error.detail(detail).vault(hint.vault_id);
        self.refused.push(Refused { hint, error });
    }

    /// What has not answered by now will not be waited for.
    fn late(&mut self) -> Error {
        for hint in std::mem::take(&mut self.under_way) {
            self.refuse(hint, Error::new(ErrorCode::Timeout));
        }
        if self.refused.is_empty() {
            return Error::new(ErrorCode::Timeout)
                .vault(self.member.vault_id)
                .detail("no registry has said where it is");
        }
        self.failure()
    }

    /// Evidence against an endpoint weighs more than one that does not answer.
    fn failure(&self) -> Error {
        let why: Vec<_> = self
            .refused
            .iter()
            .filter_map(|refused| refused.error.detail.clone())
            .chain(
                self.silent
                    .iter()
                    .map(|(url, error)| format!("registry {url}: {}", error.message())),
            )
            .collect();
        let gravest = self
            .refused
            .iter()
            .map(|refused| &refused.error)
            .find(|error| error.code != ErrorCode::Unavailable && error.code != ErrorCode::Timeout);
        let error = match gravest.or(self.refused.first().map(|refused| &refused.error)) {
            Some(error) => error.clone(),
            None => Error::new(ErrorCode::Unavailable).vault(self.member.vault_id),
        };
        if why.is_empty() {
            return error.detail("no registry knows it, and no endpoint is configured");
        }
        error.detail(why.join("; "))
    }
}
