//! Heads of other vaults, handed over to one vault and taken from it.

use crate::client::Client;
use crate::error::Result;
use crate::heads::CarriedNote;
use crate::key::malformed;
use vault_policy::VaultId;
use vault_proto::v1;

/// Heads in one call, and vaults asked about.
pub(crate) const MOST: usize = 16;
/// Heads of one vault in one answer. A vault that gives more may bring any number of them.
pub(crate) const HEADS_OF_ONE: usize = 4;

impl Client {
    /// Hands these notes over, and takes what callers had carried there about these vaults, no
    /// more than four heads for each of them. Nothing that comes back is verified here.
    pub(crate) async fn exchange_heads(
        &self,
        notes: &[CarriedNote],
        about: &[VaultId],
    ) -> Result<Vec<CarriedNote>> {
        let deadline = self.deadline();
        let (session, options) = self.ready_to_use(deadline).await?;
        let seen = self.seen().await;
        let carried = notes.iter().take(MOST).map(|note| v1::CarriedHead {
            identity_key: note.identity_key.clone(),
            checkpoint: note.checkpoint.clone(),
            ..Default::default()
        });
        let request = v1::ExchangeHeadsRequest {
            context: self.context(seen.as_ref()).into(),
            heads: carried.collect(),
            about: about
                .iter()
                .take(MOST)
                .map(|vault| vault.0.0.to_vec())
                .collect(),
            ..Default::default()
        };
        let client = v1::AuditServiceClient::new(session.transport(), session.rpc_config());
        let answer = match client.exchange_heads_with_options(request, options).await {
            Ok(answer) => answer.into_owned(),
            Err(error) => return Err(self.failed(&session, seen, &error, deadline).await.error),
        };
        let head = answer.head.into_option().ok_or_else(|| malformed("head"))?;
        let head = session.head(head)?;
        self.accept(&session, seen.as_ref(), head, None, deadline)
            .await?;
        let most = HEADS_OF_ONE * about.len().min(MOST);
        let taken = answer.heads.into_iter().take(most).map(|head| CarriedNote {
            identity_key: head.identity_key,
            checkpoint: head.checkpoint,
        });
        Ok(taken.collect())
    }
}
