//! `CryptoService`.

use super::{Service, batch, operate};
use connectrpc::{RequestContext, ServiceRequest, ServiceResult, ServiceStream, StreamMessage};
use vault_proto::v1::{self, CryptoService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl CryptoService for Service {
    async fn sign(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::SignRequest>,
    ) -> ServiceResult<v1::SignResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn verify(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::VerifyRequest>,
    ) -> ServiceResult<v1::VerifyResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn wrap(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::WrapRequest>,
    ) -> ServiceResult<v1::WrapResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn unwrap(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::UnwrapRequest>,
    ) -> ServiceResult<v1::UnwrapResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn mac(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::MacRequest>,
    ) -> ServiceResult<v1::MacResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn mac_verify(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::MacVerifyRequest>,
    ) -> ServiceResult<v1::MacVerifyResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn get_public_key(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetPublicKeyRequest>,
    ) -> ServiceResult<v1::GetPublicKeyResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn reconstruct(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ReconstructRequest>,
    ) -> ServiceResult<v1::ReconstructResponse> {
        self.single(&rpc, request.to_owned_message()).await
    }

    async fn batch(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::BatchRequest>,
    ) -> ServiceResult<v1::BatchResponse> {
        batch::batch(self, &rpc, request.to_owned_message()).await
    }

    async fn operate(
        &self,
        rpc: RequestContext,
        calls: ServiceStream<StreamMessage<v1::OperateRequest>>,
    ) -> ServiceResult<ServiceStream<v1::OperateResponse>> {
        operate::operate(self, &rpc, calls)
    }
}
