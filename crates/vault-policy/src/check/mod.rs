//! Names, references and bounds of a policy, however it was made.

mod condition;
mod mutability;
mod principals;
mod profile;
mod rules;

use crate::error::{Fault, PolicyError};
use crate::model::{KeyPolicy, PolicyFields};
use crate::operation::Operation;
use crate::profile::AttestationProfile;
use std::collections::BTreeSet;
use unicode_normalization::is_nfc;

type Checked = Result<(), PolicyError>;

pub(crate) fn well_formed(fields: &PolicyFields) -> Checked {
    principals::principals(fields)?;
    rules::rules(fields)?;
    usage(fields)?;
    mutability::mutability(fields)
}

fn usage(fields: &PolicyFields) -> Checked {
    let uses = |operation| Operation::USES.contains(operation);
    if fields.usage.operations.iter().all(uses) {
        return Ok(());
    }
    Err(Fault::Expected("operations that use a key").at("usage.operations"))
}

/// What holds for a profile outside of any policy; its name may be taken in one.
pub(crate) fn profile_alone(profile: &AttestationProfile) -> Checked {
    let mut reserved = BTreeSet::from(["any", "owner"]);
    name(&profile.name, &mut reserved, "name")?;
    self::profile::profile(profile, "")
}

/// Compared byte for byte everywhere, so nothing that looks alike may differ in its bytes.
pub(crate) fn identity(text: &str, path: &str) -> Checked {
    let good = (1..=KeyPolicy::MAX_NAME).contains(&text.len())
        && is_nfc(text)
        && !text.chars().any(char::is_control);
    if good {
        Ok(())
    } else {
        Err(Fault::BadIdentity.at(path))
    }
}

fn name<'a>(name: &'a str, taken: &mut BTreeSet<&'a str>, path: &str) -> Checked {
    identity(name, path)?;
    if taken.insert(name) {
        Ok(())
    } else {
        Err(Fault::NameTaken.at(path))
    }
}
