//! What a vault says of itself, and of its caller.

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::SeenHead;
use crate::key::{hash, malformed};
use crate::receipt::Answer;
use crate::session::Session;
use std::sync::Arc;
use vault_encoding::{Canonical, Hash, Limits};
use vault_policy::{PlatformId, VaultId};
use vault_proto::v1;

/// What a vault says of itself. Identity and configuration roots are those of its evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VaultInfo {
    /// Its id.
    pub vault_id: VaultId,
    /// Version of its software, as it says.
    pub version: String,
    /// Fresh at every start.
    pub boot_id: [u8; 16],
    /// Root of the configuration entries that carry trust.
    pub trust_root: Hash,
    /// Root of the others.
    pub operational_root: Hash,
    /// The head of its log; a locked vault shows none.
    pub head: Option<SeenHead>,
    /// Why it is locked, if it is.
    pub locked: Option<String>,
    /// `host` or `signed`.
    pub time_mode: String,
}

/// The configuration as the vault serves it; its roots are those of the evidence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServedConfig {
    /// Path and canonical JSON text of what carries trust.
    pub trust: Vec<(String, String)>,
    /// Path and canonical JSON text of what carries none.
    pub operational: Vec<(String, String)>,
}

/// What a vault makes of the caller's connection and token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhoAmI {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// The roles that count.
    pub roles: Vec<String>,
    /// Unix seconds.
    pub token_expires_at: u64,
    /// MRENCLAVE of the calling enclave (32 bytes) or MRTD of the calling trust domain (48), if it is one.
    pub measurement: Option<Vec<u8>>,
    /// Its machine.
    pub platform_id: Option<PlatformId>,
    /// SHA-256 of the SubjectPublicKeyInfo of the client certificate, if the connection has one.
    pub certificate_spki: Option<Hash>,
    /// Its subject alternative names, as policies write them.
    pub certificate_names: Vec<String>,
}

impl Client {
    /// What the vault says of itself. Needs no token. Said also while evidence against it is not acknowledged;
    /// before there is any, it has to have what others have seen.
    pub async fn info(&self) -> Result<VaultInfo> {
        for told in self.tracker().standing().unwrap_or_default() {
            self.shows(Some(told.head)).await?;
        }
        let seen = self.seen().await;
        let (answer, session, head) = self.shows(seen).await?;
        let peer = session.peer();
        Ok(VaultInfo {
            vault_id: peer.vault_id,
            version: answer.version,
            boot_id: answer
                .boot_id
                .try_into()
                .map_err(|_| malformed("boot id"))?,
            trust_root: hash(&answer.trust_root, "trust root")?,
            operational_root: hash(&answer.operational_root, "operational root")?,
            head,
            locked: answer.locked.then_some(answer.locked_reason),
            time_mode: answer.time_mode,
        })
    }

    /// Holds the vault to what others have seen of it, as far as that can be done without a token; refuses where
    /// evidence against it is not acknowledged.
    pub(super) async fn hold_without_token(&self) -> Result<()> {
        for told in self.tracker().standing()? {
            self.shows(Some(told.head)).await?;
        }
        Ok(())
    }

    /// What the vault says of itself to whoever has seen this head, and the head that it shows. One that has another
    /// log refuses; one that is locked shows none.
    async fn shows(
        &self,
        seen: Option<SeenHead>,
    ) -> Result<(v1::GetInfoResponse, Arc<Session>, Option<SeenHead>)> {
        let request = v1::GetInfoRequest {
            seen: self.told(seen.as_ref()).into(),
            ..Default::default()
        };
        let request = &request;
        let (mut answer, session) = self
            .plain(seen.clone(), |session, options| async move {
                let client = v1::VaultServiceClient::new(session.transport(), session.rpc_config());
                let request = request.clone();
                let answer = client.get_info_with_options(request, options).await?;
                Ok((answer.into_owned(), session))
            })
            .await?;
        let peer = session.peer();
        let differs = answer.vault_id != peer.vault_id.0.0
            || answer.boot_id != peer.claims.boot_id
            || Hash::from_slice(&answer.trust_root) != peer.claims.trust_root
            || Hash::from_slice(&answer.operational_root) != peer.claims.operational_root;
        if differs {
            return Err(Error::new(ErrorCode::AttestationRefused)
                .vault(self.vault_id())
                .detail("it says of itself what its evidence does not say"));
        }
        let head = match answer.head.take() {
            Some(head) => Some(session.head(head)?),
            None if answer.locked => None,
            None => return Err(malformed("head")),
        };
        if let Some(head) = &head {
            self.tracker()
                .glance(seen.as_ref(), head, &session.showing())?;
        }
        Ok((answer, session, head))
    }

    /// The configuration, held against the roots that the vault's evidence commits to.
    pub async fn config(&self) -> Result<ServedConfig> {
        let (answer, peer) = self
            .plain(None, |session, options| async move {
                let client = v1::VaultServiceClient::new(session.transport(), session.rpc_config());
                let request = v1::GetConfigRequest::default();
                let answer = client.get_config_with_options(request, options).await?;
                Ok((answer.into_owned(), session.peer().clone()))
            })
            .await?;
        let pairs = |entries: Vec<v1::ConfigEntry>| -> Vec<(String, String)> {
            entries
                .into_iter()
                .map(|entry| (entry.path, entry.value))
                .collect()
        };
        let served = ServedConfig {
            trust: pairs(answer.trust),
            operational: pairs(answer.operational),
        };
        crate::session::check_config(&served, &peer).map_err(|error| error.vault(peer.vault_id))?;
        Ok(served)
    }

    /// What the vault makes of this caller.
    pub async fn whoami(&self) -> Result<Answer<WhoAmI>> {
        let answer = self.call(v1::WhoAmIRequest::default()).await?;
        answer.try_map(WhoAmI::from_wire)
    }
}

impl WhoAmI {
    pub(crate) fn from_wire(answer: v1::WhoAmIResponse) -> Result<Self> {
        let optional =
            |bytes: &[u8], what| (!bytes.is_empty()).then(|| hash(bytes, what)).transpose();
        Ok(Self {
            measurement: match answer.caller_measurement.len() {
                0 => None,
                32 | 48 => Some(answer.caller_measurement),
                _ => return Err(malformed("measurement")),
            },
            platform_id: optional(&answer.caller_platform_id, "platform id")?.map(PlatformId),
            certificate_spki: optional(&answer.caller_certificate_spki, "certificate key")?,
            certificate_names: answer.caller_certificate_names,
            issuer: answer.issuer,
            subject: answer.subject,
            roles: answer.roles,
            token_expires_at: answer.token_expires_at,
        })
    }
}

/// The canonical value of a configuration entry; other spellings are refused.
pub(crate) fn canonical_value(text: &str) -> Result<Canonical> {
    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        depth: 32,
        nodes: 100_000,
    };
    Canonical::from_bytes(text.as_bytes(), LIMITS).map_err(|_| malformed("configuration entry"))
}
