//! `PolicyService`.

use super::mapping::{Ask, context};
use super::{Service, wire};
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use vault_core::api::UpdatePolicy;
use vault_core::{Answer, Refusal, Reply, Request};
use vault_policy::PolicyVersion;
use vault_proto::v1::{self, PolicyService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl PolicyService for Service {
    async fn get_policy(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetPolicyRequest>,
    ) -> ServiceResult<v1::GetPolicyResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn update_policy(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::UpdatePolicyRequest>,
    ) -> ServiceResult<v1::UpdatePolicyResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn simulate(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::SimulateRequest>,
    ) -> ServiceResult<v1::SimulateResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }
}

impl Ask for v1::GetPolicyRequest {
    type Answered = v1::GetPolicyResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key).map(|key| Request::GetPolicy { key })
    }

    fn answered(reply: Reply) -> Option<v1::GetPolicyResponse> {
        let Answer::GetPolicy {
            policy,
            policy_version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::GetPolicyResponse {
            receipt: wire::receipt(&reply.receipt),
            policy: policy.to_vec(),
            policy_version: policy_version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::UpdatePolicyRequest {
    type Answered = v1::UpdatePolicyResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::UpdatePolicy(UpdatePolicy {
            key: wire::key_ref(&self.key)?,
            policy: self.policy,
            expected_version: PolicyVersion(self.expected_version),
        }))
    }

    fn answered(reply: Reply) -> Option<v1::UpdatePolicyResponse> {
        let Answer::UpdatePolicy {
            policy_hash,
            policy_version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::UpdatePolicyResponse {
            receipt: wire::receipt(&reply.receipt),
            policy_hash: policy_hash.0.as_bytes().to_vec(),
            policy_version: policy_version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::SimulateRequest {
    type Answered = v1::SimulateResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::Simulate {
            key: wire::key_ref(&self.key)?,
            request: self.request,
        })
    }

    fn answered(reply: Reply) -> Option<v1::SimulateResponse> {
        let Answer::Simulate(simulated) = reply.answer else {
            return None;
        };
        Some(v1::SimulateResponse {
            receipt: wire::receipt(&reply.receipt),
            allowed: simulated.allowed,
            code: simulated.code.to_owned(),
            rule: simulated.rule.unwrap_or_default(),
            condition: simulated.condition.unwrap_or_default(),
            missing: simulated.missing,
            ..Default::default()
        })
    }
}
