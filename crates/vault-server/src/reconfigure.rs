//! Changes of the trust configuration: by the sealed governance quorum, and by nobody else.
//!
//! A change is logged durably, and only then sealed. What the log says holds: a crash before the
//! entry is durable leaves the vault as it was, and a crash after it leaves a vault that opens
//! under the new configuration at its next start.

mod nonces;

use crate::boot::{Locked, Roots, Start};
use crate::clock::{SystemRng, reading};
use crate::config::{Material, ServerConfig};
use crate::identity::Identity;
use crate::log::fault;
use crate::root::reopen_root;
use crate::sealed::Sealed;
use crate::shared::{Open, Shared};
use nonces::Nonce;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use tokio::sync::{Mutex, Notify};
use vault_core::api::Receipt;
use vault_core::{Code, CommitFault, Committed, GovernedChange, LoggedEvent, Refusal};
use vault_encoding::Hash;
use vault_governance::{Anchor, Expected, GovernanceError, GovernanceSignature, Reconfiguration};
use vault_store::{DirFiles, RootError};
use vault_tee::Platform;

/// What governance may do to this vault in this boot.
pub(crate) struct Governor {
    config: ServerConfig,
    material: Arc<Material>,
    roots: Roots,
    identity: Arc<Identity>,
    platform: Arc<dyn Platform>,
    /// What is sealed now; held while it changes. `None` if the root did not open.
    sealed: Mutex<Option<Sealed>>,
    nonce: StdMutex<Nonce>,
    /// Told when a locked vault may open.
    reopen: Notify,
    /// Told when this boot takes no more connections.
    closed: Notify,
}

/// What whoever writes a statement must know.
pub(crate) struct Begun {
    pub(crate) nonce: [u8; 32],
    pub(crate) sealed_trust_root: Hash,
    pub(crate) present_trust_root: Hash,
    pub(crate) constellation: Hash,
}

/// A change that is in force.
pub(crate) struct Reconfigured {
    /// Of its entry.
    pub(crate) receipt: Receipt,
    pub(crate) trust_root: Hash,
}

impl Governor {
    pub(crate) fn new(
        config: &ServerConfig,
        material: &Arc<Material>,
        roots: Roots,
        identity: &Arc<Identity>,
        platform: &Arc<dyn Platform>,
        sealed: Option<Sealed>,
    ) -> Self {
        Self {
            config: config.clone(),
            material: material.clone(),
            roots,
            identity: identity.clone(),
            platform: platform.clone(),
            sealed: Mutex::new(sealed),
            nonce: StdMutex::new(Nonce::new()),
            reopen: Notify::new(),
            closed: Notify::new(),
        }
    }

    /// Ready when the vault is to start again, because what is sealed lets it open.
    pub(crate) async fn reopening(&self) {
        self.reopen.notified().await;
    }

    /// This boot takes no more connections.
    pub(crate) fn closed(&self) {
        self.closed.notify_one();
    }

    /// A nonce for one statement.
    pub(crate) async fn begin(&self) -> Result<Begun, Refusal> {
        let sealed = self.sealed.lock().await;
        let (sealed, anchor) = governed(sealed.as_ref())?;
        Ok(Begun {
            nonce: self.nonce().open(),
            sealed_trust_root: sealed.trust_root,
            present_trust_root: self.roots.trust,
            constellation: anchor.constellation.0,
        })
    }

    fn nonce(&self) -> std::sync::MutexGuard<'_, Nonce> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a statement to what is sealed. The nonce is spent by a statement that the quorum has
    /// signed, whatever comes of that, and by nobody else.
    fn judge(
        &self,
        sealed: &Sealed,
        anchor: &Anchor,
        statement: &Reconfiguration,
        signatures: &[GovernanceSignature],
    ) -> Result<GovernedChange, GovernanceError> {
        let expected = Expected {
            vault_id: self.identity.vault_id(),
            constellation: anchor.constellation,
            trust_root: sealed.trust_root,
            governance: &anchor.governance,
        };
        let signers = statement.verify(&expected, signatures)?;
        if !self.nonce().spend(&statement.nonce) {
            return Err(GovernanceError::UnknownNonce);
        }
        Ok(GovernedChange {
            statement: statement.hash(),
            old_trust_root: statement.old_trust_root,
            new_trust_root: statement.new_trust_root,
            signers: signers.into_iter().map(|key| key.0).collect(),
        })
    }

