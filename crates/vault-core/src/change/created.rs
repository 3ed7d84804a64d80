//! What is kept of a new key.

use crate::api::Label;
use crate::codec::{Malformed, Reader, Writer};
use crate::idempotency::Remembered;
use vault_keys::SECRET_LEN;
use vault_policy::{KeyHandle, KeyType, KeyVersion, PolicyVersion, UnixSeconds};
use zeroize::Zeroizing;

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
