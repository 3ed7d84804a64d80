//! The attested channel of this vault: leaves, quotes, and whose evidence callers may show.

use crate::boot::Roots;
use crate::clock::clock;
use crate::config::{LimitsConfig, Material};
use crate::identity::Identity;
use crate::shared::Shared;
use ratls::tls::{IssueFailed, QuoteUnavailable, ServerConfig, ServerEndpoint, Trust};
use ratls::{AppraisalPolicy, Claims, Evidence, Leaf, LeafKey, Role, UnappraisedLeaf, Validity};
use std::sync::Arc;
use std::time::Duration;
use vault_policy::{PlatformId, TcbStatus, UnixSeconds};
use vault_tee::Platform;

/// What every leaf of this boot says.
#[derive(Clone)]
pub(crate) struct Says {
    pub(crate) identity_spki: Vec<u8>,
    pub(crate) roots: Roots,
    pub(crate) boot_id: [u8; 16],
}

impl Says {
    pub(crate) fn new(identity: &Identity, roots: Roots, boot_id: [u8; 16]) -> Self {
        Self {
            identity_spki: identity.spki().to_vec(),
            roots,
            boot_id,
        }
    }

    fn claims(&self, key: &LeafKey) -> Claims {
        Claims {
            role: Role::Vault,
            spki_hash: key.spki_hash(),
            identity_key: self.identity_spki.clone(),
            trust_root: Some(self.roots.trust),
            operational_root: Some(self.roots.operational),
            boot_id: self.boot_id,
            oids: Default::default(),
        }
    }
}

/// An endpoint over this platform. Blocks for a quote.
pub(crate) fn endpoint(
    shared: &Arc<Shared>,
    says: Says,
    material: &Material,
    limits: &LimitsConfig,
) -> anyhow::Result<ServerEndpoint> {
    let platform = &shared.platform;
    let quoting = platform.clone();
    let issuing = platform.clone();
    let issuer = move |now: UnixSeconds| issue(&*issuing, &says, now);
    let quoter = move |data: [u8; 64]| quote(&*quoting, data);
    let trust = Trust {
        root: material.root.clone(),
        policy: material.callers.clone(),
    };
    let now = clock(shared);
    let mut config = ServerConfig::new(Arc::new(issuer), Arc::new(quoter), trust, now);
    config.handshake_timeout = Duration::from_secs(limits.handshake_seconds);
    config.preamble_timeout = Duration::from_secs(limits.handshake_seconds);
    Ok(ServerEndpoint::new(config)?)
}

fn issue(platform: &dyn Platform, says: &Says, now: UnixSeconds) -> Result<Leaf, IssueFailed> {
    let key = LeafKey::generate()?;
    let claims = says.claims(&key);
    Leaf::issue(key, claims, Validity::from_now(now), |data| {
        quote(platform, data)
    })
    .map_err(|error| match error {
        ratls::IssueError::Leaf(error) => IssueFailed::Leaf(error),
        ratls::IssueError::Quote(_) => IssueFailed::Quote,
    })
}

fn quote(platform: &dyn Platform, data: [u8; 64]) -> Result<Evidence, QuoteUnavailable> {
    let evidence = platform.quote(data).map_err(|error| {
        tracing::warn!(%error, "the platform gave no quote");
        QuoteUnavailable
    })?;
    Ok(Evidence {
        quote: evidence.quote,
        collateral: evidence.collateral,
    })
}

/// The id of this machine, as a verifier with the configured root sees it; `None` where that root
/// is another's, or where the machine's evidence does not pass.
pub(crate) fn platform_id(
    platform: &dyn Platform,
    says: &Says,
    material: &Material,
) -> Option<PlatformId> {
    let now = UnixSeconds(platform.host_time().ok()?);
    let leaf = issue(platform, says, now).ok()?;
    let mut policy = AppraisalPolicy::strict();
    policy.statuses.extend(TcbStatus::ALL);
    let shown = UnappraisedLeaf::parse(&leaf.cert_der, now).ok()?;
    match shown.appraise(&leaf.evidence.collateral, &material.root, &policy, now) {
        Ok(appraised) => Some(appraised.evidence.claims().platform_id),
        Err(error) => {
            tracing::warn!(%error, "this vault's own evidence does not pass");
            None
        }
    }
}