    /// What is sealed for a vault that is locked: the present configuration, which must be the one
    /// that was signed for, in the same constellation.
    fn present(&self, anchor: &Anchor, change: &GovernedChange) -> Result<Anchor, Refusal> {
        if change.new_trust_root != self.roots.trust {
            return Err(refused(GovernanceError::WrongNewRoot));
        }
        let configured = self.config.anchor().ok().flatten();
        match configured {
            Some(present) if present.constellation == anchor.constellation => Ok(present),
            _ => Err(Refusal::new(Code::GovernanceRefused)
                .because("the present configuration is of another constellation, or of none")),
        }
    }
}

impl Shared {
    /// Makes another trust configuration the vault's. A task of its own, so that a caller who
    /// hangs up leaves nothing half done.
    pub(crate) async fn reconfigure(
        self: Arc<Self>,
        statement: Reconfiguration,
        signatures: Vec<GovernanceSignature>,
    ) -> Result<Reconfigured, Refusal> {
        let task = tokio::spawn(async move { self.change(&statement, &signatures).await });
        task.await
            .unwrap_or_else(|_| Err(Refusal::new(Code::Internal)))
    }

    async fn change(
        &self,
        statement: &Reconfiguration,
        signatures: &[GovernanceSignature],
    ) -> Result<Reconfigured, Refusal> {
        let governor = &self.governor;
        let mut held = governor.sealed.lock().await;
        let (sealed, anchor) = governed(held.as_ref())?;
        let change = governor
            .judge(sealed, anchor, statement, signatures)
            .map_err(refused)?;
        let quorum = match &self.state {
            // Which quorum the new configuration names is not known before it is there.
            Ok(_) => anchor.clone(),
            Err(Locked::TrustConfiguration | Locked::Constellation) => {
                governor.present(anchor, &change)?
            }
            Err(other) => return Err(Refusal::new(Code::Locked).because(other.told())),
        };
        let next = sealed
            .followed_by(change.new_trust_root, Some(quorum))
            .ok_or_else(|| Refusal::new(Code::Internal))?;
        let (receipt, folder) = match &self.state {
            Ok(open) => {
                let receipt = open.log(governor, &change, &next).await?;
                (receipt, open.shelf.folder())
            }
            Err(_) => {
                let old = sealed.trust_root;
                governor.log_aside(old, change, next.clone()).await?
            }
        };
        // In force from here: the next start reads it from the log, sealed or not.
        let trust_root = next.trust_root;
        *held = Some(next.clone());
        if let Err(reason) = governor.seal(folder, next).await {
            tracing::warn!(
                reason,
                "the change is logged, and not sealed before the next start"
            );
        }
        tracing::info!(%trust_root, size = receipt.head.size, "governance changed the trust configuration");
        if self.state.is_err() {
            governor.reopen.notify_one();
            // Whoever connects after the answer meets the vault that opens.
            governor.closed.notified().await;
        }
        Ok(Reconfigured {
            receipt,
            trust_root,
        })
    }
}

impl Open {
    /// The entry in the log of a running vault.
    async fn log(
        &self,
        governor: &Governor,
        change: &GovernedChange,
        next: &Sealed,
    ) -> Result<Receipt, Refusal> {
        let now = reading(&*governor.platform);
        let (logged, durable) = {
            let mut vault = self.vault.write().unwrap_or_else(PoisonError::into_inner);
            let logged = vault
                .log_reconfiguration(change, next.to_log(), now, &mut SystemRng)
                .ok_or_else(|| Refusal::new(Code::Internal))?;
            let durable = self.committer.register(logged.group);
            (logged, durable)
        };
        let committed = durable.await.map_err(|_| Refusal::new(Code::Unavailable))?;
        proven(logged, &committed)
    }
}

