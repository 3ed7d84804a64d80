//! Keys whose time to be kept is over: they go, and nobody has to ask for it again.

use crate::change::Change;
use crate::leaf::{self, Draft, Verdict};
use crate::state::Slot;
use crate::vault::Vault;
use vault_keys::Rng;
use vault_policy::VaultTime;

/// Keys that go at one look; the others wait for the next one, and calls do not wait for all.
const AT_ONCE: usize = 64;

impl Vault {
    /// Destroys keys that may go for certain: the earliest second that it can be is not before theirs.
    pub(crate) fn destroy_due(&mut self, time: VaultTime, rng: &mut dyn Rng) {
        let VaultTime::Known { lo, .. } = time else {
            return;
        };
        for _ in 0..AT_ONCE {
            let Some(subject) = self.state.due(lo).map(Slot::subject) else {
                return;
            };
            let draft = Draft {
                handle: Some(subject.handle),
                subject: Some(subject),
                ..Draft::of_vault("delete_due", time)
            };
            let change = Change::Destroy {
                lineage: subject.lineage,
                remembered: None,
            };
            let verdict = Verdict::Allowed("ok");
            // An entry without principals and texts of callers always fits into a leaf.
            let Ok(record) = draft.record(leaf::salt(rng), verdict, change.encode()) else {
                return;
            };
            let gone = self.state.destroy(&subject.lineage, self.tree.size());
            self.forget(gone);
            self.append(record, false);
        }
    }
}
