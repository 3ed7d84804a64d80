//! What a record changes: the private half of a log record.

mod altered;
mod created;
#[cfg(test)]
mod tests;

pub(crate) use altered::{Alteration, Altered};
pub(crate) use created::{CreatedKey, type_code, type_of_code};

use crate::codec::{Malformed, Reader, Writer};
use crate::idempotency::Remembered;
use crate::reconfigure::InForce;
use vault_encoding::Hash;
use vault_policy::{Lineage, UnixSeconds};
use zeroize::Zeroizing;

/// The state delta of one record. A record without one has no change bytes.
pub(crate) enum Change {
    /// A key comes into being.
    Create(Box<CreatedKey>),
    /// A key goes for ever.
    Destroy {
        lineage: Lineage,
        remembered: Option<Remembered>,
    },
    /// The time floor rises.
    RaiseFloor(UnixSeconds),
    /// The log commits to a sealed snapshot.
    Snapshot { hash: Hash, next_sequence: u64 },
    /// Another trust configuration is in force.
    Govern(InForce),
    /// What stands beside a key's secret changes.
    Alter(Box<Altered>),
}

impl Change {
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Writer::with_capacity(self.roughly());
        match self {
            Self::Create(key) => {
                out.u8(1);
                key.write(&mut out);
            }
            Self::Destroy {
                lineage,
                remembered,
            } => {
                out.u8(2);
                out.fixed(lineage.0.as_bytes());
                Remembered::write_option(remembered.as_ref(), &mut out);
            }
            Self::RaiseFloor(floor) => {
                out.u8(3);
                out.u64(floor.0);
            }
            Self::Snapshot {
                hash,
                next_sequence,
            } => {
                out.u8(4);
                out.fixed(hash.as_bytes());
                out.u64(*next_sequence);
            }
            Self::Govern(in_force) => {
                out.u8(5);
                in_force.write(&mut out);
            }
            Self::Alter(altered) => altered.write(&mut out),
        }
        out.finish()
    }

    /// Bytes that are enough, but for the texts of a key: those make the buffer grow.
    fn roughly(&self) -> usize {
        match self {
            Self::Create(key) => 1024_usize
                .saturating_add(key.policy.len())
                .saturating_add(key.secret.len()),
            Self::Destroy { .. } | Self::RaiseFloor(_) | Self::Snapshot { .. } => 256,
            Self::Govern(in_force) => 256_usize.saturating_add(in_force.governance.len()),
            Self::Alter(altered) => 512_usize.saturating_add(altered.how.text_bytes()),
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Self>, Malformed> {
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut from = Reader::new(bytes);
        let change = match from.u8()? {
            1 => Self::Create(Box::new(CreatedKey::read(&mut from)?)),
            2 => Self::Destroy {
                lineage: Lineage(Hash(from.array()?)),
                remembered: Remembered::read_option(&mut from)?,
            },
            3 => Self::RaiseFloor(UnixSeconds(from.u64()?)),
            4 => Self::Snapshot {
                hash: Hash(from.array()?),
                next_sequence: from.u64()?,
            },
            5 => Self::Govern(InForce::read(&mut from)?),
            code => Self::Alter(Box::new(Altered::read(code, &mut from)?)),
        };
        from.end()?;
        Ok(Some(change))
    }
}
