//! `ApprovalService`.

use super::mapping::{Ask, context};
use super::{Service, wire};
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use vault_core::{Refusal, Reply, Request};
use vault_proto::v1::{self, ApprovalService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl ApprovalService for Service {
    async fn begin_approval(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::BeginApprovalRequest>,
    ) -> ServiceResult<v1::BeginApprovalResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn issue_approval_token(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::IssueApprovalTokenRequest>,
    ) -> ServiceResult<v1::IssueApprovalTokenResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }
}

impl Ask for v1::BeginApprovalRequest {
    type Answered = v1::BeginApprovalResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("request"))
    }

    fn answered(_reply: Reply) -> Option<v1::BeginApprovalResponse> {
        None
    }
}

impl Ask for v1::IssueApprovalTokenRequest {
    type Answered = v1::IssueApprovalTokenResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key)?;
        Err(wire::not_yet("statement"))
    }

    fn answered(_reply: Reply) -> Option<v1::IssueApprovalTokenResponse> {
        None
    }
}
