//! What changes of a live key: its policy, the profiles that wait to come into it, its deletion.

use crate::codec::{Malformed, Reader, Writer};
use crate::idempotency::{Remembered, Told};
use crate::state::Staged;
use std::sync::Arc;
use vault_encoding::Hash;
use vault_policy::{KeyPolicy, Lineage, PolicyVersion, UnixSeconds};

/// One key, changed by one record.
pub(crate) struct Altered {
    pub(crate) lineage: Lineage,
    pub(crate) how: Alteration,
    pub(crate) remembered: Option<Remembered>,
}

/// How a key changes. Each says everything that it makes of the key, so that nothing is judged again
/// when the log is read.
#[derive(Clone)]
pub(crate) enum Alteration {
    /// Another policy, of the next version.
    Policy {
        version: PolicyVersion,
        policy: Arc<KeyPolicy>,
    },
    /// One more proposal.
    Stage(Staged),
    /// Another policy, of the next version, which the proposal of this digest is in.
    Promote {
        digest: Hash,
        version: PolicyVersion,
        policy: Arc<KeyPolicy>,
    },
    /// The proposal of this digest goes.
    Revoke(Hash),
    /// From here the key does nothing; it may go from this second on.
    Schedule(UnixSeconds),
    /// It stays.
    Cancel,
}

const POLICY: u8 = 6;
const STAGE: u8 = 7;
const PROMOTE: u8 = 8;
const REVOKE: u8 = 9;
const SCHEDULE: u8 = 10;
const CANCEL: u8 = 11;

impl Altered {
    /// Code of the change ‖ lineage ‖ what changes ‖ remembered call.
    pub(super) fn write(&self, out: &mut Writer) {
        out.u8(self.how.code());
        out.fixed(self.lineage.0.as_bytes());
        self.how.write(out);
        Remembered::write_option(self.remembered.as_ref(), out);
    }

    pub(super) fn read(code: u8, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            lineage: Lineage(Hash(from.array()?)),
            how: Alteration::read(code, from)?,
            remembered: Remembered::read_option(from)?,
        })
    }
}

impl Alteration {
    /// Part of the frozen disk format.
    fn code(&self) -> u8 {
        match self {
            Self::Policy { .. } => POLICY,
            Self::Stage(_) => STAGE,
            Self::Promote { .. } => PROMOTE,
            Self::Revoke(_) => REVOKE,
            Self::Schedule(_) => SCHEDULE,
            Self::Cancel => CANCEL,
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            Self::Policy { version, policy } => write_policy(*version, policy, out),
            Self::Stage(staged) => staged.write(out),
            Self::Promote {
                digest,
                version,
                policy,
            } => {
                out.fixed(digest.as_bytes());
                write_policy(*version, policy, out);
            }
            Self::Revoke(digest) => out.fixed(digest.as_bytes()),
            Self::Schedule(due_at) => out.u64(due_at.0),
            Self::Cancel => {}
        }
    }

    fn read(code: u8, from: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(match code {
            POLICY => {
                let (version, policy) = read_policy(from)?;
                Self::Policy { version, policy }
            }
            STAGE => Self::Stage(Staged::read(from)?),
            PROMOTE => {
                let digest = Hash(from.array()?);
                let (version, policy) = read_policy(from)?;
                Self::Promote {
                    digest,
                    version,
                    policy,
                }
            }
            REVOKE => Self::Revoke(Hash(from.array()?)),
            SCHEDULE => Self::Schedule(UnixSeconds(from.u64()?)),
            CANCEL => Self::Cancel,
            _ => return Err(Malformed),
        })
    }

    /// The policy that the key is under from here, if it is another one, and its version.
    pub(crate) fn policy(&self) -> Option<(&Arc<KeyPolicy>, PolicyVersion)> {
        match self {
            Self::Policy { version, policy }
            | Self::Promote {
                version, policy, ..
            } => Some((policy, *version)),
            Self::Stage(_) | Self::Revoke(_) | Self::Schedule(_) | Self::Cancel => None,
        }
    }

    /// Bytes of the texts in it.
    pub(super) fn text_bytes(&self) -> usize {
        let staged = match self {
            Self::Stage(staged) => staged.profile.len(),
            _ => 0,
        };
        self.policy()
            .map_or(staged, |(policy, _)| policy.canonical_bytes().len())
    }

    /// What the answer to a repeat needs beside the request.
    pub(crate) fn told(&self) -> Told {
        match self {
            Self::Policy { policy, .. } | Self::Promote { policy, .. } => {
                Told::Policy(policy.hash())
            }
            Self::Schedule(due_at) => Told::Due(*due_at),
            Self::Stage(_) | Self::Revoke(_) | Self::Cancel => Told::Nothing,
        }
    }
}

fn write_policy(version: PolicyVersion, policy: &KeyPolicy, out: &mut Writer) {
    out.u64(version.0);
    out.bytes(policy.canonical_bytes());
}

fn read_policy(from: &mut Reader<'_>) -> Result<(PolicyVersion, Arc<KeyPolicy>), Malformed> {
    let version = PolicyVersion(from.u64()?);
    let policy = KeyPolicy::from_canonical(from.bytes()?).map_err(|_| Malformed)?;
    Ok((version, Arc::new(policy)))
}
