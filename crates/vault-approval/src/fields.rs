//! Strict reading of canonical values: every member is named, and nothing else is there.

use crate::FormatError;
use std::collections::BTreeMap;
use std::str::FromStr;
use vault_encoding::{Canonical, Hash, text};

/// The members of one object, taken one by one.
pub(crate) struct Fields<'a>(BTreeMap<&'a str, &'a Canonical>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Canonical, what: &'static str) -> Result<Self, FormatError> {
        match value {
            Canonical::Map(members) => Ok(Self(
                members
                    .iter()
                    .map(|(name, value)| (name.as_str(), value))
                    .collect(),
            )),
            Canonical::Text(_) | Canonical::List(_) => Err(FormatError::Missing(what)),
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Result<&'a Canonical, FormatError> {
        self.0.remove(name).ok_or(FormatError::Missing(name))
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<&'a str, FormatError> {
        let value = self.take(name)?;
        value.as_text().ok_or(FormatError::Missing(name))
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Result<&'a [Canonical], FormatError> {
        list(self.take(name)?, name)
    }

    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, FormatError> {
        let text = self.text(name)?;
        text.parse().map_err(|_| FormatError::Malformed(name))
    }

    /// A whole number in its one decimal spelling.
    pub(crate) fn number<T: FromStr + ToString>(
        &mut self,
        name: &'static str,
    ) -> Result<T, FormatError> {
        let text = self.text(name)?;
        let number: T = text.parse().map_err(|_| FormatError::Malformed(name))?;
        match number.to_string() == text {
            true => Ok(number),
            false => Err(FormatError::Malformed(name)),
        }
    }

    /// 32 bytes in lower-case hex.
    pub(crate) fn hash(&mut self, name: &'static str) -> Result<Hash, FormatError> {
        hash(self.text(name)?, name)
    }

    /// 32 bytes in lower-case hex, or the text `none`.
    pub(crate) fn hash_or_none(&mut self, name: &'static str) -> Result<Option<Hash>, FormatError> {
        match self.text(name)? {
            "none" => Ok(None),
            hex => hash(hex, name).map(Some),
        }
    }

    /// Bytes in base64url without padding.
    pub(crate) fn bytes(&mut self, name: &'static str) -> Result<Vec<u8>, FormatError> {
        text::unbase64url(self.text(name)?).ok_or(FormatError::Malformed(name))
    }

    /// A member whose value is fixed.
    pub(crate) fn fixed(
        &mut self,
        name: &'static str,
        expected: &'static str,
    ) -> Result<(), FormatError> {
        match self.text(name)? == expected {
            true => Ok(()),
            false => Err(FormatError::Format { expected }),
        }
    }

    pub(crate) fn end(self) -> Result<(), FormatError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(FormatError::UnknownMember),
        }
    }
}

pub(crate) fn list<'a>(
    value: &'a Canonical,
    name: &'static str,
) -> Result<&'a [Canonical], FormatError> {
    match value {
        Canonical::List(items) => Ok(items),
        Canonical::Text(_) | Canonical::Map(_) => Err(FormatError::Missing(name)),
    }
}

pub(crate) fn hash(hex: &str, name: &'static str) -> Result<Hash, FormatError> {
    Hash::from_hex(hex).ok_or(FormatError::Malformed(name))
}

/// Holds a count between `least` and `most`.
pub(crate) fn count(
    what: &'static str,
    found: usize,
    least: usize,
    most: usize,
) -> Result<(), FormatError> {
    match (least..=most).contains(&found) {
        true => Ok(()),
        false => Err(FormatError::Count { what, found, most }),
    }
}
