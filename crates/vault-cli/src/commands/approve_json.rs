//! A request for approval in JSON and for people: all of it from the statements that are signed, and
//! from what was held to them.

use super::approve_review::{Review, digested};
use super::approve_words;
use crate::asked::Asked;
use crate::output::Human;
use crate::policy_text;
use crate::time_text::rfc3339;
use serde_json::{Map, Value, json};
use vault_client::approval::{ApprovalAnswer, Decision, Statement};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::{Canonical, text};

/// The first statement: what they all say but for vault, key and nonce.
fn first(asked: &Asked) -> Result<&Statement> {
    let mut statements = asked.gesture.statements();
    statements
        .next()
        .ok_or_else(|| Error::new(ErrorCode::Internal))
}

pub(super) fn asked(asked: &Asked, review: &Review) -> Result<Map<String, Value>> {
    let statement = first(asked)?;
    let statements = asked.gesture.statements().map(|statement| {
        json!({
            "vault_id": statement.vault_id.to_string(),
            "handle": statement.handle.to_string(),
            "lineage": statement.lineage.to_string(),
            "policy_version": statement.policy_version.0,
            "nonce": statement.nonce.to_string(),
            "not_after": rfc3339(statement.not_after.0),
        })
    });
    let mut json = Map::new();
    let mut put = |name: &str, value| json.insert(name.to_owned(), value);
    put("challenge", json!(asked.gesture.challenge()?.to_string()));
    put("operation", json!(statement.request.operation()));
    put(
        "request",
        policy_text::to_value(&statement.request.to_canonical()),
    );
    put("requester", requester(statement));
    put("policy_hash", json!(statement.policy_hash.to_string()));
    put("statements", statements.collect());
    put(
        "payload_matches",
        json!(review.payload.as_ref().map(|_| true)),
    );
    put(
        "payload_text",
        json!(approve_words::payload_text(statement, review)),
    );
    put("differences", approve_words::differences(statement, review));
    put("takes", approve_words::takes(statement, review));
    put("profile", approve_words::profile_json(review));
    put("note", json!(asked.gesture.bundle().context().note));
    put("answers", asked.answers.iter().map(answer).collect());
    Ok(json)
}

fn requester(statement: &Statement) -> Value {
    let whole = Canonical::from_bytes(&statement.canonical_bytes(), LIMITS);
    let requester = whole.ok().and_then(|whole| whole.get("requester").cloned());
    requester.map_or(Value::Null, |requester| policy_text::to_value(&requester))
}

const LIMITS: vault_encoding::Limits = vault_encoding::Limits {
    bytes: 64 << 10,
    depth: 16,
    nodes: 1024,
};

fn answer(answer: &ApprovalAnswer) -> Value {
    match &answer.decision {
        Decision::Approve(assertion) => json!({
            "decision": "approve",
            "credential_id": text::base64url(&assertion.credential_id),
        }),
        Decision::ApproveByToken(tokens) => {
            let tokens = tokens.iter().map(|(vault, token)| {
                json!({
                    "vault_id": vault.to_string(),
                    "manager": token.manager,
                    "issuer": token.by.issuer,
                    "subject": token.by.subject,
                })
            });
            json!({ "decision": "approve", "tokens": tokens.collect::<Value>() })
        }
        Decision::Refuse => json!({ "decision": "refuse" }),
    }
}

pub(super) fn human(asked: &Asked, review: &Review, id: Option<&str>) -> Result<Human> {
    let statement = first(asked)?;
    let mut fields = Vec::new();
    fields.extend(id.map(|id| ("id", id.to_owned())));
    fields.push(("operation", statement.request.operation().to_owned()));
    let request = policy_text::to_value(&statement.request.to_canonical());
    fields.push(("request", lines(&request)));
    fields.push(("asked by", lines(&requester(statement))));
    let places = asked.gesture.statements().map(|statement| {
        let until = rfc3339(statement.not_after.0);
        format!(
            "key {} on vault {}, until {until}",
            statement.handle, statement.vault_id
        )
    });
    fields.push(("once on each of", places.collect::<Vec<_>>().join("\n")));
    let hash = statement.policy_hash;
    let version = statement.policy_version.0;
    fields.push(("policy", format!("{hash} (version {version})")));
    if digested(&statement.request).is_some() {
        fields.push(("payload", approve_words::payload(statement, review)));
    }
    if let Some(profile) = &review.profile {
        fields.push(("profile", approve_words::profile(profile)?));
    }
    if let Some(changes) = approve_words::changes(statement, review) {
        fields.push(("changes", changes));
    }
    if let Some(note) = &asked.gesture.bundle().context().note {
        fields.push(("note, by whoever asks", note.clone()));
    }
    fields.push(("challenge", asked.gesture.challenge()?.to_string()));
    let answers = asked.answers.iter().map(|one| lines(&answer(one)));
    fields.push(("answers", answers.collect::<Vec<_>>().join("\n")));
    Ok(Human::Fields(fields))
}

/// One member a line.
fn lines(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let lines = members.iter().map(|(name, value)| match value {
                Value::String(text) => format!("{name}: {text}"),
                value => format!("{name}: {value}"),
            });
            lines.collect::<Vec<_>>().join("\n")
        }
        value => value.to_string(),
    }
}
