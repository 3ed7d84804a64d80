//! What comes before every use of a vault: no evidence stands against it, and what others have
//! seen of its log is in it.

use super::Client;
use crate::error::Result;
use crate::heads::ToldHead;
use crate::key::malformed;
use crate::session::Session;
use connectrpc::client::CallOptions;
use std::sync::Arc;
use std::time::Instant;
use vault_proto::v1;

impl Client {
    /// A session to a vault that may be used, and options with deadline and token.
    pub(crate) async fn ready_to_use(
        &self,
        deadline: Instant,
    ) -> Result<(Arc<Session>, CallOptions)> {
        self.tracker().standing()?;
        let (session, options) = self.ready(deadline).await?;
        // A new session has read what other processes kept.
        for told in self.tracker().standing()? {
            self.hold(&session, &told, deadline).await?;
        }
        Ok((session, options))
    }

    /// Shows the vault a head that somebody else has seen. An honest one refuses if it is not of
    /// its log; what it says is proven in any case.
    async fn hold(&self, session: &Arc<Session>, told: &ToldHead, deadline: Instant) -> Result<()> {
        let client = v1::AuditServiceClient::new(session.transport(), session.rpc_config());
        let request = v1::GetCheckpointRequest {
            context: self.context(Some(&told.head)).into(),
            ..Default::default()
        };
        let options = self.options(deadline).await?;
        let answer = match client.get_checkpoint_with_options(request, options).await {
            Ok(answer) => answer.into_owned(),
            Err(error) => {
                let seen = Some(told.head.clone());
                return Err(self.failed(session, seen, &error, deadline).await.error);
            }
        };
        let head = answer.head.into_option().ok_or_else(|| malformed("head"))?;
        let head = session.head(head)?;
        let prove = |old, new| self.fetch_consistency(session, old, new, deadline);
        let shown = session.showing();
        self.tracker().hold(told, head, &shown, prove).await
    }
}
