//! `ProfileService`.

use super::mapping::{Ask, context};
use super::{Service, wire};
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use vault_core::{Refusal, Reply, Request};
use vault_proto::v1::{self, ProfileService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl ProfileService for Service {
    async fn stage_pending_profile(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::StagePendingProfileRequest>,
    ) -> ServiceResult<v1::StagePendingProfileResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn list_pending_profiles(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ListPendingProfilesRequest>,
    ) -> ServiceResult<v1::ListPendingProfilesResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn promote_pending_profile(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::PromotePendingProfileRequest>,
    ) -> ServiceResult<v1::PromotePendingProfileResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn revoke_pending_profile(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::RevokePendingProfileRequest>,
    ) -> ServiceResult<v1::RevokePendingProfileResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }
}

impl Ask for v1::StagePendingProfileRequest {
    type Answered = v1::StagePendingProfileResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("profile"))
    }

    fn answered(_reply: Reply) -> Option<v1::StagePendingProfileResponse> {
        None
    }
}

impl Ask for v1::ListPendingProfilesRequest {
    type Answered = v1::ListPendingProfilesResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("key"))
    }

    fn answered(_reply: Reply) -> Option<v1::ListPendingProfilesResponse> {
        None
    }
}

impl Ask for v1::PromotePendingProfileRequest {
    type Answered = v1::PromotePendingProfileResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("profile_digest"))
    }

    fn answered(_reply: Reply) -> Option<v1::PromotePendingProfileResponse> {
        None
    }
}

impl Ask for v1::RevokePendingProfileRequest {
    type Answered = v1::RevokePendingProfileResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("profile_digest"))
    }

    fn answered(_reply: Reply) -> Option<v1::RevokePendingProfileResponse> {
        None
    }
}
