//! `PolicyService`.

use super::{Service, mismatch, wire};
use connectrpc::{RequestContext, Response, ServiceRequest, ServiceResult};
use vault_core::{Answer, Request};
use vault_proto::v1::{self, PolicyService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl PolicyService for Service {
    async fn get_policy(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetPolicyRequest>,
    ) -> ServiceResult<v1::GetPolicyResponse> {
        let message = request.to_owned_message();
        let asked = wire::key_ref(&message.key).map(|key| Request::GetPolicy { key });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::GetPolicy {
            policy,
            policy_version,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::GetPolicyResponse {
            receipt: wire::receipt(&reply.receipt),
            policy: policy.to_vec(),
            policy_version: policy_version.0,
            ..Default::default()
        })
    }
}
