//! The leaf that an endpoint shows, replaced when it has lived for half of its time.

use super::error::{EndpointError, IssueFailed};
use super::server::tls_config;
use super::shown::Shown;
use crate::Leaf;
use std::sync::{Arc, PoisonError, RwLock};
use vault_policy::UnixSeconds;

/// Makes a leaf with a key of its own. Blocks for a quote.
pub trait LeafIssuer: Send + Sync {
    /// A leaf that is valid at `now`.
    fn issue(&self, now: UnixSeconds) -> Result<Leaf, IssueFailed>;
}

impl<F> LeafIssuer for F
where
    F: Fn(UnixSeconds) -> Result<Leaf, IssueFailed> + Send + Sync,
{
    fn issue(&self, now: UnixSeconds) -> Result<Leaf, IssueFailed> {
        self(now)
    }
}

/// A leaf in use.
pub(super) struct Current {
    pub(super) shown: Shown,
    pub(super) tls: Arc<rustls::ServerConfig>,
    renew_at: UnixSeconds,
    not_after: UnixSeconds,
}

/// The leaf in use and its successor. Cheap to clone; clones share the leaf.
#[derive(Clone)]
pub(super) struct Rotation {
    issuer: Arc<dyn LeafIssuer>,
    current: Arc<RwLock<Arc<Current>>>,
    renewing: Arc<tokio::sync::Mutex<()>>,
}

impl Rotation {
    pub(super) fn start(
        issuer: Arc<dyn LeafIssuer>,
        now: UnixSeconds,
    ) -> Result<Self, EndpointError> {
        let first = issue(issuer.as_ref(), now)?;
        Ok(Self {
            issuer,
            current: Arc::new(RwLock::new(Arc::new(first))),
            renewing: Arc::default(),
        })
    }

    pub(super) fn rotate(&self, now: UnixSeconds) -> Result<(), EndpointError> {
        let next = Arc::new(issue(self.issuer.as_ref(), now)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }

    /// The leaf to show now. Half of its time being over, it is replaced first; if that fails it
    /// serves on for as long as it is valid.
    pub(super) async fn current(&self, now: UnixSeconds) -> Result<Arc<Current>, EndpointError> {
        let current = self.held();
        if now < current.renew_at {
            return Ok(current);
        }
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.held();
        if now < current.renew_at {
            return Ok(current);
        }
        let this = self.clone();
        let renewed = tokio::task::spawn_blocking(move || this.rotate(now))
            .await
            .unwrap_or(Err(EndpointError::Issue(IssueFailed::Cancelled)));
        match renewed {
            Err(error) if now > current.not_after => Err(error),
            Ok(()) | Err(_) => Ok(self.held()),
        }
    }

    fn held(&self) -> Arc<Current> {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

fn issue(issuer: &dyn LeafIssuer, now: UnixSeconds) -> Result<Current, EndpointError> {
    let leaf = issuer.issue(now)?;
    let left = leaf.not_after.0.saturating_sub(now.0);
    Ok(Current {
        shown: Shown::new(&leaf),
        tls: Arc::new(tls_config(&leaf)?),
        renew_at: UnixSeconds(now.0.saturating_add(left / 2)),
        not_after: leaf.not_after,
    })
}
