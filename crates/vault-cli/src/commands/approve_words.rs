//! What a request changes, and what it is done to, in words.

use super::approve_review::Review;
use super::policy_diff::{Takes, difference_json, in_words, line, takes_json};
use crate::output::printable;
use crate::policy_source;
use serde_json::Value;
use vault_client::Result;
use vault_client::approval::{ApprovalRequest, Statement};
use vault_encoding::text;
use vault_policy::{
    AttestationProfile, Difference, KeyPolicy, diff, required, required_for_promotion,
};

/// A digest and a little more; what is longer and no text stays what its hash says.
const SHORT: usize = 64;

/// What becomes of the policy, where it is at hand; `None` if nothing does.
fn change(statement: &Statement, review: &Review) -> Option<(Vec<Difference>, Takes)> {
    let old = review.policy.as_ref()?;
    match (&statement.request, &review.new_policy, &review.profile) {
        (ApprovalRequest::UpdatePolicy { .. }, Some(new), _) => {
            Some((diff(old, new), required(old, new)))
        }
        (ApprovalRequest::PromoteProfile { .. }, _, Some(profile)) => {
            Some((admission(old, profile), required_for_promotion(old)))
        }
        _ => None,
    }
}

/// The policy with this profile beside those that it has. The vault refuses one that cannot be.
fn admission(old: &KeyPolicy, profile: &AttestationProfile) -> Vec<Difference> {
    let mut fields = old.fields().clone();
    fields.principals.tees.push(profile.clone());
    let new = KeyPolicy::from_fields(fields);
    new.map_or_else(|_| Vec::new(), |new| diff(old, &new))
}

/// All of it, or null where nothing changes.
pub(super) fn differences(statement: &Statement, review: &Review) -> Value {
    let change = change(statement, review);
    change.map_or(Value::Null, |(all, _)| {
        all.iter().map(difference_json).collect()
    })
}

/// What the change takes.
pub(super) fn takes(statement: &Statement, review: &Review) -> Value {
    let change = change(statement, review);
    change.map_or(Value::Null, |(_, takes)| takes_json(&takes))
}

/// The same for people.
pub(super) fn changes(statement: &Statement, review: &Review) -> Option<String> {
    let (all, takes) = change(statement, review)?;
    let mut lines: Vec<_> = all.iter().map(line).collect();
    lines.push(in_words(&takes));
    Some(lines.join("\n"))
}

/// Every member of the profile.
pub(super) fn profile(profile: &AttestationProfile) -> Result<String> {
    let yaml = policy_source::to_yaml(&profile.to_canonical())?;
    Ok(yaml.trim_end().to_owned())
}

pub(super) fn profile_json(review: &Review) -> Value {
    let profile = review.profile.as_ref();
    profile.map_or(Value::Null, |profile| {
        policy_source::to_value(&profile.to_canonical())
    })
}

/// The payload, if it came along, is text and is no secret.
pub(super) fn payload_text<'a>(statement: &Statement, review: &'a Review) -> Option<&'a str> {
    let payload = review.payload.as_deref().filter(|_| !secret(statement))?;
    let text = std::str::from_utf8(payload).ok()?;
    let seen = !text.is_empty() && printable(text) == text && !text.contains(unseen);
    seen.then_some(text)
}

pub(super) fn payload(statement: &Statement, review: &Review) -> String {
    let Some(payload) = &review.payload else {
        return "was not sent: its length and hash are all that is known".to_owned();
    };
    if secret(statement) {
        return "is the one asked for, and not shown: it may be secret".to_owned();
    }
    match payload_text(statement, review) {
        Some(text) => format!("is the one signed for, as text:\n{text}"),
        None if payload.len() <= SHORT => {
            format!("is the one signed for, in hex:\n{}", text::hex(payload))
        }
        None => "is the one signed for, and no text".to_owned(),
    }
}

fn secret(statement: &Statement) -> bool {
    matches!(
        statement.request,
        ApprovalRequest::Wrap { .. } | ApprovalRequest::Unwrap { .. }
    )
}

/// Takes no room: two texts that differ look alike.
fn unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
        | '\u{e0000}'..='\u{e0fff}')
}
