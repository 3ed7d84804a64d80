//! `approve request`

use super::approve_json;
use super::approve_review::Review;
use super::approve_simulate;
use super::approve_what::What;
use super::key_holders::{self, Done};
use crate::asked::Asked;
use crate::cli::{ApproveRequest, KeyArg};
use crate::client_key;
use crate::context::{Context, usage};
use crate::files;
use crate::key_ref;
use crate::output::{self, Output};
use crate::place;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use vault_client::approval::{ApprovalRequest, Context as Shown, Decision, Gesture, Relay};
use vault_client::approval::{Statement, mailbox};
use vault_client::constellation::Outcomes;
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::{Hash, text};
use vault_policy::{Credential, KeyPolicy};

/// Between two looks at a relay.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(context: &Context, args: &ApproveRequest) -> Result<Output> {
    if args.dry_run {
        return approve_simulate::run(context, args).await;
    }
    if args.out.is_none() && args.relay.relay.is_none() {
        return Err(usage(
            "say where the request goes: --out FILE or --relay URL",
        ));
    }
    let mut what = What::read(&args.what)?;
    let named = named(args)?;
    let relay = args.relay.open(context)?;
    client_key::make(context, &context.config()?)?;
    let first = Known::of(context, &args.key).await?;
    // Before a vault logs that it was asked: a request that nobody can get is none.
    let relay = match relay {
        Some(relay) => Some((relay, mailboxes(named, first.policy.as_ref())?)),
        None => None,
    };
    what.fetch(context, args).await?;
    let request = what.request(&args.what, &first)?;
    let outcomes = begin(context, args, &request).await?;
    let gesture = gesture(&outcomes, what.shown(args, &first))?;
    // No wallet shows what this refuses.
    let review = Review::of(&gesture)?;
    let mut asked = Asked {
        gesture,
        answers: Vec::new(),
    };
    let mut id = None;
    if let Some((relay, mailboxes)) = relay {
        let posted = relay
            .post(&asked.gesture, &mailboxes, args.valid_for)
            .await?;
        context.note(&format!("request {posted} waits at the relay"));
        if let Some(seconds) = args.wait {
            let patience = Duration::from_secs(seconds);
            asked.answers = wait(&relay, &posted, &asked.gesture, patience, args.answers).await?;
        }
        id = Some(posted);
    }
    if let Some(out) = &args.out {
        files::write(out, &asked.to_file()?)?;
    }
    told(context, (&asked, &review), id, args, &outcomes)
}

/// What is known of the key before it is asked for: as its owner, everything.
pub(super) struct Known {
    pub(super) info: Option<vault_client::KeyInfo>,
    pub(super) policy: Option<KeyPolicy>,
}

impl Known {
    pub(super) async fn of(context: &Context, key: &KeyArg) -> Result<Self> {
        let fleet = context.fleet(&context.config()?).await?;
        let vaults = key_ref::candidates(&fleet, key)?;
        let asked = fleet
            .any(&vaults, async |connected| {
                let key = key_ref::resolve(&connected.client, key).await?;
                let info = allowed(key.info(&connected.client).await)?;
                let policy = allowed(connected.client.policy(key.name).await)?;
                let policy = policy.map(|answer| super::policy_edit::policy_of(&answer.value.0));
                Ok(Self {
                    info,
                    policy: policy.transpose()?,
                })
            })
            .await;
        let error = asked.error(1);
        let mut known = asked.into_iter().filter_map(|outcome| outcome.result.ok());
        let nobody = || Error::new(ErrorCode::NotFound).detail(&key.key);
        known.next().ok_or_else(|| error.unwrap_or_else(nobody))
    }
}

