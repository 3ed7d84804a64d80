//! ReadLog: the auditor role; durable leaves only. What is not in memory is for the caller of the core to
//! read from the archive.

use crate::api::{Answer, Code};
use crate::archive::ArchivedLeaves;
use crate::authorize::{Call, Step};
use crate::limits::LEAVES_PER_READ;
use crate::stop::Stop;
use crate::vault::Vault;

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, from: u64, to: u64) -> Step {
    match leaves(vault, call, from, to) {
        Ok(answer) => Step::ready(answer, 0),
        Err(stop) => call.refuse(stop, "read_log", Vec::new()),
    }
}

fn leaves(vault: &Vault, call: &Call<'_>, from: u64, to: u64) -> Result<Answer, Stop> {
    let token = call.caller.facts().token.as_ref();
    let auditor = &vault.config.roles.auditor;
    if !token.is_some_and(|token| vault.config.holds(token, auditor)) {
        return Err(Stop::role_required());
    }
    let durable = vault.durable().map_or(0, |committed| committed.head().size);
    let to = if to == 0 { durable } else { to };
    if from > to || to > durable {
        return Err(Stop::plain(Code::InvalidArgument, "no such leaves"));
    }
    let end = to.min(from.saturating_add(LEAVES_PER_READ));
    let answer = match vault.leaves.range(from..end) {
        Some(leaves) => Some(Answer::ReadLog { leaves }),
        None => ArchivedLeaves::find(vault, from..end)
            .map(Box::new)
            .map(Answer::ReadArchive),
    };
    answer.ok_or_else(|| Stop::plain(Code::Internal, "no such leaves"))
}
