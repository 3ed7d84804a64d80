//! The policy of a secret's shares, as vaults tell it and as a generation may be stored under.

use crate::error::{Error, ErrorCode, Result};
use std::time::{SystemTime, UNIX_EPOCH};
use vault_policy::{KeyPolicy, KeyType, UnixSeconds, VaultTime, validate};

/// The policy that at least `threshold` vaults tell, byte for byte, one answer of each vault.
/// `None` if there is no such policy, or more than one: fewer than `threshold` vaults cannot
/// have another one taken for it.
pub fn agreed_policy(answers: &[Vec<u8>], threshold: u8) -> Option<Vec<u8>> {
    let told = |policy: &Vec<u8>| answers.iter().filter(|answer| *answer == policy).count();
    let mut agreed = answers
        .iter()
        .filter(|policy| told(policy) >= usize::from(threshold));
    let first = agreed.next()?;
    agreed.all(|policy| policy == first).then(|| first.clone())
}

/// Refuses a policy under which nobody, now or later, could read the shares that are stored with
/// it: the shares that can be read are destroyed when those are in force.
pub(super) fn check_readable(policy: &[u8]) -> Result<()> {
    let policy = KeyPolicy::from_canonical(policy).map_err(|error| unreadable(&error))?;
    if policy.fields().lifecycle.sealed_forever {
        return Err(unreadable(&"it is sealed_forever"));
    }
    // A share's usage can have nothing but `reconstruct`, and somebody must be able to.
    validate(&policy, KeyType::RawShare, now()).map_err(|invalid| unreadable(&invalid))
}

fn unreadable(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorCode::PolicyInvalid).detail(format_args!(
        "the new shares could not be read under this policy: {why}"
    ))
}

fn now() -> VaultTime {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => {
            let now = UnixSeconds(since.as_secs());
            VaultTime::Known { lo: now, hi: now }
        }
        Err(_) => VaultTime::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::agreed_policy;

    fn answers(of: &[&str]) -> Vec<Vec<u8>> {
        of.iter().map(|policy| policy.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_policy_is_agreed_on_by_the_threshold_and_by_no_fewer() {
        let told = answers(&["a", "forged", "a"]);
        assert_eq!(agreed_policy(&told, 2), Some(b"a".to_vec()));
        assert_eq!(agreed_policy(&told, 3), None);
        assert_eq!(agreed_policy(&[], 0), None);
    }

    #[test]
    fn of_two_policies_that_the_threshold_tells_none_is_taken() {
        let told = answers(&["a", "b", "b", "a"]);
        assert_eq!(agreed_policy(&told, 2), None);
        assert_eq!(agreed_policy(&told, 1), None);
    }
}
