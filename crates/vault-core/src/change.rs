//! What a record changes: the private half of a log record.

use crate::api::Label;
use crate::codec::{Malformed, Reader, Writer};
use crate::idempotency::Remembered;
use crate::reconfigure::InForce;
use vault_encoding::Hash;
use vault_keys::SECRET_LEN;
use vault_policy::{KeyHandle, KeyType, KeyVersion, Lineage, PolicyVersion, UnixSeconds};
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
}

/// Everything that is kept of a key, but its lineage: that follows from the leaf.
pub(crate) struct CreatedKey {
    pub(crate) handle: KeyHandle,
    pub(crate) key_type: KeyType,
    pub(crate) version: KeyVersion,
    pub(crate) policy_version: PolicyVersion,
    pub(crate) created_at: UnixSeconds,
    pub(crate) name: String,
    pub(crate) labels: Vec<Label>,
    pub(crate) policy: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) secret: Zeroizing<Box<[u8]>>,
    pub(crate) remembered: Option<Remembered>,
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
            _ => return Err(Malformed),
        };
        from.end()?;
        Ok(Some(change))
    }
}

impl CreatedKey {
    pub(crate) fn write(&self, out: &mut Writer) {
        out.fixed(&self.handle.0);
        out.u8(type_code(self.key_type));
        out.u32(self.version.0);
        out.u64(self.policy_version.0);
        out.u64(self.created_at.0);
        out.bytes(self.name.as_bytes());
        out.u32(u32::try_from(self.labels.len()).unwrap_or(u32::MAX));
        for label in &self.labels {
            out.bytes(label.name.as_bytes());
            out.bytes(label.value.as_bytes());
        }
        out.bytes(&self.policy);
        out.bytes(&self.public_key);
        match self.key_type {
            KeyType::RawShare => out.bytes(&self.secret),
            _ => out.fixed(&self.secret),
        }
        Remembered::write_option(self.remembered.as_ref(), out);
    }

    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        let handle = KeyHandle(from.array()?);
        let key_type = type_of_code(from.u8()?)?;
        Ok(Self {
            handle,
            key_type,
            version: KeyVersion(from.u32()?),
            policy_version: PolicyVersion(from.u64()?),
            created_at: UnixSeconds(from.u64()?),
            name: from.text()?,
            labels: read_labels(from)?,
            policy: from.bytes()?.to_vec(),
            public_key: from.bytes()?.to_vec(),
            secret: read_secret(key_type, from)?,
            remembered: Remembered::read_option(from)?,
        })
    }

    /// Goes to its end.
    pub(crate) fn skip(from: &mut Reader<'_>) -> Result<(), Malformed> {
        from.fixed(16)?;
        let key_type = type_of_code(from.u8()?)?;
        from.fixed(4 + 8 + 8)?;
        from.bytes()?;
        for _ in 0..from.u32()? {
            from.bytes()?;
            from.bytes()?;
        }
        from.bytes()?;
        from.bytes()?;
        secret_of(key_type, from)?;
        Remembered::read_option(from).map(drop)
    }
}

fn read_secret(
    key_type: KeyType,
    from: &mut Reader<'_>,
) -> Result<Zeroizing<Box<[u8]>>, Malformed> {
    let bytes = secret_of(key_type, from)?;
    Ok(Zeroizing::new(Box::from(bytes)))
}

/// A share stands behind its length; every other secret is as long as all of its type.
fn secret_of<'a>(key_type: KeyType, from: &mut Reader<'a>) -> Result<&'a [u8], Malformed> {
    match key_type {
        KeyType::RawShare => from.bytes(),
        _ => from.fixed(SECRET_LEN),
    }
}

fn read_labels(from: &mut Reader<'_>) -> Result<Vec<Label>, Malformed> {
    (0..from.u32()?)
        .map(|_| {
            Ok(Label {
                name: from.text()?,
                value: from.text()?,
            })
        })
        .collect()
}

/// Part of the frozen disk format.
pub(crate) fn type_code(key_type: KeyType) -> u8 {
    match key_type {
        KeyType::P256Signing => 1,
        KeyType::Ed25519Signing => 2,
        KeyType::Aes256Gcm => 3,
        KeyType::HmacSha256 => 4,
        KeyType::RawShare => 5,
    }
}

pub(crate) fn type_of_code(code: u8) -> Result<KeyType, Malformed> {
    KeyType::ALL
        .into_iter()
        .find(|&known| type_code(known) == code)
        .ok_or(Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created() -> CreatedKey {
        CreatedKey {
            handle: KeyHandle([9; 16]),
            key_type: KeyType::P256Signing,
            version: KeyVersion(1),
            policy_version: PolicyVersion(1),
            created_at: UnixSeconds(7),
            name: "release".into(),
            labels: vec![Label {
                name: "team".into(),
                value: "a".into(),
            }],
            policy: b"{}".to_vec(),
            public_key: vec![4; 5],
            secret: Zeroizing::new(Box::new([3; SECRET_LEN])),
            remembered: None,
        }
    }

    /// Stores of that time open for ever.
    #[test]
    fn a_key_that_is_no_share_is_encoded_as_before_there_were_shares() {
        let text = |text: &str| [&(text.len() as u32).to_be_bytes()[..], text.as_bytes()].concat();
        let parts = [
            vec![1],
            vec![9; 16],
            vec![1],
            1u32.to_be_bytes().to_vec(),
            1u64.to_be_bytes().to_vec(),
            7u64.to_be_bytes().to_vec(),
            text("release"),
            1u32.to_be_bytes().to_vec(),
            text("team"),
            text("a"),
            text("{}"),
            text("\u{4}\u{4}\u{4}\u{4}\u{4}"),
            vec![3; 32],
            vec![0],
        ];
        let change = Change::Create(Box::new(created()));
        assert_eq!(*change.encode(), parts.concat());
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes_and_no_cut_of_it_decodes() {
        let changes = [
            Change::Create(Box::new(created())),
            Change::Destroy {
                lineage: Lineage(Hash([1; 32])),
                remembered: None,
            },
            Change::RaiseFloor(UnixSeconds(5)),
            Change::Snapshot {
                hash: Hash([2; 32]),
                next_sequence: 4,
            },
            Change::Govern(InForce {
                generation: 1,
                trust_root: Hash([2; 32]),
                governance: vec![5; 3],
            }),
            Change::Create(Box::new(CreatedKey {
                key_type: KeyType::RawShare,
                public_key: Vec::new(),
                secret: Zeroizing::new(Box::new([3; 320])),
                ..created()
            })),
        ];
        for change in changes {
            let bytes = change.encode();
            let again = Change::decode(&bytes).unwrap().unwrap().encode();
            assert_eq!(*again, *bytes);
            for cut in 1..bytes.len() {
                assert!(Change::decode(&bytes[..cut]).is_err(), "{cut}");
            }
            let longer = [bytes.as_slice(), &[0]].concat();
            assert!(Change::decode(&longer).is_err());
            if let Some(Change::Create(_)) = Change::decode(&bytes).unwrap() {
                let mut from = Reader::new(&bytes[1..]);
                CreatedKey::skip(&mut from).unwrap();
                assert_eq!(from.end(), Ok(()));
            }
        }
        assert!(matches!(Change::decode(&[]), Ok(None)));
    }
}
