//! `approve sign`

use super::approve_show::{find, is_file};
use super::{approve_json, approve_register};
use crate::approval_file::Asked;
use crate::cli::ApproveSign;
use crate::context::{Connected, Context, usage};
use crate::exit::Exit;
use crate::files;
use crate::output::{self, Human, Output};
use serde_json::{Value, json};
use vault_client::approval::{ApprovalAnswer, Decision, Gesture, OidcApproval};
use vault_client::constellation::Outcomes;
use vault_client::{Error, ErrorCode, Peer, Receipt, Result};

/// A decision, and what became of it on the vaults that were asked.
struct Decided {
    answer: ApprovalAnswer,
    vaults: Value,
    exit: Exit,
}

pub(crate) async fn run(context: &Context, args: ApproveSign) -> Result<Output> {
    let at_relay = !is_file(&args.what);
    if args.out.is_none() && !at_relay {
        return Err(usage("say where the answer goes: --out FILE"));
    }
    let asked = find(context, &args.what, &args.relay).await?;
    let decided = decide(context, &args, &asked.gesture).await?;
    if at_relay {
        let relay = args.relay.required(context)?;
        relay.answer(&args.what, &decided.answer).await?;
    }
    if let Some(out) = &args.out {
        files::write(out, &decided.answer.to_json())?;
    }
    let asked = Asked {
        answers: vec![decided.answer],
        ..asked
    };
    let mut json = approve_json::asked(&asked)?;
    json.insert("vaults".into(), decided.vaults);
    let stdout_taken = args.out.as_deref().is_some_and(files::is_dash);
    let human = match args.refuse {
        true => Human::Text("refused".to_owned()),
        false => approve_json::human(&asked, None)?,
    };
    Ok(Output {
        stdout_taken,
        ..Output::new(Value::Object(json), human).exit(decided.exit)
    })
}

async fn decide(context: &Context, args: &ApproveSign, gesture: &Gesture) -> Result<Decided> {
    let alone = |answer| Decided {
        answer,
        vaults: json!([]),
        exit: Exit::Done,
    };
    if args.refuse {
        return Ok(alone(ApprovalAnswer {
            challenge: gesture.challenge()?,
            decision: Decision::Refuse,
        }));
    }
    match &args.credential {
        Some(path) => {
            context.note("signed by a software credential: a key in a file");
            Ok(alone(approve_register::read(path)?.approve(gesture)?))
        }
        None => by_token(context, gesture).await,
    }
}

type Word = (Peer, OidcApproval, Receipt);

/// Every vault's word that this caller, a manager by their token, approves.
async fn by_token(context: &Context, gesture: &Gesture) -> Result<Decided> {
    let fleet = context.fleet(&context.config()?).await?;
    let vaults: Vec<_> = gesture.statements().map(|one| one.vault_id).collect();
    let outcomes = fleet
        .each(&vaults, async |connected: Connected| {
            let mut statements = gesture.statements();
            let own = statements.find(|one| one.vault_id == connected.client.vault_id());
            let own = own.ok_or_else(|| Error::new(ErrorCode::Internal))?;
            let answer = connected.client.issue_approval_token(own).await?;
            Ok((connected.peer, answer.value, answer.receipt))
        })
        .await;
    let exit = output::exit_of(&outcomes, 1, context.global.allow_partial)?;
    let tokens = outcomes.succeeded();
    let tokens = tokens.map(|(vault, (_, token, _))| (vault, token.clone()));
    let decision = Decision::ApproveByToken(tokens.collect());
    Ok(Decided {
        answer: ApprovalAnswer {
            challenge: gesture.challenge()?,
            decision,
        },
        vaults: entries(&outcomes),
        exit,
    })
}

fn entries(outcomes: &Outcomes<Word>) -> Value {
    let entries = outcomes.iter().map(|outcome| match &outcome.result {
        Ok((peer, _, receipt)) => output::vault(peer, Some(receipt)),
        Err(error) => output::failed_vault(outcome.vault_id, error),
    });
    entries.collect()
}
