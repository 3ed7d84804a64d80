//! Heads carried between the vaults, which never talk to each other: what this client has seen of
//! the others goes to each vault that it connects to, and what other clients left there comes back.

use super::Constellation;
use crate::calls::exchange::{HEADS_OF_ONE, MOST};
use crate::client::{Client, random};
use crate::error::{Error, ErrorCode, Result};
use crate::heads::{CarriedNote, HeadStore};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use vault_policy::VaultId;

/// With heads that have moved, an exchange is due again after this.
const MOVED: Duration = Duration::from_secs(5);
/// And after this in any case.
const ANYWAY: Duration = Duration::from_secs(60);
/// A vault that takes longer is used without.
const LONGEST: Duration = Duration::from_secs(5);

/// What was exchanged last with each vault, and what came of all of it.
#[derive(Default)]
pub(super) struct Exchanges {
    last: Mutex<BTreeMap<VaultId, Last>>,
    found: Mutex<Vec<Error>>,
}

struct Last {
    at: Instant,
    /// The session, by its number.
    session: u64,
    handed: Vec<CarriedNote>,
}

impl Exchanges {
    /// Whether it is time, and then it is taken as done, so that calls side by side make one.
    fn is_due(
        &self,
        vault: VaultId,
        session: u64,
        to_carry: impl FnOnce() -> Vec<CarriedNote>,
    ) -> Option<Vec<CarriedNote>> {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(&vault).filter(|last| last.session == session);
        let since = last.map_or(ANYWAY, |last| last.at.elapsed());
        if since < MOVED {
            return None;
        }
        let notes = to_carry();
        if since < ANYWAY && last.is_some_and(|last| last.handed == notes) {
            return None;
        }
        let last = Last {
            at: Instant::now(),
            session,
            handed: notes.clone(),
        };
        all.insert(vault, last);
        Some(notes)
    }

    /// Vaults that contradict themselves at every exchange must not fill the memory of who meets them.
    fn remember(&self, found: &[Error]) {
        let mut all = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        for error in found {
            let same = |known: &Error| known.code == error.code && known.vault_id == error.vault_id;
            if !all.iter().any(same) {
                all.push(error.clone());
            }
        }
    }
}

impl Constellation {
    /// Exchanges heads with this vault now: hands over what this client has seen of the others, and
    /// takes what others left there. Gives the rollbacks and forks that follow from it alone; what
    /// else was taken is held against its vault before that is used again.
    pub async fn exchange(&self, vault: &VaultId) -> Result<Vec<Error>> {
        let client = self.shared.directory.client(vault).await?;
        let (notes, unread) = self.to_carry(vault);
        let mut came = self.exchange_with(&client, &notes).await;
        came.and(unread);
        came.result()
    }

