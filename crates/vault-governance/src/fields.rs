//! Strict reading of canonical values: every member is named, and nothing else is there.

use crate::FormatError;
use std::collections::BTreeMap;
use std::str::FromStr;
use vault_encoding::Canonical;

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

    pub(crate) fn take(&mut self, name: &'static str) -> Result<&'a Canonical, FormatError> {
        self.0.remove(name).ok_or(FormatError::Missing(name))
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<&'a str, FormatError> {
        let value = self.take(name)?;
        value.as_text().ok_or(FormatError::Missing(name))
    }

    pub(crate) fn list(&mut self, name: &'static str) -> Result<&'a [Canonical], FormatError> {
        match self.take(name)? {
            Canonical::List(items) => Ok(items),
            Canonical::Text(_) | Canonical::Map(_) => Err(FormatError::Missing(name)),
        }
    }

    pub(crate) fn parsed<T: FromStr>(&mut self, name: &'static str) -> Result<T, FormatError> {
        parse(self.text(name)?, name)
    }

    /// A whole number in its one decimal spelling.
    pub(crate) fn number<T: FromStr + ToString>(
        &mut self,
        name: &'static str,
    ) -> Result<T, FormatError> {
        let text = self.text(name)?;
        let number: T = parse(text, name)?;
        if number.to_string() == text {
            Ok(number)
        } else {
            Err(FormatError::Malformed(name))
        }
    }

    /// The first member of every format.
    pub(crate) fn format(&mut self, expected: &'static str) -> Result<(), FormatError> {
        if self.text("format")? == expected {
            Ok(())
        } else {
            Err(FormatError::Format { expected })
        }
    }

    pub(crate) fn end(self) -> Result<(), FormatError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(FormatError::UnknownMember)
        }
    }
}

pub(crate) fn parse<T: FromStr>(text: &str, name: &'static str) -> Result<T, FormatError> {
    text.parse().map_err(|_| FormatError::Malformed(name))
}

/// Holds a count between 1 and `most`.
pub(crate) fn count(what: &'static str, found: usize, most: usize) -> Result<(), FormatError> {
    if (1..=most).contains(&found) {
        Ok(())
    } else {
        Err(FormatError::Count { what, found, most })
    }
}
