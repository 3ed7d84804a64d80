//! Tokens that are good only for their sender, or only at one vault.

use super::{Issuer, Shared, now};
use std::sync::Arc;
use std::time::Duration;
use vault_client::token::{AccessToken, Kept, ProofKey, TokenFuture, TokenSource};
use vault_encoding::Hash;
use vault_encoding::text::base64url;
use vault_policy::VaultId;

/// What a token is bound to.
#[derive(Clone, Debug, Default)]
pub struct Binding {
    /// `cnf`: its one member's name and value.
    pub confirmation: Option<(&'static str, String)>,
    /// `aud`, in place of the issuer's.
    pub audience: Option<String>,
}

impl Binding {
    /// To the key with this thumbprint (RFC 9449).
    pub fn key(thumbprint: impl Into<String>) -> Self {
        Self {
            confirmation: Some(("jkt", thumbprint.into())),
            audience: None,
        }
    }

    /// To the client certificate with this SHA-256 (RFC 8705).
    pub fn certificate(hash: &Hash) -> Self {
        Self {
            confirmation: Some(("x5t#S256", base64url(hash.as_bytes()))),
            audience: None,
        }
    }

    /// To this vault, whose id is all of the audience.
    pub fn vault(vault: &VaultId) -> Self {
        Self {
            confirmation: None,
            audience: Some(vault.to_string()),
        }
    }
}

impl Issuer {
    /// A token for this client, bound to the key with this thumbprint.
    pub fn token_bound_to(&self, client_id: &str, thumbprint: &str) -> Option<String> {
        self.bound_token(client_id, &Binding::key(thumbprint))
    }

    /// A token for this client, good at this vault only.
    pub fn token_for_vault(&self, client_id: &str, vault: &VaultId) -> Option<String> {
        self.bound_token(client_id, &Binding::vault(vault))
    }

    /// A token for this client, bound like that.
    pub fn bound_token(&self, client_id: &str, binding: &Binding) -> Option<String> {
        self.shared.token(self.shared.client(client_id)?, binding)
    }

    /// What an SDK has for this client after asking `POST /token`: tokens bound to a key of its
    /// own, kept and renewed, and that key.
    pub fn token_source(&self, client_id: &str) -> Option<Arc<dyn TokenSource>> {
        self.shared.client(client_id)?;
        Some(Arc::new(Kept::new(BoundTokens {
            shared: self.shared.clone(),
            client_id: client_id.to_owned(),
            key: ProofKey::default(),
        })))
    }
}

struct BoundTokens {
    shared: Arc<Shared>,
    client_id: String,
    key: ProofKey,
}

impl TokenSource for BoundTokens {
    fn token(&self) -> TokenFuture<'_> {
        Box::pin(async {
            let binding = Binding::key(self.key.thumbprint()?);
            let client = self.shared.client(&self.client_id);
            let token = client.and_then(|client| self.shared.token(client, &binding));
            let life = Duration::from_secs(self.shared.config.token_seconds);
            Ok(AccessToken::new(token.unwrap_or_default(), Some(life)).bound())
        })
    }

    fn proof_key(&self) -> Option<ProofKey> {
        Some(self.key.clone())
    }
}

impl Shared {
    pub(super) fn client(&self, id: &str) -> Option<&super::Client> {
        self.config.clients.iter().find(|client| client.id == id)
    }

    pub(super) fn claims(&self, client: &super::Client, binding: &Binding) -> serde_json::Value {
        let now = now();
        let mut claims = serde_json::json!({
            "iss": self.url,
            "sub": client.id,
            "client_id": client.id,
            "aud": binding.audience.as_ref().unwrap_or(&self.config.audience),
            "iat": now,
            "exp": now + self.config.token_seconds,
            "roles": client.roles,
        });
        if let (Some((name, value)), Some(members)) =
            (&binding.confirmation, claims.as_object_mut())
        {
            members.insert("cnf".into(), serde_json::json!({ *name: value }));
        }
        claims
    }
}
