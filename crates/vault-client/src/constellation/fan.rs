//! Asking several vaults at once: every one, as many as are needed, or the first that answers.
//!
//! Nothing here knows what a vault is: `call` is handed a name and makes one call.

use super::outcome::{Outcome, Outcomes};
use crate::client::did_nothing;
use crate::error::{Error, ErrorCode, Result};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use vault_policy::VaultId;

/// Whether a call may be made again, elsewhere or twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It changes nothing: it may be hedged, and the answer that comes second dropped.
    None,
    /// Each call counts, such as a signature or a creation. It is made on one vault at a time, and
    /// on the next one only where the one before certainly did nothing: it was not reached, or it
    /// refused, and nothing that was sent to it before may have had an effect.
    Once,
}

/// The first answer, whose it is, and which vaults failed before it came.
#[derive(Clone, Debug)]
pub struct First<T> {
    /// The vault that answered.
    pub vault_id: VaultId,
    /// Its answer.
    pub value: T,
    /// Vaults that were asked and failed, in the order in which they did.
    pub failed: Vec<(VaultId, Error)>,
}

/// How far a call came that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reached {
    /// It was not made: there was no connection.
    Nowhere,
    /// Nothing that it sent had an effect, as far as its client counted.
    Vault,
    /// Something that it sent may have had its effect, whatever failed then.
    Effect,
}

/// A call that failed.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) error: Error,
    pub(crate) reached: Reached,
}

/// Asks every vault, all at once, and waits for all of them.
pub async fn each<T, F, R>(vaults: &[VaultId], call: F) -> Outcomes<T>
where
    F: Fn(VaultId) -> R,
    R: Future<Output = Result<T>>,
{
    let answered = ask_all(vaults, call).collect::<Vec<_>>().await;
    in_order(vaults, answered)
}

/// Asks every vault, all at once, and stops waiting `patience` after `enough` says that the
/// answers suffice. For calls without effect only: those that are still under way are dropped,
/// and reported as not waited for.
pub async fn gather<T, F, R>(
    vaults: &[VaultId],
    patience: Duration,
    enough: impl Fn(&[(usize, Result<T>)]) -> bool,
    call: F,
) -> Outcomes<T>
where
    F: Fn(VaultId) -> R,
    R: Future<Output = Result<T>>,
{
    let mut asked = ask_all(vaults, call);
    let mut answered = Vec::new();
    let mut until = None;
    loop {
        let next = match until {
            None => asked.next().await,
            Some(at) => tokio::select! {
                biased;
                next = asked.next() => next,
                () = sleep_until(at) => None,
            },
        };
        let Some(next) = next else { break };
        answered.push(next);
        if until.is_none() && enough(&answered) {
            until = Some(Instant::now() + patience);
        }
    }
    in_order(vaults, answered)
}

/// Asks the vaults in turn until one answers. A failure moves on at once; without one, a call
/// without effect moves on after `hedge_after` and the slower answers are dropped.
pub(crate) async fn first<T, F, R>(
    vaults: &[VaultId],
    effect: Effect,
    hedge_after: Duration,
    call: F,
) -> Result<First<T>>
where
    F: Fn(VaultId) -> R,
    R: Future<Output = Result<T, Attempt>>,
{
    let ask = |vault: VaultId| {
        let asked = call(vault);
        async move { (vault, asked.await) }
    };
    let mut waiting = vaults.iter().copied();
    let mut asked = FuturesUnordered::new();
    let mut failed = Vec::new();
    loop {
        if asked.is_empty() {
            match waiting.next() {
                Some(vault) => asked.push(ask(vault)),
                None => return Err(none_answered(failed)),
            }
        }
        let hedged = effect == Effect::None && waiting.len() > 0;
        tokio::select! {
            biased;
            Some((vault_id, result)) = asked.next() => match result {
                Ok(value) => return Ok(First { vault_id, value, failed }),
                Err(attempt) if effect == Effect::Once && may_have_happened(&attempt) => {
                    return Err(attempt.error);
                }
                Err(attempt) => {
                    failed.push((vault_id, attempt.error));
                    asked.extend(waiting.next().map(&ask));
                }
            },
            () = tokio::time::sleep(hedge_after), if hedged => {
                asked.extend(waiting.next().map(&ask));
            }
        }
    }
}

/// Whether a vault may have done what it did not confirm: only its refusal says that it has not.
fn may_have_happened(attempt: &Attempt) -> bool {
    match attempt.reached {
        Reached::Nowhere => false,
        Reached::Vault => !did_nothing(attempt.error.code),
        Reached::Effect => true,
    }
}

fn none_answered(failed: Vec<(VaultId, Error)>) -> Error {
    let all = failed.into_iter().map(|(vault_id, error)| Outcome::<()> {
        vault_id,
        result: Err(error),
    });
    let outcomes = Outcomes::new(all.collect());
    outcomes
        .error(1)
        .unwrap_or_else(|| Error::new(ErrorCode::TooFewVaults).detail("no vault was named"))
}

/// All calls under way, each with its place in `vaults`.
fn ask_all<T, F, R>(
    vaults: &[VaultId],
    call: F,
) -> FuturesUnordered<impl Future<Output = (usize, Result<T>)>>
where
    F: Fn(VaultId) -> R,
    R: Future<Output = Result<T>>,
{
    let numbered = vaults.iter().enumerate().map(|(at, vault)| {
        let asked = call(*vault);
        async move { (at, asked.await) }
    });
    numbered.collect()
}

/// One outcome a vault: those without an answer were not waited for.
fn in_order<T>(vaults: &[VaultId], answered: Vec<(usize, Result<T>)>) -> Outcomes<T> {
    let mut results: Vec<Option<Result<T>>> = vaults.iter().map(|_| None).collect();
    for (at, result) in answered {
        if let Some(slot) = results.get_mut(at) {
            *slot = Some(result);
        }
    }
    let all = vaults.iter().zip(results).map(|(vault, result)| Outcome {
        vault_id: *vault,
        result: result.unwrap_or_else(|| {
            Err(Error::new(ErrorCode::Timeout)
                .vault(*vault)
                .detail("not waited for: the others sufficed"))
        }),
    });
    Outcomes::new(all.collect())
}
