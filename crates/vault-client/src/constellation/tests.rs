//! The constellation over doubles: vaults and registries that are functions, and paused time.

mod fanning;
mod finding;

use super::directory::Directory;
use super::hints::{Phonebook, Source};
use super::search::Dial;
use crate::error::{Error, ErrorCode, Result};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vault_encoding::Hash;
use vault_governance::Member;
use vault_policy::{Measurement, PlatformId, VaultId};

pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) fn vault(number: u8) -> VaultId {
    VaultId(Hash([number; 32]))
}

fn member(number: u8) -> Member {
    Member {
        vault_id: vault(number),
        platform_id: PlatformId(Hash([number; 32])),
        measurement: Measurement(Hash([9; 32])),
        trust_root: Hash([8; 32]),
        operator: "ann".to_owned(),
    }
}

/// What answers at an endpoint.
#[derive(Clone)]
enum At {
    /// A vault of the constellation.
    Vault(u8),
    /// Nothing, ever.
    Silence,
}

/// A network: endpoints and what is there. Nothing is there where no entry is.
#[derive(Clone, Default)]
struct Network {
    endpoints: Arc<Mutex<BTreeMap<String, At>>>,
    dials: Arc<Mutex<Vec<String>>>,
}

/// A connection, as long as what it goes to stays where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    vault: VaultId,
    endpoint: String,
}

impl Network {
    fn put(&self, endpoint: &str, at: At) -> &Self {
        self.endpoints.lock().unwrap().insert(endpoint.into(), at);
        self
    }

    fn remove(&self, endpoint: &str) {
        self.endpoints.lock().unwrap().remove(endpoint);
    }

    fn at(&self, endpoint: &str) -> Option<At> {
        self.endpoints.lock().unwrap().get(endpoint).cloned()
    }

    fn dials(&self) -> Vec<String> {
        self.dials.lock().unwrap().clone()
    }

    /// The members 1 to `members`, with what is configured and what registries say.
    fn directory(
        &self,
        members: u8,
        endpoints: &[(VaultId, String)],
        registries: Vec<Book>,
    ) -> Directory<Network, Book> {
        let members: Vec<_> = (1..=members).map(member).collect();
        Directory::new(&members, endpoints, registries, self.clone(), TIMEOUT)
    }
}

impl Dial for Network {
    type Client = Line;

    async fn dial(&self, member: &Member, endpoint: &str) -> Result<Line> {
        self.dials.lock().unwrap().push(endpoint.to_owned());
        match self.at(endpoint) {
            None => Err(Error::new(ErrorCode::Unavailable).detail("nothing is there")),
            Some(At::Silence) => std::future::pending().await,
            Some(At::Vault(number)) if vault(number) == member.vault_id => Ok(Line {
                vault: member.vault_id,
                endpoint: endpoint.to_owned(),
            }),
            Some(At::Vault(_)) => {
                Err(Error::new(ErrorCode::AttestationRefused).detail("another vault"))
            }
        }
    }

    fn is_live(&self, line: &Line) -> bool {
        matches!(self.at(&line.endpoint), Some(At::Vault(number)) if vault(number) == line.vault)
    }
}

/// A registry that says what it was made with; none: it never answers.
#[derive(Clone)]
struct Book {
    url: String,
    says: Option<Vec<(VaultId, String)>>,
}

impl Book {
    fn says(url: &str, entries: &[(u8, &str)]) -> Self {
        let entries = entries.iter();
        let says = entries.map(|(number, endpoint)| (vault(*number), (*endpoint).to_owned()));
        Self {
            url: url.to_owned(),
            says: Some(says.collect()),
        }
    }

    fn silent(url: &str) -> Self {
        let url = url.to_owned();
        Self { url, says: None }
    }

    fn source(&self) -> Source {
        Source::Registry(self.url.clone())
    }
}

impl Phonebook for Book {
    fn url(&self) -> &str {
        &self.url
    }

    async fn list(&self) -> Result<Vec<(VaultId, String)>> {
        match &self.says {
            Some(says) => Ok(says.clone()),
            None => std::future::pending().await,
        }
    }
}
