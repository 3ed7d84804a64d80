//! Heads carried between the vaults, which never talk to each other: what this client has seen of
//! the others goes to each vault that it connects to, and what other clients left there comes back.

use super::Constellation;
use crate::calls::exchange::MOST;
use crate::client::{Client, random};
use crate::error::{Error, ErrorCode, Result};
use crate::heads::CarriedNote;
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
        to_carry: impl FnOnce() -> Result<Vec<CarriedNote>>,
    ) -> Result<Option<Vec<CarriedNote>>> {
        let mut all = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = all.get(&vault).filter(|last| last.session == session);
        let since = last.map_or(ANYWAY, |last| last.at.elapsed());
        if since < MOVED {
            return Ok(None);
        }
        let notes = to_carry()?;
        if since < ANYWAY && last.is_some_and(|last| last.handed == notes) {
            return Ok(None);
        }
        let last = Last {
            at: Instant::now(),
            session,
            handed: notes.clone(),
        };
        all.insert(vault, last);
        Ok(Some(notes))
    }
}

impl Constellation {
    /// Exchanges heads with this vault now: hands over what this client has seen of the others, and
    /// takes what others left there. Gives the rollbacks and forks that follow from it alone; what
    /// else was taken is held against its vault before that is used again.
    pub async fn exchange(&self, vault: &VaultId) -> Result<Vec<Error>> {
        let client = self.shared.directory.client(vault).await?;
        let notes = self.to_carry(vault)?;
        self.exchange_with(&client, &notes).await
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
        let to_carry = || self.to_carry(&vault);
        let due = self
            .shared
            .exchanges
            .is_due(vault, client.attestations(), to_carry);
        if let Ok(Some(notes)) = due {
            let longest = LONGEST.min(config.timeout);
            let _ = timeout(longest, self.exchange_with(client, &notes)).await;
        }
    }

    fn to_carry(&self, vault: &VaultId) -> Result<Vec<CarriedNote>> {
        let mut notes = Vec::new();
        for other in self.others(vault) {
            notes.extend(self.shared.config.heads.to_carry(&other)?);
        }
        Ok(notes)
    }

    fn others(&self, vault: &VaultId) -> Vec<VaultId> {
        let all = self.vault_ids();
        all.into_iter().filter(|other| other != vault).collect()
    }

    async fn exchange_with(&self, client: &Client, notes: &[CarriedNote]) -> Result<Vec<Error>> {
        let via = client.vault_id();
        let others = self.others(&via);
        let notes = &chosen(notes.to_vec(), random()?);
        let mut found = Vec::new();
        for about in others.chunks(MOST) {
            for note in client.exchange_heads(notes, about).await? {
                match self.take(&others, &note, via) {
                    Ok(()) => {}
                    Err(error) if error.code.is_contradiction() => found.push(error),
                    Err(error) => return Err(error),
                }
            }
        }
        let all = self.shared.exchanges.found.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        remember(&mut all, &found);
        Ok(found)
    }

    /// A note is of the vault whose key comes with it; of vaults that are no members none was
    /// asked for.
    fn take(&self, others: &[VaultId], note: &CarriedNote, via: VaultId) -> Result<()> {
        let foreign = || {
            let detail = "it carries a head of a vault that was not asked for";
            Error::new(ErrorCode::ReceiptInvalid)
                .vault(via)
                .detail(detail)
        };
        let key = vault_audit::LogKey::from_spki(&note.identity_key).map_err(|_| foreign())?;
        let vault = VaultId(key.vault_id());
        if !others.contains(&vault) {
            return Err(foreign());
        }
        self.shared.config.heads.take(&vault, note, via)
    }
}

/// Vaults that contradict themselves at every exchange must not fill the memory of who meets them.
fn remember(all: &mut Vec<Error>, found: &[Error]) {
    for error in found {
        let same = |known: &Error| known.code == error.code && known.vault_id == error.vault_id;
        if !all.iter().any(same) {
            all.push(error.clone());
        }
    }
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
mod tests {
    use super::*;

    #[test]
    fn of_contradictions_that_are_met_again_and_again_the_first_of_each_kind_is_kept() {
        let error = |code, vault: u8, detail: &str| {
            let vault = VaultId(vault_encoding::Hash([vault; 32]));
            Error::new(code).vault(vault).detail(detail)
        };
        let mut all = Vec::new();
        for round in 0..100 {
            let round = round.to_string();
            let rollback = error(ErrorCode::RollbackDetected, 1, &round);
            let fork = error(ErrorCode::ForkDetected, 1, &round);
            let other = error(ErrorCode::ForkDetected, 2, &round);
            remember(&mut all, &[rollback, fork, other]);
        }
        assert_eq!(all.len(), 3);
        let first = Some("0".to_owned());
        assert!(all.iter().all(|error| error.detail == first));
    }

    #[test]
    fn of_more_notes_than_one_call_takes_each_has_its_turn() {
        let note = |from: u8| CarriedNote {
            identity_key: vec![from],
            checkpoint: Vec::new(),
        };
        for all in [0, 1, MOST as u8, 40] {
            let mut carried = vec![false; usize::from(all)];
            for begin in 0..all.max(1) {
                let chosen = chosen((0..all).map(note).collect(), u64::from(begin).to_le_bytes());
                assert_eq!(chosen.len(), MOST.min(usize::from(all)));
                for note in chosen {
                    carried[usize::from(note.identity_key[0])] = true;
                }
            }
            assert!(carried.into_iter().all(|carried| carried));
        }
    }
}
