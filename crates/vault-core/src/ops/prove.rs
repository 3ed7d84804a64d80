//! ProveInclusion and ProveConsistency: open to every authenticated caller, over durable heads.

use crate::api::{Answer, Code, Refusal};
use crate::authorize::Step;
use crate::vault::Vault;

pub(crate) fn inclusion(vault: &Vault, index: u64, size: u64) -> Step {
    let answer = within_durable(vault, size)
        .and_then(|()| vault.tree.inclusion(index, size))
        .zip(vault.tree.leaf_hash(index))
        .map(|(proof, leaf_hash)| Answer::ProveInclusion { proof, leaf_hash });
    answer_or_refuse(answer)
}

pub(crate) fn consistency(vault: &Vault, old_size: u64, new_size: u64) -> Step {
    let answer = within_durable(vault, new_size).and_then(|()| {
        Some(Answer::ProveConsistency {
            proof: vault.tree.consistency(old_size, new_size)?,
            old_root: vault.tree.root_at(old_size)?,
            new_root: vault.tree.root_at(new_size)?,
        })
    });
    answer_or_refuse(answer)
}

fn within_durable(vault: &Vault, size: u64) -> Option<()> {
    (size <= vault.durable()?.head().size).then_some(())
}

fn answer_or_refuse(answer: Option<Answer>) -> Step {
    match answer {
        Some(answer) => Step::ready(answer, 0),
        None => Step::TurnAway {
            refusal: Refusal::new(Code::InvalidArgument).because("no such sizes of the log"),
            needs: 0,
            counted: false,
        },
    }
}
