//! What every mapped message has in common, and the calls of `CryptoService`: the one mapping for
//! single calls, for those of a stream and for those of a batch.

use super::wire;
use vault_core::api::{Mac, MacVerify, Payload, Sign, Unwrap, Verify, Wrap};
use vault_core::{Answer, Refusal, Reply, Request};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::{sign_request, verify_request};
use zeroize::Zeroizing;

/// A message that asks for one operation.
pub(super) trait Ask: Sized {
    /// The message that answers it.
    type Answered;

    /// Takes out what travels with every call.
    fn take_context(&mut self) -> Option<v1::CallContext>;

    /// The core's request.
    fn request(self) -> Result<Request, Refusal>;

    /// The answer; `None` if it is one to another question.
    fn answered(reply: Reply) -> Option<Self::Answered>;
}

macro_rules! context {
    () => {
        fn take_context(&mut self) -> Option<vault_proto::v1::CallContext> {
            std::mem::take(&mut self.context).into_option()
        }
    };
}
pub(super) use context;

impl Ask for v1::SignRequest {
    type Answered = v1::SignResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        let input = match self.input {
            Some(sign_request::Input::Message(bytes)) => Payload::Message(bytes),
            Some(sign_request::Input::Digest(bytes)) => Payload::Digest(bytes),
            None => return Err(wire::missing_input()),
        };
        Ok(Request::Sign(Sign {
            key: wire::key_ref(&self.key)?,
            input,
            format: wire::signature_format(self.format)?,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::SignResponse> {
        let Answer::Sign { signature, version } = reply.answer else {
            return None;
        };
        Some(v1::SignResponse {
            receipt: wire::receipt(&reply.receipt),
            signature,
            version: version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::VerifyRequest {
    type Answered = v1::VerifyResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        let input = match self.input {
            Some(verify_request::Input::Message(bytes)) => Payload::Message(bytes),
            Some(verify_request::Input::Digest(bytes)) => Payload::Digest(bytes),
            None => return Err(wire::missing_input()),
        };
        Ok(Request::Verify(Verify {
            key: wire::key_ref(&self.key)?,
            input,
            format: wire::signature_format(self.format)?,
            signature: self.signature,
            version: wire::version(self.version),
        }))
    }

    fn answered(reply: Reply) -> Option<v1::VerifyResponse> {
        let Answer::Verify { valid } = reply.answer else {
            return None;
        };
        Some(v1::VerifyResponse {
            receipt: wire::receipt(&reply.receipt),
            valid,
            ..Default::default()
        })
    }
}

impl Ask for v1::WrapRequest {
    type Answered = v1::WrapResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        let plaintext = Zeroizing::new(self.plaintext);
        Ok(Request::Wrap(Wrap {
            key: wire::key_ref(&self.key)?,
            plaintext,
            aad: self.aad,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::WrapResponse> {
        let Answer::Wrap {
            ciphertext,
            version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::WrapResponse {
            receipt: wire::receipt(&reply.receipt),
            ciphertext,
            version: version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::UnwrapRequest {
    type Answered = v1::UnwrapResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::Unwrap(Unwrap {
            key: wire::key_ref(&self.key)?,
            ciphertext: self.ciphertext,
            aad: self.aad,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::UnwrapResponse> {
        let Answer::Unwrap {
            mut plaintext,
            version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::UnwrapResponse {
            receipt: wire::receipt(&reply.receipt),
            plaintext: std::mem::take(&mut *plaintext),
            version: version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::MacRequest {
    type Answered = v1::MacResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::Mac(Mac {
            key: wire::key_ref(&self.key)?,
            message: self.message,
        }))
    }

    fn answered(reply: Reply) -> Option<v1::MacResponse> {
        let Answer::Mac { tag, version } = reply.answer else {
            return None;
        };
        Some(v1::MacResponse {
            receipt: wire::receipt(&reply.receipt),
            tag,
            version: version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::MacVerifyRequest {
    type Answered = v1::MacVerifyResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::MacVerify(MacVerify {
            key: wire::key_ref(&self.key)?,
            message: self.message,
            tag: self.tag,
            version: wire::version(self.version),
        }))
    }

    fn answered(reply: Reply) -> Option<v1::MacVerifyResponse> {
        let Answer::MacVerify { valid } = reply.answer else {
            return None;
        };
        Some(v1::MacVerifyResponse {
            receipt: wire::receipt(&reply.receipt),
            valid,
            ..Default::default()
        })
    }
}

impl Ask for v1::GetPublicKeyRequest {
    type Answered = v1::GetPublicKeyResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        Ok(Request::GetPublicKey {
            key: wire::key_ref(&self.key)?,
            version: wire::version(self.version),
        })
    }

    fn answered(reply: Reply) -> Option<v1::GetPublicKeyResponse> {
        let Answer::GetPublicKey {
            public_key,
            version,
        } = reply.answer
        else {
            return None;
        };
        Some(v1::GetPublicKeyResponse {
            receipt: wire::receipt(&reply.receipt),
            public_key,
            version: version.0,
            ..Default::default()
        })
    }
}

impl Ask for v1::ReconstructRequest {
    type Answered = v1::ReconstructResponse;

    context!();

    fn request(self) -> Result<Request, Refusal> {
        wire::key_ref(&self.key).map(|key| Request::Reconstruct { key })
    }

    fn answered(reply: Reply) -> Option<v1::ReconstructResponse> {
        let Answer::Reconstruct { mut share, version } = reply.answer else {
            return None;
        };
        Some(v1::ReconstructResponse {
            receipt: wire::receipt(&reply.receipt),
            share: std::mem::take(&mut *share),
            version: version.0,
            ..Default::default()
        })
    }
}
