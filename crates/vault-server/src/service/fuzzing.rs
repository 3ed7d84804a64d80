//! Requests as a fuzzer puts them: every message of every service to the core's terms.

use super::calls::{self, Taken};
use super::mapping::Ask;
use super::{exchange::asked_about, key, vault, wire};
use buffa::{DecodeOptions, HasMessageView, MessageView};
use std::collections::BTreeSet;
use vault_core::api::{ListKeys, ScheduleDeletion, SeenHead};
use vault_core::{CallContext, CarriedHead, Refusal, Request};
use vault_policy::VaultId;
use vault_proto::v1;

/// What a message asks for, or why it asks for nothing.
pub type Asked = Result<(Request, CallContext), Refusal>;

/// Number of kinds of messages that [`asked`] knows.
pub const KINDS: u8 = 25;

/// Reads a message of this kind as the services do: within the limits of the wire, as a view, then as a whole.
/// `None` if the bytes are no such message.
pub fn asked(kind: u8, bytes: &[u8]) -> Option<Asked> {
    Some(match kind % KINDS {
        0 => ask::<v1::SignRequest>(bytes)?,
        1 => ask::<v1::VerifyRequest>(bytes)?,
        2 => ask::<v1::WrapRequest>(bytes)?,
        3 => ask::<v1::UnwrapRequest>(bytes)?,
        4 => ask::<v1::MacRequest>(bytes)?,
        5 => ask::<v1::MacVerifyRequest>(bytes)?,
        6 => ask::<v1::GetPublicKeyRequest>(bytes)?,
        7 => ask::<v1::ReconstructRequest>(bytes)?,
        8 => {
            let mut message: v1::CreateKeyRequest = read(bytes)?;
            let asked = key::create_key(&mut message);
            with(message.context.as_option(), asked)
        }
        9 => {
            let message: v1::GetKeyRequest = read(bytes)?;
            let asked = wire::key_ref(&message.key).map(|key| Request::GetKey { key });
            with(message.context.as_option(), asked)
        }
        10 => {
            let message: v1::ListKeysRequest = read(bytes)?;
            let asked = Request::ListKeys(ListKeys {
                page_size: message.page_size,
                page_token: message.page_token,
            });
            with(message.context.as_option(), Ok(asked))
        }
        11 => {
            let message: v1::ScheduleDeletionRequest = read(bytes)?;
            let window = message.window;
            let asked = wire::key_ref(&message.key)
                .map(|key| Request::ScheduleDeletion(ScheduleDeletion { key, window }));
            with(message.context.as_option(), asked)
        }
        12 => {
            let message: v1::GetPolicyRequest = read(bytes)?;
            let asked = wire::key_ref(&message.key).map(|key| Request::GetPolicy { key });
            with(message.context.as_option(), asked)
        }
        13..=15 => of_log(kind, bytes)?,
        _ => of_change(kind, bytes)?,
    })
}

/// Requests that change what a key is, and those around approvals.
fn of_change(kind: u8, bytes: &[u8]) -> Option<Asked> {
    match kind % KINDS {
        16 => ask::<v1::UpdatePolicyRequest>(bytes),
        17 => ask::<v1::SimulateRequest>(bytes),
        18 => ask::<v1::BeginApprovalRequest>(bytes),
        19 => ask::<v1::IssueApprovalTokenRequest>(bytes),
        20 => ask::<v1::StagePendingProfileRequest>(bytes),
        21 => ask::<v1::ListPendingProfilesRequest>(bytes),
        22 => ask::<v1::PromotePendingProfileRequest>(bytes),
        23 => ask::<v1::RevokePendingProfileRequest>(bytes),
        _ => ask::<v1::CancelDeletionRequest>(bytes),
    }
}

/// Requests of an auditor.
fn of_log(kind: u8, bytes: &[u8]) -> Option<Asked> {
    Some(match kind % KINDS {
        13 => {
            let message: v1::ReadLogRequest = read(bytes)?;
            let (from, to) = (message.from, message.to);
            with(
                message.context.as_option(),
                Ok(Request::ReadLog { from, to }),
            )
        }
        14 => {
            let message: v1::ProveInclusionRequest = read(bytes)?;
            let (index, size) = (message.index, message.size);
            let asked = Request::ProveInclusion { index, size };
            with(message.context.as_option(), Ok(asked))
        }
        _ => {
            let message: v1::ProveConsistencyRequest = read(bytes)?;
            let (old_size, new_size) = (message.old_size, message.new_size);
            let asked = Request::ProveConsistency { old_size, new_size };
            with(message.context.as_option(), Ok(asked))
        }
    })
}

/// The calls of one message of a stream, or of a batch, each under its id.
pub fn operate(bytes: &[u8]) -> Option<(u64, Asked)> {
    Some(taken(read(bytes)?))
}

/// As [`operate`], of a batch.
pub fn batch(bytes: &[u8]) -> Option<Vec<(u64, Asked)>> {
    let message: v1::BatchRequest = read(bytes)?;
    Some(message.calls.into_iter().map(taken).collect())
}

/// Whether a `Reconfigure` message holds a statement and signatures of the right form.
pub fn reconfigure(bytes: &[u8]) -> Option<bool> {
    Some(vault::signed_statement(read(bytes)?).is_ok())
}

/// Vaults that an `ExchangeHeads` message asks about, and heads that it brings.
pub type Exchanged = (BTreeSet<VaultId>, Vec<CarriedHead>);

/// What an `ExchangeHeads` message says.
pub fn exchange(bytes: &[u8]) -> Option<Result<Exchanged, Refusal>> {
    let message: v1::ExchangeHeadsRequest = read(bytes)?;
    let heads = message.heads.iter();
    let heads = heads.map(|head| CarriedHead::verify(&head.identity_key, &head.checkpoint));
    Some(asked_about(&message).and_then(|about| Ok((about, heads.collect::<Result<_, _>>()?))))
}

/// The head that the caller of a `GetInfo` has seen.
pub fn head_seen(bytes: &[u8]) -> Option<Result<SeenHead, Refusal>> {
    let message: v1::GetInfoRequest = read(bytes)?;
    message.seen.as_option().map(wire::seen_head)
}

fn taken(message: v1::OperateRequest) -> (u64, Asked) {
    let Taken { asked, call } = calls::take(message);
    (asked.id, call)
}

fn ask<M: Ask + HasMessageView>(bytes: &[u8]) -> Option<Asked> {
    let mut message: M = read(bytes)?;
    let context = message.take_context();
    Some(with(context.as_ref(), message.request()))
}

fn with(context: Option<&v1::CallContext>, request: Result<Request, Refusal>) -> Asked {
    wire::call_context(context).and_then(|context| Ok((request?, context)))
}

/// A view first, as the services get it; the owned reader has to agree.
fn read<M: HasMessageView>(bytes: &[u8]) -> Option<M> {
    let options = DecodeOptions::new().with_element_memory_limit(vault_proto::ELEMENT_MEMORY);
    let view = options.decode_view::<M::View<'_>>(bytes).ok()?;
    let message = view.to_owned_message().ok()?;
    if let Ok(owned) = options.decode_from_slice::<M>(bytes) {
        assert_eq!(
            owned.encode_to_vec(),
            message.encode_to_vec(),
            "two readers"
        );
    }
    Some(message)
}
