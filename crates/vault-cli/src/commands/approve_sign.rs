//! `approve sign`

use super::approve_review::Review;
use super::approve_show::{find, is_file};
use super::{approve_json, approve_register};
use crate::asked::Asked;
use crate::cli::ApproveSign;
use crate::context::{Connected, Context, usage};
use crate::exit::Exit;
use crate::files;
use crate::interruptible;
use crate::output::{self, Human, Output};
use crate::place;
use serde_json::{Value, json};
use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use vault_client::approval::{ApprovalAnswer, Decision, Gesture, OidcApproval};
use vault_client::constellation::Outcomes;
use vault_client::{Error, ErrorCode, Peer, Receipt, Result};
use vault_encoding::Hash;

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
    let challenge = challenge(&args, at_relay)?;
    let asked = find(context, &args.what, &args.relay).await?;
    is_the_one(&args, &asked.gesture, challenge)?;
    // INVARIANT: what is shown and what is signed is this one bundle; nothing is fetched in between.
    let review = match args.refuse {
        true => Review::default(),
        false => Review::of(&asked.gesture)?,
    };
    if !args.refuse {
        show(context, &args, &approve_json::human(&asked, &review, None)?)?;
        // A yes behind an interrupt is none.
        interruptible::look_up().await;
    }
    let decided = decide(context, &args, &asked.gesture).await?;
    if at_relay {
        let relay = args.relay.required(context)?;
        relay.answer(&args.what, &decided.answer).await?;
    }
    if let Some(out) = &args.out {
        files::write(out, &decided.answer.to_json())?;
    }
    let stdout_taken = args.out.as_deref().is_some_and(place::is_stdout);
    let human = Human::Fields(vec![
        (
            if args.refuse { "refused" } else { "approved" },
            asked.gesture.challenge()?.to_string(),
        ),
        ("answer", whereto(&args, at_relay)),
    ]);
    let asked = Asked {
        answers: vec![decided.answer],
        ..asked
    };
    let mut json = approve_json::asked(&asked, &review)?;
    json.insert("vaults".into(), decided.vaults);
    Ok(Output {
        stdout_taken,
        ..Output::new(Value::Object(json), human).exit(decided.exit)
    })
}

/// What was shown before, where somebody says so. A relay may hand out another request under the same
/// id, so that a yes which nobody is asked for is to something that is named.
fn challenge(args: &ApproveSign, at_relay: bool) -> Result<Option<Hash>> {
    if at_relay && args.yes && args.challenge.is_none() {
        return Err(usage(
            "a relay may hand out another request than the one that was shown: say which with \
             --challenge, or leave --yes out to be shown it and asked",
        )
        .next(format!("evault approve show {}", args.what)));
    }
    let Some(hex) = &args.challenge else {
        return Ok(None);
    };
    let read = Hash::from_hex(&hex.to_ascii_lowercase());
    let read = read.ok_or_else(|| usage("--challenge is not 32 bytes in hex"))?;
    Ok(Some(read))
}

fn is_the_one(args: &ApproveSign, gesture: &Gesture, shown: Option<Hash>) -> Result<()> {
    let found = gesture.challenge()?;
    match shown {
        Some(shown) if shown != found => Err(Error::new(ErrorCode::ApprovalRefused)
            .detail(format_args!(
                "this is another request than the one that was shown: its challenge is {found}"
            ))
            .next(format!("evault approve show {}", args.what))),
        _ => Ok(()),
    }
}

/// Shows what is about to be signed, and asks where nobody has said yes.
fn show(context: &Context, args: &ApproveSign, request: &Human) -> Result<()> {
    let unshown = |error| Error::new(ErrorCode::Internal).detail(error);
    if args.yes {
        return match context.shows_notes() {
            true => request.print(&mut stderr().lock()).map_err(unshown),
            false => Ok(()),
        };
    }
    if args.what == "-" || !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(usage("nobody is there to be asked: say --yes or --refuse"));
    }
    request.print(&mut stderr().lock()).map_err(unshown)?;
    write!(stderr(), "Approve all of this? Type yes: ").map_err(unshown)?;
    // INVARIANT: stderr is free while somebody is waited for: what ends the command is said there.
    let mut answer = String::new();
    stdin().lock().read_line(&mut answer).map_err(unshown)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(usage("not approved: nothing is signed")),
    }
}

fn whereto(args: &ApproveSign, at_relay: bool) -> String {
    let out = args.out.as_ref().map(|out| out.display().to_string());
    let relay = at_relay.then(|| "at the relay".to_owned());
    let both: Vec<_> = relay.into_iter().chain(out).collect();
    both.join(", ")
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
