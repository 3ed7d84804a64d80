//! `CryptoService`.

use super::{Service, mismatch, wire};
use connectrpc::{
    ConnectError, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream,
    StreamMessage,
};
use vault_core::api::{Mac, MacVerify, Payload, Sign, Unwrap, Verify, Wrap};
use vault_core::{Answer, Refusal, Request};
use vault_proto::v1::__buffa::oneof::{sign_request, verify_request};
use vault_proto::v1::{self, CryptoService};
use zeroize::Zeroizing;

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl CryptoService for Service {
    async fn sign(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::SignRequest>,
    ) -> ServiceResult<v1::SignResponse> {
        let mut message = request.to_owned_message();
        let asked = sign(&mut message);
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::Sign { signature, version } = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::SignResponse {
            receipt: wire::receipt(&reply.receipt),
            signature,
            version: version.0,
            ..Default::default()
        })
    }

    async fn verify(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::VerifyRequest>,
    ) -> ServiceResult<v1::VerifyResponse> {
        let mut message = request.to_owned_message();
        let asked = verify(&mut message);
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::Verify { valid } = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::VerifyResponse {
            receipt: wire::receipt(&reply.receipt),
            valid,
            ..Default::default()
        })
    }

    async fn wrap(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::WrapRequest>,
    ) -> ServiceResult<v1::WrapResponse> {
        let mut message = request.to_owned_message();
        let plaintext = Zeroizing::new(std::mem::take(&mut message.plaintext));
        let aad = std::mem::take(&mut message.aad);
        let asked = wire::key_ref(&message.key).map(|key| {
            Request::Wrap(Wrap {
                key,
                plaintext,
                aad,
            })
        });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::Wrap {
            ciphertext,
            version,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::WrapResponse {
            receipt: wire::receipt(&reply.receipt),
            ciphertext,
            version: version.0,
            ..Default::default()
        })
    }

    async fn unwrap(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::UnwrapRequest>,
    ) -> ServiceResult<v1::UnwrapResponse> {
        let mut message = request.to_owned_message();
        let ciphertext = std::mem::take(&mut message.ciphertext);
        let aad = std::mem::take(&mut message.aad);
        let asked = wire::key_ref(&message.key).map(|key| {
            Request::Unwrap(Unwrap {
                key,
                ciphertext,
                aad,
            })
        });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::Unwrap {
            mut plaintext,
            version,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::UnwrapResponse {
            receipt: wire::receipt(&reply.receipt),
            plaintext: std::mem::take(&mut *plaintext),
            version: version.0,
            ..Default::default()
        })
    }

    async fn mac(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::MacRequest>,
    ) -> ServiceResult<v1::MacResponse> {
        let mut message = request.to_owned_message();
        let input = std::mem::take(&mut message.message);
        let asked = wire::key_ref(&message.key).map(|key| {
            Request::Mac(Mac {
                key,
                message: input,
            })
        });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::Mac { tag, version } = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::MacResponse {
            receipt: wire::receipt(&reply.receipt),
            tag,
            version: version.0,
            ..Default::default()
        })
    }

    async fn mac_verify(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::MacVerifyRequest>,
    ) -> ServiceResult<v1::MacVerifyResponse> {
        let mut message = request.to_owned_message();
        let input = std::mem::take(&mut message.message);
        let tag = std::mem::take(&mut message.tag);
        let version = wire::version(message.version);
        let asked = wire::key_ref(&message.key).map(|key| {
            Request::MacVerify(MacVerify {
                key,
                message: input,
                tag,
                version,
            })
        });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::MacVerify { valid } = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::MacVerifyResponse {
            receipt: wire::receipt(&reply.receipt),
            valid,
            ..Default::default()
        })
    }

    async fn get_public_key(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetPublicKeyRequest>,
    ) -> ServiceResult<v1::GetPublicKeyResponse> {
        let message = request.to_owned_message();
        let version = wire::version(message.version);
        let asked = wire::key_ref(&message.key).map(|key| Request::GetPublicKey { key, version });
        let reply = self.call(&rpc, message.context.as_option(), asked).await?;
        let Answer::GetPublicKey {
            public_key,
            version,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::GetPublicKeyResponse {
            receipt: wire::receipt(&reply.receipt),
            public_key,
            version: version.0,
            ..Default::default()
        })
    }

    async fn reconstruct(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::ReconstructRequest>,
    ) -> ServiceResult<v1::ReconstructResponse> {
        Err(ConnectError::unimplemented("not served"))
    }

    async fn batch(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::BatchRequest>,
    ) -> ServiceResult<v1::BatchResponse> {
        Err(ConnectError::unimplemented("not served"))
    }

    async fn operate(
        &self,
        _rpc: RequestContext,
        _calls: ServiceStream<StreamMessage<v1::OperateRequest>>,
    ) -> ServiceResult<ServiceStream<v1::OperateResponse>> {
        Err(ConnectError::unimplemented("not served"))
    }
}

fn sign(message: &mut v1::SignRequest) -> Result<Request, Refusal> {
    let input = match message.input.take() {
        Some(sign_request::Input::Message(bytes)) => Payload::Message(bytes),
        Some(sign_request::Input::Digest(bytes)) => Payload::Digest(bytes),
        None => return Err(wire::missing_input()),
    };
    Ok(Request::Sign(Sign {
        key: wire::key_ref(&message.key)?,
        input,
        format: wire::signature_format(message.format)?,
    }))
}

fn verify(message: &mut v1::VerifyRequest) -> Result<Request, Refusal> {
    let input = match message.input.take() {
        Some(verify_request::Input::Message(bytes)) => Payload::Message(bytes),
        Some(verify_request::Input::Digest(bytes)) => Payload::Digest(bytes),
        None => return Err(wire::missing_input()),
    };
    Ok(Request::Verify(Verify {
        key: wire::key_ref(&message.key)?,
        input,
        format: wire::signature_format(message.format)?,
        signature: std::mem::take(&mut message.signature),
        version: wire::version(message.version),
    }))
}
