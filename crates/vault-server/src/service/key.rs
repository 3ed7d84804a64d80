//! `KeyService`.

use super::mapping::{Ask, context};
use super::{Service, mismatch, wire};
use buffa::MessageField;
use connectrpc::{RequestContext, Response, ServiceRequest, ServiceResult};
use vault_core::api::{CreateKey, ListKeys, ScheduleDeletion};
use vault_core::{Answer, Refusal, Reply, Request};
use vault_proto::v1::{self, KeyService};
use zeroize::Zeroizing;

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl KeyService for Service {
    async fn create_key(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::CreateKeyRequest>,
    ) -> ServiceResult<v1::CreateKeyResponse> {
        let mut message = request.to_owned_message();
        let asked = create_key(&mut message);
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::CreateKey(key) = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::CreateKeyResponse {
            receipt: wire::receipt(&reply.receipt),
            key: MessageField::some(wire::key_info(key)),
            ..Default::default()
        })
    }

    async fn get_key(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetKeyRequest>,
    ) -> ServiceResult<v1::GetKeyResponse> {
        let message = request.to_owned_message();
        let asked = wire::key_ref(&message.key).map(|key| Request::GetKey { key });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::GetKey(key) = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::GetKeyResponse {
            receipt: wire::receipt(&reply.receipt),
            key: MessageField::some(wire::key_info(key)),
            ..Default::default()
        })
    }

    async fn list_keys(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ListKeysRequest>,
    ) -> ServiceResult<v1::ListKeysResponse> {
        let message = request.to_owned_message();
        let asked = Request::ListKeys(ListKeys {
            page_size: message.page_size,
            page_token: message.page_token,
        });
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(asked)).await?;
        let Answer::ListKeys {
            keys,
            next_page_token,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::ListKeysResponse {
            receipt: wire::receipt(&reply.receipt),
            keys: keys.into_iter().map(wire::key_info).collect(),
            next_page_token,
            ..Default::default()
        })
    }

    async fn schedule_deletion(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ScheduleDeletionRequest>,
    ) -> ServiceResult<v1::ScheduleDeletionResponse> {
        let message = request.to_owned_message();
        let window = message.window;
        let asked = wire::key_ref(&message.key)
            .map(|key| Request::ScheduleDeletion(ScheduleDeletion { key, window }));
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::ScheduleDeletion {
            state,
            tombstone_index,
            due_at,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::ScheduleDeletionResponse {
            receipt: wire::receipt(&reply.receipt),
            state: wire::key_state(state).into(),
            tombstone_index,
            due_at: due_at.map_or(0, |due_at| due_at.0),
            ..Default::default()
        })
    }

    async fn cancel_deletion(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::CancelDeletionRequest>,
    ) -> ServiceResult<v1::CancelDeletionResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }
}

impl Ask for v1::CancelDeletionRequest {
    type Answered = v1::CancelDeletionResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key).map(|key| Request::CancelDeletion { key })
    }

    fn answered(reply: Reply) -> Option<v1::CancelDeletionResponse> {
        let Answer::CancelDeletion { state } = reply.answer else {
            return None;
        };
        Some(v1::CancelDeletionResponse {
            receipt: wire::receipt(&reply.receipt),
            state: wire::key_state(state).into(),
            ..Default::default()
        })
    }
}

pub(super) fn create_key(message: &mut v1::CreateKeyRequest) -> Result<Request, Refusal> {
    Ok(Request::CreateKey(CreateKey {
        handle: vault_proto::key_handle(&message.handle).map_err(wire::invalid)?,
        key_type: vault_proto::key_type(message.r#type).map_err(wire::invalid)?,
        name: message.name.clone(),
        policy: message.policy.clone(),
        labels: message.labels.iter().map(wire::label).collect(),
        share: share(&mut message.share),
    }))
}

/// An absent field is an empty one.
fn share(field: &mut Vec<u8>) -> Option<Zeroizing<Vec<u8>>> {
    let share = Zeroizing::new(std::mem::take(field));
    (!share.is_empty()).then_some(share)
}