/// Who may use a key may not always read it.
fn allowed<T>(asked: Result<T>) -> Result<Option<T>> {
    match asked {
        Ok(answer) => Ok(Some(answer)),
        Err(error) => match error.code {
            ErrorCode::PolicyDenied | ErrorCode::RoleRequired | ErrorCode::PendingDeletion => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

async fn begin(
    context: &Context,
    args: &ApproveRequest,
    request: &ApprovalRequest,
) -> Result<Outcomes<Done<Statement>>> {
    key_holders::each(context, &args.key, async |connected, key| {
        let client = &connected.client;
        client
            .begin_approval(key.name, request, args.valid_for)
            .await
    })
    .await
}

fn gesture(outcomes: &Outcomes<Done<Statement>>, shown: Shown) -> Result<Gesture> {
    let statements: Vec<_> = outcomes
        .succeeded()
        .map(|(_, done)| done.value.clone())
        .collect();
    if statements.is_empty() {
        let nobody = || Error::new(ErrorCode::Internal);
        return Err(outcomes.error(1).unwrap_or_else(nobody));
    }
    Gesture::new(statements, shown)
}

/// The credentials that --to names.
fn named(args: &ApproveRequest) -> Result<BTreeSet<Vec<u8>>> {
    let ids = args.to.iter().map(|id| text::unbase64url(id));
    ids.map(|id| id.ok_or_else(|| usage("--to is not base64url")))
        .collect()
}

/// Those of the managers that are named, or of all of the policy and the owner's second factor.
fn mailboxes(named: BTreeSet<Vec<u8>>, policy: Option<&KeyPolicy>) -> Result<Vec<Hash>> {
    let mut ids = named;
    if let (Some(policy), true) = (policy, ids.is_empty()) {
        let principals = &policy.fields().principals;
        let credentials = principals.managers.iter().flat_map(|one| &one.credentials);
        ids.extend(credentials.filter_map(|credential| match credential {
            Credential::Fido2(fido2) => Some(fido2.credential_id.clone()),
            Credential::Oidc(_) => None,
        }));
        let second = principals.owner.second_factor.as_ref();
        ids.extend(second.map(|fido2| fido2.credential_id.clone()));
    }
    if ids.is_empty() {
        return Err(usage("no credential is known to ask: name them with --to"));
    }
    Ok(ids.iter().map(|id| mailbox(id)).collect())
}

/// Looks at the relay until as many have approved as are waited for, or one has refused.
async fn wait(
    relay: &Relay,
    id: &str,
    gesture: &Gesture,
    patience: Duration,
    enough: usize,
) -> Result<Vec<vault_client::approval::ApprovalAnswer>> {
    let challenge = gesture.challenge()?;
    let begun = Instant::now();
    loop {
        let mut answers = relay.answers(id).await?;
        answers.retain(|answer| answer.challenge == challenge);
        if answers.iter().any(|one| one.decision == Decision::Refuse) {
            return Err(Error::new(ErrorCode::ApprovalRefused).detail("a manager has refused"));
        }
        if answers.len() >= enough {
            return Ok(answers);
        }
        if begun.elapsed() >= patience {
            let count = answers.len();
            return Err(Error::new(ErrorCode::Timeout)
                .detail(format_args!("{count} of {enough} answers at the relay"))
                .next(format!("evault approve show {id}")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn told(
    context: &Context,
    (asked, review): (&Asked, &Review),
    id: Option<String>,
    args: &ApproveRequest,
    outcomes: &Outcomes<Done<Statement>>,
) -> Result<Output> {
    let mut json = approve_json::asked(asked, review)?;
    json.insert("id".into(), json!(id));
    json.insert("file".into(), json!(args.out));
    let entries = outcomes.iter().map(|outcome| match &outcome.result {
        Ok(done) => output::vault(&done.peer, Some(&done.receipt)),
        Err(error) => output::failed_vault(outcome.vault_id, error),
    });
    json.insert("vaults".into(), entries.collect());
    let exit = output::exit_of(outcomes, 1, context.global.allow_partial)?;
    let stdout_taken = args.out.as_deref().is_some_and(place::is_stdout);
    let human = approve_json::human(asked, review, id.as_deref())?;
    Ok(Output {
        stdout_taken,
        ..Output::new(Value::Object(json), human).exit(exit)
    })
}
