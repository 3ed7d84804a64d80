//! Simulate: every principal of the key, about itself. Does nothing and is not logged; strangers are answered as
//! about a key that does not exist.

use crate::api::{Answer, KeyRef, Request, Simulated};
use crate::authorize::{Call, SENDER, Step};
use crate::ops::begin_approval::{is_present, read};
use crate::request_form;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_approval::ApprovalRequest;
use vault_policy::{Approvable, sender_allows, simulate, type_allows, usage_allows};

pub(crate) fn authorize(vault: &Vault, call: &Call<'_>, key: KeyRef, request: Vec<u8>) -> Step {
    match judge(vault, call, &key, &request) {
        Ok((simulated, changed)) => Step::ready(Answer::Simulate(simulated), changed),
        Err(stop) => {
            let text = request_form::canonical(&Request::Simulate { key, request });
            call.refuse(stop, "simulate", text)
        }
    }
}

fn judge(
    vault: &Vault,
    call: &Call<'_>,
    key: &KeyRef,
    request: &[u8],
) -> Result<(Simulated, u64), Stop> {
    let (request, approvable) = read(request)?;
    let known = vault.known(call, key)?;
    let (live, subject) = (known.live, known.live.subject());
    let outcome = simulate(
        &live.policy,
        approvable.action(),
        &subject,
        call.facts(),
        call.time,
    );
    let simulated = match outcome.deny {
        Some(deny) => Simulated {
            allowed: false,
            code: deny.code(),
            rule: deny.rule().map(str::to_owned),
            condition: deny.condition().map(str::to_owned),
            missing: outcome.missing.iter().map(ToString::to_string).collect(),
        },
        None => behind_the_policy(call, live, &request, approvable),
    };
    Ok((simulated, known.changed))
}

/// The gates behind the policy, in their order.
fn behind_the_policy(
    call: &Call<'_>,
    live: &crate::state::LiveKey,
    request: &ApprovalRequest,
    approvable: Approvable,
) -> Simulated {
    let mut gates = vec![(
        sender_allows(live.key_type(), call.facts()),
        SENDER,
        "a token that is bound to its sender",
    )];
    gates.push((
        live.allows(approvable.action()).is_ok(),
        "pending_deletion",
        "a key that is not pending deletion",
    ));
    if let Approvable::Operation(operation) = approvable {
        gates.extend([
            (
                usage_allows(live.policy.usage(), operation),
                "usage",
                "a usage of the key that has this operation",
            ),
            (
                type_allows(live.key_type(), operation),
                "type",
                "a key of another type",
            ),
        ]);
    }
    gates.push((
        is_present(request, live.version),
        "no_such_version",
        "the version that the request names",
    ));
    let shut = gates.into_iter().find(|(open, ..)| !open);
    Simulated {
        allowed: shut.is_none(),
        code: shut.map_or("", |(_, code, _)| code),
        rule: None,
        condition: None,
        missing: shut
            .map(|(.., words)| words.to_owned())
            .into_iter()
            .collect(),
    }
}