    /// The rollbacks and forks that followed from exchanges alone, since it was opened: also from those
    /// that were made beside a call to another vault, which succeeds all the same. The first of each kind
    /// for each vault; the store keeps the evidence.
    pub fn found(&self) -> Vec<Error> {
        let found = self.shared.exchanges.found.lock();
        found.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Exchanges heads where that is due. What comes of it stands in the store, where every use of
    /// the vaults meets it; that it failed stops nothing.
    pub(super) async fn exchange_if_due(&self, client: &Client) {
        let config = &self.shared.config;
        let nobody = config.tokens.is_none() && config.caller.is_none();
        let unknown = nobody && config.certificate.is_none();
        if unknown || self.members().len() < 2 {
            return;
        }
        let vault = client.vault_id();
        let to_carry = || self.to_carry(&vault).0;
        let due = self
            .shared
            .exchanges
            .is_due(vault, client.session_number(), to_carry);
        if let Some(notes) = due {
            let longest = LONGEST.min(config.timeout);
            let _ = timeout(longest, self.exchange_with(client, &notes)).await;
        }
    }

    fn to_carry(&self, vault: &VaultId) -> (Vec<CarriedNote>, Came) {
        to_carry(&self.shared.config.heads, &self.others(vault))
    }

    fn others(&self, vault: &VaultId) -> Vec<VaultId> {
        let all = self.vault_ids();
        all.into_iter().filter(|other| other != vault).collect()
    }

    async fn exchange_with(&self, client: &Client, notes: &[CarriedNote]) -> Came {
        let via = client.vault_id();
        let mut came = Came::default();
        // Without randomness those of the first vaults go out.
        let notes = chosen(notes.to_vec(), random().unwrap_or_default());
        for about in self.others(&via).chunks(MOST) {
            match client.exchange_heads(&notes, about).await {
                Ok(taken) => came.and(self.take(about, taken, via).await),
                // The one that was asked may itself be what contradicts: told as well, whatever the call is about.
                Err(error) => {
                    came.add(error);
                    self.shared.exchanges.remember(&came.found);
                    break;
                }
            }
        }
        came
    }

    /// Waits for the disk beside the calls that go on. What is found is remembered also where nobody
    /// waits for it any more.
    async fn take(&self, about: &[VaultId], notes: Vec<CarriedNote>, via: VaultId) -> Came {
        let (shared, about) = (self.shared.clone(), about.to_vec());
        let taken = tokio::task::spawn_blocking(move || {
            let came = take(&shared.config.heads, &about, notes, via);
            shared.exchanges.remember(&came.found);
            came
        });
        taken.await.unwrap_or_else(|_| {
            let mut came = Came::default();
            came.fail(Error::new(ErrorCode::Internal));
            came
        })
    }
}

/// What came of heads that were taken.
#[derive(Default)]
struct Came {
    /// Rollbacks and forks.
    found: Vec<Error>,
    /// What could not be done, the first of it. It hides nothing of the rest.
    failed: Option<Error>,
}

impl Came {
    fn add(&mut self, error: Error) {
        match error.code.is_contradiction() {
            true => self.found.push(error),
            false => self.fail(error),
        }
    }

    fn fail(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }

    fn and(&mut self, other: Self) {
        self.found.extend(other.found);
        other.failed.into_iter().for_each(|error| self.fail(error));
    }

    fn result(self) -> Result<Vec<Error>> {
        self.failed.map_or(Ok(self.found), Err)
    }
}

/// What there is of these vaults, and the first file that could not be read: whoever uses its vault is
/// told of it as well.
fn to_carry(heads: &HeadStore, others: &[VaultId]) -> (Vec<CarriedNote>, Came) {
    let (mut notes, mut came) = (Vec::new(), Came::default());
    for other in others {
        match heads.to_carry(other) {
            Ok(carried) => notes.extend(carried),
            Err(error) => came.fail(error.vault(*other)),
        }
    }
    (notes, came)
}

/// Keeps what a vault had of those that it was asked about, a few heads of each.
fn take(heads: &HeadStore, about: &[VaultId], notes: Vec<CarriedNote>, via: VaultId) -> Came {
    let mut came = Came::default();
    let mut of_each: BTreeMap<VaultId, Vec<CarriedNote>> = BTreeMap::new();
    for note in notes {
        match whose(about, &note, via) {
            Ok(vault) => of_each.entry(vault).or_default().push(note),
            Err(error) => came.add(error),
        }
    }
    for (vault, mut notes) in of_each {
        notes.truncate(HEADS_OF_ONE);
        let errors = heads.take(&vault, &notes, via);
        errors.into_iter().for_each(|error| came.add(error));
    }
    came
}

/// A note is of the vault whose key comes with it; of vaults that are no members none was asked for.
fn whose(about: &[VaultId], note: &CarriedNote, via: VaultId) -> Result<VaultId> {
    let key = vault_audit::LogKey::from_spki(&note.identity_key).ok();
    let vault = key.map(|key| VaultId(key.vault_id()));
    vault.filter(|vault| about.contains(vault)).ok_or_else(|| {
        Error::new(ErrorCode::ReceiptInvalid)
            .vault(via)
            .detail("it carries a head of a vault that was not asked for")
    })
}

/// As many as one call takes. Where there are more, each exchange begins at another one, so that
/// none is left behind for ever.
fn chosen(mut notes: Vec<CarriedNote>, random: [u8; 8]) -> Vec<CarriedNote> {
    if notes.len() > MOST {
        let begin = u64::from_le_bytes(random) % notes.len() as u64;
        notes.rotate_left(begin as usize);
        notes.truncate(MOST);
    }
    notes
}

#[cfg(test)]
mod tests;
