//! What became of one operation on several vaults. A failure is never left out.

use crate::error::{Error, ErrorCode, Result, Retry};
use vault_policy::VaultId;

/// What became of it on one vault.
#[derive(Clone, Debug)]
pub struct Outcome<T> {
    /// The vault.
    pub vault_id: VaultId,
    /// Its answer, or why there is none.
    pub result: Result<T>,
}

/// Whether enough vaults did what was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Goal {
    /// Every vault did.
    Met,
    /// Enough did, and others did not.
    Partial,
    /// Fewer than needed did. What was done is not undone.
    TooFewVaults,
}

/// One outcome for every vault that was asked, in the order in which they were named.
#[derive(Clone, Debug)]
pub struct Outcomes<T> {
    all: Vec<Outcome<T>>,
}

impl<T> Outcomes<T> {
    /// These.
    pub fn new(all: Vec<Outcome<T>>) -> Self {
        Self { all }
    }

    /// All of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Outcome<T>> {
        self.all.iter()
    }

    /// Vaults that did it, with their answers.
    pub fn succeeded(&self) -> impl Iterator<Item = (VaultId, &T)> {
        self.all
            .iter()
            .filter_map(|outcome| Some((outcome.vault_id, outcome.result.as_ref().ok()?)))
    }

    /// Vaults that did not, and why.
    pub fn failed(&self) -> impl Iterator<Item = (VaultId, &Error)> {
        self.all
            .iter()
            .filter_map(|outcome| Some((outcome.vault_id, outcome.result.as_ref().err()?)))
    }

    /// A rollback or a fork among the failures.
    pub fn evidence(&self) -> Option<&Error> {
        let mut failed = self.failed().map(|(_, error)| error);
        failed.find(|error| error.code.is_contradiction())
    }

    /// Whether at least `need` vaults did it.
    pub fn goal(&self, need: usize) -> Goal {
        let done = self.succeeded().count();
        if done < need {
            Goal::TooFewVaults
        } else if done == self.all.len() {
            Goal::Met
        } else {
            Goal::Partial
        }
    }

    /// The error for what `goal` says; none where every vault did it. Where too few did it, evidence
    /// against one of them is the error; else, where all that failed refused for one and the same
    /// reason, and none did it, that reason.
    pub fn error(&self, need: usize) -> Option<Error> {
        match self.goal(need) {
            Goal::Met => None,
            Goal::Partial => Some(Error::new(ErrorCode::Partial).detail(self.why())),
            Goal::TooFewVaults => Some(self.one_reason().unwrap_or_else(|| {
                let done = self.succeeded().count();
                let why = self.why();
                Error::new(ErrorCode::TooFewVaults)
                    .detail(format_args!("{done} of the {need} that are needed; {why}"))
            })),
        }
    }

    fn one_reason(&self) -> Option<Error> {
        if let Some(evidence) = self.evidence() {
            return Some(evidence.clone());
        }
        let (_, first) = self.failed().next()?;
        let same = self.failed().all(|(_, error)| error.code == first.code);
        let none = self.succeeded().next().is_none();
        (none && same && first.retry != Retry::Later).then(|| first.clone())
    }

    /// Which vaults failed, and why.
    fn why(&self) -> String {
        let reasons: Vec<_> = self
            .failed()
            .map(|(vault_id, error)| format!("{vault_id}: {}", error.code))
            .collect();
        reasons.join(", ")
    }
}

impl<T> IntoIterator for Outcomes<T> {
    type Item = Outcome<T>;
    type IntoIter = std::vec::IntoIter<Outcome<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.all.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Outcomes<T> {
    type Item = &'a Outcome<T>;
    type IntoIter = std::slice::Iter<'a, Outcome<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vault_encoding::sha256;

    fn outcomes(results: &[Result<u8, ErrorCode>]) -> Outcomes<u8> {
        let all = results.iter().enumerate().map(|(at, result)| Outcome {
            vault_id: VaultId(sha256(&[at as u8])),
            result: result.map_err(Error::new),
        });
        Outcomes::new(all.collect())
    }

    #[test]
    fn a_failure_is_never_hidden_by_a_goal_that_was_met() {
        let two_of_three = outcomes(&[Ok(1), Err(ErrorCode::Unavailable), Ok(3)]);
        assert_eq!(two_of_three.goal(2), Goal::Partial);
        let error = two_of_three.error(2).unwrap();
        assert_eq!(error.code, ErrorCode::Partial);
        let (failed, _) = two_of_three.failed().next().unwrap();
        assert!(error.message().contains(&failed.to_string()), "{error}");
        assert_eq!(two_of_three.goal(3), Goal::TooFewVaults);
        assert_eq!(two_of_three.error(3).unwrap().code, ErrorCode::TooFewVaults);
        assert_eq!(outcomes(&[Ok(1), Ok(2)]).goal(1), Goal::Met);
        assert_eq!(outcomes(&[Ok(1), Ok(2)]).error(1), None);
    }

    #[test]
    fn a_refusal_that_all_share_is_the_error_and_unreachable_vaults_are_too_few() {
        let denied = outcomes(&[Err(ErrorCode::PolicyDenied), Err(ErrorCode::PolicyDenied)]);
        assert_eq!(denied.error(1).unwrap().code, ErrorCode::PolicyDenied);
        let away = outcomes(&[Err(ErrorCode::Unavailable), Err(ErrorCode::Unavailable)]);
        assert_eq!(away.error(1).unwrap().code, ErrorCode::TooFewVaults);
        let mixed = outcomes(&[Err(ErrorCode::PolicyDenied), Err(ErrorCode::Locked)]);
        assert_eq!(mixed.error(1).unwrap().code, ErrorCode::TooFewVaults);
    }

    #[test]
    fn evidence_against_a_vault_is_the_error_where_too_few_did_it_whatever_else_failed() {
        let fork = ErrorCode::ForkDetected;
        let away = outcomes(&[Err(ErrorCode::Unavailable), Err(fork), Ok(1)]);
        assert_eq!(away.error(2).unwrap().code, fork);
        assert_eq!(away.error(1).unwrap().code, ErrorCode::Partial);
        assert_eq!(away.evidence().unwrap().code, fork);
        assert_eq!(outcomes(&[Ok(1)]).evidence(), None);
    }
}
