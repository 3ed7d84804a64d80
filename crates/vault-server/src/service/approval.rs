//! `ApprovalService`.

use super::mapping::{Ask, context};
use super::{Service, wire};
use buffa::MessageField;
use connectrpc::{RequestContext, ServiceRequest, ServiceResult};
use vault_approval::OidcApproval;
use vault_core::{Answer, Refusal, Reply, Request};
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
        Ok(Request::BeginApproval {
            key: wire::key_ref(&self.key)?,
            request: self.request,
            valid_for: self.valid_for,
        })
    }

    fn answered(reply: Reply) -> Option<v1::BeginApprovalResponse> {
        let Answer::BeginApproval { statement } = reply.answer else {
            return None;
        };
        Some(v1::BeginApprovalResponse {
            receipt: wire::receipt(&reply.receipt),
            statement,
            ..Default::default()
        })
    }
}

impl Ask for v1::IssueApprovalTokenRequest {
    type Answered = v1::IssueApprovalTokenResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::IssueApproval {
            key: wire::key_ref(&self.key)?,
            statement: self.statement,
        })
    }

    fn answered(reply: Reply) -> Option<v1::IssueApprovalTokenResponse> {
        let Answer::IssueApproval(OidcApproval {
            manager,
            by,
            signature,
        }) = reply.answer
        else {
            return None;
        };
        Some(v1::IssueApprovalTokenResponse {
            receipt: wire::receipt(&reply.receipt),
            approval: MessageField::some(v1::OidcApproval {
                manager,
                issuer: by.issuer,
                subject: by.subject,
                signature,
                ..Default::default()
            }),
            ..Default::default()
        })
    }
}
