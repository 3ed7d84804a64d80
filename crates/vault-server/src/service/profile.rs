//! `ProfileService`.

use super::mapping::{Ask, context};
use super::{Service, wire};
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use vault_core::api::{PendingProfile, PromoteProfile, RevokeProfile, StageProfile};
use vault_core::{Answer, Refusal, Reply, Request};
use vault_encoding::Hash;
use vault_policy::PolicyVersion;
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
        Ok(Request::StageProfile(StageProfile {
            key: wire::key_ref(&self.key)?,
            profile: self.profile,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::StagePendingProfileResponse> {
        let Answer::StageProfile { digest } = reply.answer else {
            return None;
        };
        Some(v1::StagePendingProfileResponse {
            receipt: wire::receipt(&reply.receipt),
            profile_digest: digest.as_bytes().to_vec(),
            ..Default::default()
        })
    }
}

impl Ask for v1::ListPendingProfilesRequest {
    type Answered = v1::ListPendingProfilesResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key).map(|key| Request::ListProfiles { key })
    }

    fn answered(reply: Reply) -> Option<v1::ListPendingProfilesResponse> {
        let Answer::ListProfiles { profiles } = reply.answer else {
            return None;
        };
        Some(v1::ListPendingProfilesResponse {
            receipt: wire::receipt(&reply.receipt),
            profiles: profiles.into_iter().map(pending).collect(),
            ..Default::default()
        })
    }
}

impl Ask for v1::PromotePendingProfileRequest {
    type Answered = v1::PromotePendingProfileResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::PromoteProfile(PromoteProfile {
            key: wire::key_ref(&self.key)?,
            digest: digest(&self.profile_digest)?,
            expected_version: PolicyVersion(self.expected_version),
        }))
    }

    fn answered(reply: Reply) -> Option<v1::PromotePendingProfileResponse> {
        let Answer::PromoteProfile {
            policy_hash,
            policy_version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::PromotePendingProfileResponse {
            receipt: wire::receipt(&reply.receipt),
            policy_hash: policy_hash.0.as_bytes().to_vec(),
            policy_version: policy_version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::RevokePendingProfileRequest {
    type Answered = v1::RevokePendingProfileResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::RevokeProfile(RevokeProfile {
            key: wire::key_ref(&self.key)?,
            digest: digest(&self.profile_digest)?,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::RevokePendingProfileResponse> {
        let Answer::RevokeProfile = reply.answer else {
            return None;
        };
        Some(v1::RevokePendingProfileResponse {
            receipt: wire::receipt(&reply.receipt),
            ..Default::default()
        })
    }
}

fn digest(bytes: &[u8]) -> Result<Hash, Refusal> {
    vault_proto::hash("profile_digest", bytes).map_err(wire::invalid)
}

fn pending(pending: PendingProfile) -> v1::PendingProfile {
    v1::PendingProfile {
        profile: pending.profile.to_vec(),
        profile_digest: pending.digest.as_bytes().to_vec(),
        staged_at: pending.staged_at.map_or(0, |at| at.0),
        staged_by: pending.staged_by,
        ..Default::default()
    }
}
