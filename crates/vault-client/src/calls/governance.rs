//! What the holders of governance keys ask of a vault. Needs no token.

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::key::{hash, malformed};
use crate::receipt::{Receipt, verify_governed};
use vault_encoding::Hash;
use vault_governance::{ConstellationId, GovernanceSignature, Reconfiguration};
use vault_policy::VaultId;
use vault_proto::v1;

/// What a statement about a change of this vault's trust configuration must say.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReconfigureOffer {
    /// The vault, as its evidence says.
    pub vault_id: VaultId,
    /// The constellation that it has sealed.
    pub constellation: ConstellationId,
    /// The trust root that it has sealed.
    pub sealed_trust_root: Hash,
    /// The trust root that it was started with.
    pub present_trust_root: Hash,
    /// Good for one statement, in this boot of the vault.
    pub nonce: [u8; 32],
}

impl ReconfigureOffer {
    /// The statement that moves the vault to `new_trust_root`.
    pub fn statement(&self, new_trust_root: Hash) -> Reconfiguration {
        Reconfiguration {
            constellation: self.constellation,
            vault_id: self.vault_id,
            old_trust_root: self.sealed_trust_root,
            new_trust_root,
            nonce: self.nonce,
        }
    }
}

/// A change that the vault has made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reconfigured {
    /// Leaf index of its entry in the log.
    pub index: u64,
    /// The trust root that is sealed now.
    pub trust_root: Hash,
    /// Proves that the entry is in the log, and that it is of this statement.
    pub receipt: Receipt,
}

impl Client {
    /// Asks for a nonce. Answered also by a vault that is locked; refused by one that has not the log that was seen
    /// of it, here or by others, and not asked of one against which there is evidence.
    pub async fn begin_reconfigure(&self) -> Result<ReconfigureOffer> {
        self.hold_without_token().await?;
        let seen = self.seen().await;
        let request = v1::BeginReconfigureRequest {
            seen: self.told(seen.as_ref()).into(),
            ..Default::default()
        };
        let request = &request;
        let (answer, peer) = self
            .plain(seen.clone(), |session, options| async move {
                let client = v1::VaultServiceClient::new(session.transport(), session.rpc_config());
                let request = request.clone();
                let answer = client
                    .begin_reconfigure_with_options(request, options)
                    .await?;
                Ok((answer.into_owned(), session.peer().clone()))
            })
            .await?;
        let present_trust_root = hash(&answer.present_trust_root, "trust root")?;
        if peer.claims.trust_root != Some(present_trust_root) {
            return Err(Error::new(ErrorCode::AttestationRefused)
                .vault(peer.vault_id)
                .detail("it says of itself what its evidence does not say"));
        }
        Ok(ReconfigureOffer {
            vault_id: peer.vault_id,
            constellation: ConstellationId(hash(&answer.constellation, "constellation")?),
            sealed_trust_root: hash(&answer.sealed_trust_root, "trust root")?,
            present_trust_root,
            nonce: answer.nonce.try_into().map_err(|_| malformed("nonce"))?,
        })
    }

    /// Hands in a signed statement, once: its nonce is spent by the first time. When the answer is
    /// lost, a new offer tells by its sealed root whether the change was made. An answer without the
    /// entry of this statement is refused, and its head is held against what was seen; the change may
    /// be made all the same.
    pub async fn reconfigure(
        &self,
        statement: &Reconfiguration,
        signatures: &[GovernanceSignature],
    ) -> Result<Reconfigured> {
        let request = v1::ReconfigureRequest {
            statement: statement.canonical_bytes(),
            signatures: signatures.iter().map(signature).collect(),
            ..Default::default()
        };
        self.hold_without_token().await?;
        let seen = self.seen().await;
        let deadline = self.deadline();
        let (session, options) = self.ready(deadline).await?;
        let client = v1::VaultServiceClient::new(session.transport(), session.rpc_config());
        let answer = match client.reconfigure_with_options(request, options).await {
            Ok(answer) => answer.into_owned(),
            Err(error) => return Err(self.failed(&session, None, &error, deadline).await.error),
        };
        let receipt = answer.receipt.into_option();
        let receipt = receipt.ok_or_else(|| malformed("receipt"))?;
        let (receipt, index) = verify_governed(receipt, &session, statement, signatures)
            .map_err(|error| error.vault(self.vault_id()))?;
        self.tracker()
            .glance(seen.as_ref(), &receipt.head, &session.showing())?;
        Ok(Reconfigured {
            index,
            trust_root: hash(&answer.trust_root, "trust root")?,
            receipt,
        })
    }
}

fn signature(signed: &GovernanceSignature) -> v1::GovernanceSignature {
    v1::GovernanceSignature {
        public_key: signed.key.0.to_vec(),
        signature: signed.signature.to_vec(),
        ..Default::default()
    }
}