impl Governor {
    /// The entry in the log of a vault that is locked: opened for this, under the roots that are
    /// sealed, and closed again.
    async fn log_aside(
        &self,
        sealed_trust_root: Hash,
        change: GovernedChange,
        next: Sealed,
    ) -> Result<(Receipt, DirFiles), Refusal> {
        let (config, material) = (self.config.clone(), self.material.clone());
        let (identity, platform) = (self.identity.clone(), self.platform.clone());
        let roots = Roots {
            trust: sealed_trust_root,
            operational: self.roots.operational,
        };
        blocking(move || {
            let start = Start {
                config: &config,
                material: &material,
                roots,
                identity: &identity,
                platform: &*platform,
            };
            log_with(&start, &change, &next)
        })
        .await
    }

    async fn seal(&self, mut folder: DirFiles, next: Sealed) -> Result<(), &'static str> {
        let platform = self.platform.clone();
        let vault = self.identity.vault_id();
        let sealing = tokio::task::spawn_blocking(move || {
            let mut root = reopen_root(&mut folder, &*platform, vault)?;
            root.reseal(&mut folder, next).map_err(|error| match error {
                RootError::Storage(error) => fault(error, "the disk failed, or has no space").0,
                RootError::Locked { .. } | RootError::Seal => "the platform failed to seal",
            })
        });
        sealing.await.unwrap_or(Err("it was interrupted"))
    }
}

/// The receipt of the entry, and the folder under the claim of this log.
fn log_with(
    start: &Start<'_>,
    change: &GovernedChange,
    next: &Sealed,
) -> Result<(Receipt, DirFiles), Refusal> {
    let vault = start.identity.vault_id();
    let files = DirFiles::open(&start.config.data_dir);
    let mut files = files.map_err(|_| unavailable("the disk failed"))?;
    let root = reopen_root(&mut files, start.platform, vault).map_err(unavailable)?;
    let folded = start
        .fold(&root.store)
        .map_err(|_| unavailable("the log could not be opened"))?;
    let mut folded = folded.map_err(|locked| Refusal::new(Code::Locked).because(locked.told()))?;
    match folded.log.make_room() {
        Ok(true) => {}
        Ok(false) => return Err(unavailable("the disk of the vault is full")),
        Err(CommitFault(reason)) => crate::stop::abort(reason),
    }
    let now = reading(start.platform);
    let logged = folded
        .vault
        .log_reconfiguration(change, next.to_log(), now, &mut SystemRng)
        .ok_or_else(|| Refusal::new(Code::Internal))?;
    let Ok(ready) = folded.commit() else {
        crate::stop::abort("the log could not be made durable")
    };
    let committed = ready.vault.durable();
    let committed = committed.ok_or_else(|| Refusal::new(Code::Internal))?;
    Ok((proven(logged, committed)?, ready.shelf.folder()))
}

fn proven(logged: LoggedEvent, committed: &Committed) -> Result<Receipt, Refusal> {
    let receipt = logged.receipt(committed);
    receipt.ok_or_else(|| Refusal::new(Code::Internal))
}

fn governed(sealed: Option<&Sealed>) -> Result<(&Sealed, &Anchor), Refusal> {
    let sealed = sealed
        .ok_or_else(|| Refusal::new(Code::Locked).because("what is sealed does not open here"))?;
    let anchor = sealed.governance.as_ref().ok_or_else(|| {
        Refusal::new(Code::GovernanceRefused)
            .because("this vault was made without governance: nothing can change its trust")
    })?;
    Ok((sealed, anchor))
}

fn refused(error: GovernanceError) -> Refusal {
    Refusal::new(Code::GovernanceRefused).because(error.to_string())
}

fn unavailable(reason: &'static str) -> Refusal {
    Refusal::new(Code::Unavailable).because(reason)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(Code::Internal)))
}
