//! BeginApproval: whoever could do it with approvals. The statement is made when the call is carried out, its
//! nonce is remembered when it is recorded. Logged.

use crate::api::{Answer, Code, KeyRef, Refusal, Request};
use crate::approve::IN_THE_CIPHERTEXT;
use crate::authorize::{Call, Step};
use crate::caller::Principal;
use crate::leaf::{self, Draft, Record, Verdict};
use crate::limits::{APPROVAL_SECONDS, APPROVAL_SECONDS_MAX};
use crate::request_form;
use crate::stop::Stop;
use crate::vault::Vault;
use vault_approval::{ApprovalRequest, Beginner, Nonce, Statement};
use vault_audit::LeafError;
use vault_encoding::{Hash, sha256};
use vault_keys::Rng;
use vault_policy::{
    Action, Approvable, KeySubject, KeyVersion, UnixSeconds, VaultTime, type_allows, usage_allows,
};
use zeroize::Zeroizing;

const RPC: &str = "begin_approval";

/// A request that may be opened.
pub(crate) struct Begin {
    pub(crate) subject: KeySubject,
    pub(crate) beginner: Beginner<Principal>,
    pub(crate) draft: Draft,
    /// Everything but the nonce.
    statement: Statement,
}

/// A request that is open as soon as it is recorded.
pub(crate) struct Begun {
    pub(crate) nonce: Nonce,
    pub(crate) hash: Hash,
    pub(crate) not_after: UnixSeconds,
    pub(crate) statement: Vec<u8>,
    pub(crate) record: Record,
}

pub(crate) fn authorize(
    vault: &Vault,
    call: &Call<'_>,
    key: KeyRef,
    request: Vec<u8>,
    valid_for: u64,
) -> Step {
    let judged = judge(vault, call, &key, &request, valid_for);
    let text = request_form::canonical(&Request::BeginApproval {
        key,
        request,
        valid_for,
    });
    match judged {
        Ok((subject, statement)) => Step::Begin(Box::new(Begin {
            subject,
            beginner: call.caller.beginner(),
            draft: call.draft(RPC, Some(subject), text),
            statement,
        })),
        Err(stop) => call.refuse(stop, RPC, text),
    }
}

fn judge(
    vault: &Vault,
    call: &Call<'_>,
    key: &KeyRef,
    request: &[u8],
    valid_for: u64,
) -> Result<(KeySubject, Statement), Stop> {
    let seconds = match valid_for {
        0 => APPROVAL_SECONDS,
        1..=APPROVAL_SECONDS_MAX => valid_for,
        _ => {
            return Err(Stop::plain(
                Code::InvalidArgument,
                "valid_for: at most 86400",
            ));
        }
    };
    let (request, approvable) = read(request)?;
    let permitted = vault.permit(call, key, Action::BeginApproval(approvable))?;
    let (live, subject) = (&permitted.key, permitted.key.subject());
    if let Approvable::Operation(operation) = approvable {
        let gates = [
            (usage_allows(live.policy.usage(), operation), "usage"),
            (type_allows(live.key_type(), operation), "type"),
        ];
        for (open, reason) in gates {
            if !open {
                return Err(Stop::principal(Code::UsageDenied, &subject, reason));
            }
        }
    }
    if !is_present(&request, subject.version) {
        let code = Code::InvalidArgument;
        return Err(Stop::principal(code, &subject, "no_such_version"));
    }
    let VaultTime::Known { hi, .. } = call.time else {
        return Err(Stop::principal(Code::TimeUnknown, &subject, "time_unknown"));
    };
    let room = vault.nonces().has_room(call.caller.principal(), call.time);
    room.map_err(|_| Stop::principal(Code::QuotaExceeded, &subject, "quota"))?;
    let not_after = UnixSeconds(hi.0.saturating_add(seconds));
    let none = Nonce([0; 32]);
    let statement = vault.statement(call.caller, &subject, request, none, not_after);
    Ok((subject, statement))
}

/// The request and what it is to a policy.
pub(crate) fn read(request: &[u8]) -> Result<(ApprovalRequest, Approvable), Stop> {
    let refused = |detail: String| {
        let refusal = Refusal::new(Code::InvalidArgument);
        Stop::Plain(refusal.because(format!("request: {detail}")))
    };
    let request = ApprovalRequest::parse(request).map_err(|error| refused(error.to_string()))?;
    let approvable = Approvable::from_name(request.operation());
    let approvable = approvable.ok_or_else(|| refused("not of a policy".to_owned()))?;
    Ok((request, approvable))
}

/// Whether the version that the request names is there, or none is to be named.
pub(crate) fn is_present(request: &ApprovalRequest, version: KeyVersion) -> bool {
    match request {
        ApprovalRequest::Unwrap { key_version, .. } => *key_version == IN_THE_CIPHERTEXT,
        _ => request.key_version().is_none_or(|named| named == version),
    }
}

impl Begin {
    /// Draws the nonce and writes the record.
    pub(crate) fn make(&self, rng: &mut dyn Rng) -> Result<Begun, LeafError> {
        let mut nonce = [0; 32];
        rng.fill(&mut nonce);
        let nonce = Nonce(nonce);
        let statement = Statement {
            nonce,
            ..self.statement.clone()
        };
        let bytes = statement.canonical_bytes();
        let hash = sha256(&bytes);
        let outcome = format!("statement {hash}");
        let verdict = Verdict::Allowed(&outcome);
        let salt = leaf::salt(rng);
        Ok(Begun {
            nonce,
            hash,
            not_after: statement.not_after,
            statement: bytes,
            record: self.draft.record(salt, verdict, Zeroizing::default())?,
        })
    }
}

impl Begun {
    /// The answer, and the record that it rests on.
    pub(crate) fn answer(self) -> (Record, Answer) {
        let statement = self.statement;
        (self.record, Answer::BeginApproval { statement })
    }
}
