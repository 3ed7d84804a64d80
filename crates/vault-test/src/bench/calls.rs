//! The operations that loads are made of, encoded once.

use super::wire;
use crate::issuer::Issuer;
use crate::process::VaultProcess;
use anyhow::{Context, Result};
use buffa::Message;
use bytes::Bytes;
use std::collections::BTreeMap;
use vault_client::{Client, CreateKey, KeyName, SeenHead};
use vault_policy::{KeyType, OidcSubject, TemplateArgs, template};
use vault_proto::v1;
use vault_proto::v1::__buffa::oneof::operate_request::Call as Wire;

/// One operation as a call of its own, and as one of a stream or batch.
#[derive(Clone)]
pub(crate) struct Call {
    pub(super) authorization: String,
    /// Service and method.
    pub(super) path: &'static str,
    pub(super) single: Bytes,
    /// An `OperateRequest` without its id.
    pub(super) operate: Bytes,
}

/// All of them.
pub(crate) struct Calls(BTreeMap<&'static str, Call>);

/// Wrapped and unwrapped.
const PLAINTEXT: usize = 4096;

impl Calls {
    /// Makes the keys.
    pub(crate) async fn prepare(vault: &VaultProcess, issuer: &Issuer, who: &str) -> Result<Self> {
        let client = vault.client(issuer, who).await?;
        let authorization = format!("Bearer {}", issuer.token(who).context("no such caller")?);
        let mut keys = BTreeMap::new();
        for key_type in [
            KeyType::P256Signing,
            KeyType::Ed25519Signing,
            KeyType::HmacSha256,
            KeyType::Aes256Gcm,
        ] {
            keys.insert(
                key_type.name(),
                create(&client, issuer, who, key_type).await?,
            );
        }
        let key = |key_type: KeyType| keys.get(key_type.name()).copied().context("no such key");
        let wrapped = client
            .wrap(key(KeyType::Aes256Gcm)?, vec![1; PLAINTEXT], Vec::new())
            .await?
            .value
            .bytes;
        let maker = Maker {
            context: context(&client, client.seen().await.context("no head")?),
            authorization,
        };
        let aes = key(KeyType::Aes256Gcm)?;
        Ok(Self(BTreeMap::from([
            ("p256", maker.sign(key(KeyType::P256Signing)?)),
            ("ed25519", maker.sign(key(KeyType::Ed25519Signing)?)),
            ("hmac", maker.mac(key(KeyType::HmacSha256)?)),
            ("wrap", maker.wrap(aes)),
            ("unwrap", maker.unwrap(aes, wrapped)),
            ("public_key", maker.public_key(key(KeyType::P256Signing)?)),
        ])))
    }

    pub(crate) fn get(&self, operation: &str) -> Result<&Call> {
        self.0.get(operation).context("no such operation")
    }
}

async fn create(client: &Client, issuer: &Issuer, who: &str, key_type: KeyType) -> Result<KeyName> {
    let key = CreateKey {
        handle: None,
        key_type,
        name: key_type.name().to_owned(),
        policy: policy_of(issuer, who, key_type)?,
        labels: Vec::new(),
    };
    Ok(KeyName::from(client.create_key(key).await?.value.handle))
}

/// The policy of a key that its owner may use, in canonical form.
pub(super) fn policy(issuer: &Issuer, key_type: KeyType) -> Result<Vec<u8>> {
    policy_of(issuer, "owner", key_type)
}

/// The same of another owner.
pub(crate) fn policy_of(issuer: &Issuer, who: &str, key_type: KeyType) -> Result<Vec<u8>> {
    let owner = OidcSubject {
        issuer: issuer.url().to_owned(),
        subject: who.into(),
    };
    let policy = template("owner", &TemplateArgs::new(owner, key_type))?;
    Ok(policy.canonical_bytes().to_vec())
}

/// What the SDK sends with each call: the head that was seen, and that a proof is wanted.
fn context(client: &Client, seen: SeenHead) -> v1::CallContext {
    v1::CallContext {
        seen: v1::SeenHead {
            vault_id: client.vault_id().0.0.to_vec(),
            size: seen.size,
            root: seen.root.0.to_vec(),
            ..Default::default()
        }
        .into(),
        want_proof: true,
        ..Default::default()
    }
}

struct Maker {
    context: v1::CallContext,
    authorization: String,
}

impl Maker {
    fn call<M: Message + Clone>(
        &self,
        path: &'static str,
        message: M,
        wire: fn(Box<M>) -> Wire,
    ) -> Call {
        let operate = v1::OperateRequest {
            call: Some(wire(Box::new(message.clone()))),
            ..Default::default()
        };
        Call {
            authorization: self.authorization.clone(),
            path,
            single: message.encode_to_vec().into(),
            operate: operate.encode_to_vec().into(),
        }
    }

    fn sign(&self, key: KeyName) -> Call {
        let message = v1::SignRequest {
            context: self.context.clone().into(),
            key: key_ref(key).into(),
            input: Some(v1::__buffa::oneof::sign_request::Input::Message(
                b"bench".to_vec(),
            )),
            format: v1::SignatureFormat::SIGNATURE_FORMAT_P1363.into(),
            ..Default::default()
        };
        self.call("CryptoService/Sign", message, Wire::Sign)
    }

    fn mac(&self, key: KeyName) -> Call {
        let message = v1::MacRequest {
            context: self.context.clone().into(),
            key: key_ref(key).into(),
            message: vec![1; 64],
            ..Default::default()
        };
        self.call("CryptoService/Mac", message, Wire::Mac)
    }

    fn wrap(&self, key: KeyName) -> Call {
        let message = v1::WrapRequest {
            context: self.context.clone().into(),
            key: key_ref(key).into(),
            plaintext: vec![1; PLAINTEXT],
            ..Default::default()
        };
        self.call("CryptoService/Wrap", message, Wire::Wrap)
    }

    fn unwrap(&self, key: KeyName, ciphertext: Vec<u8>) -> Call {
        let message = v1::UnwrapRequest {
            context: self.context.clone().into(),
            key: key_ref(key).into(),
            ciphertext,
            ..Default::default()
        };
        self.call("CryptoService/Unwrap", message, Wire::Unwrap)
    }

    fn public_key(&self, key: KeyName) -> Call {
        let message = v1::GetPublicKeyRequest {
            context: self.context.clone().into(),
            key: key_ref(key).into(),
            ..Default::default()
        };
        self.call("CryptoService/GetPublicKey", message, Wire::GetPublicKey)
    }
}

fn key_ref(key: KeyName) -> v1::KeyRef {
    v1::KeyRef {
        handle: key.handle.to_string(),
        ..Default::default()
    }
}

impl Call {
    /// The body of a batch of so many of this call.
    pub(super) fn batch(&self, calls: usize) -> Result<Bytes> {
        let mut batch = v1::BatchRequest::default();
        for id in 0..calls {
            let mut call = v1::OperateRequest::decode_from_slice(&self.operate)?;
            call.id = id as u64;
            batch.calls.push(call);
        }
        Ok(batch.encode_to_vec().into())
    }

    /// The call under an id, as a message of a stream.
    pub(super) fn numbered(&self, id: u64) -> Bytes {
        let named = v1::OperateRequest {
            id,
            ..Default::default()
        };
        wire::envelope(&[&named.encode_to_vec(), &self.operate])
    }
}
