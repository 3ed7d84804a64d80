//! `VaultService`: all methods but `WhoAmI` also answer while the vault is locked, and to anybody
//! whose connection is attested.

use super::{Service, caller, mismatch, refusal_to_error, wire};
use crate::turns::{Turn, Turns};
use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult};
use ratls::config_tree::ConfigTree;
use vault_core::{Answer, Code, Refusal, Request};
use vault_governance::{GovernanceKey, GovernanceSignature, MOST_SIGNATURES, Reconfiguration};
use vault_proto::v1::{self, VaultService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl VaultService for Service {
    async fn get_info(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetInfoRequest>,
    ) -> ServiceResult<v1::GetInfoResponse> {
        let shared = &self.0;
        self.holds(&rpc, request.to_owned_message().seen.as_option())
            .await?;
        let (head, locked) = match &shared.state {
            Ok(open) => (open.read().info().head, None),
            Err(reason) => (None, Some(reason.told())),
        };
        Response::ok(v1::GetInfoResponse {
            vault_id: shared.vault_id.0.as_bytes().to_vec(),
            version: env!("CARGO_PKG_VERSION").into(),
            boot_id: shared.boot_id.to_vec(),
            trust_root: shared.trust.root().as_bytes().to_vec(),
            operational_root: shared.operational.root().as_bytes().to_vec(),
            head: wire::optional(head.as_ref().map(wire::head)),
            identity_key: shared.identity_spki.clone(),
            locked: locked.is_some(),
            locked_reason: locked.unwrap_or_default(),
            time_mode: "host".into(),
            ..Default::default()
        })
    }

    async fn get_config(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::GetConfigRequest>,
    ) -> ServiceResult<v1::GetConfigResponse> {
        Response::ok(v1::GetConfigResponse {
            trust: entries(&self.0.trust),
            operational: entries(&self.0.operational),
            ..Default::default()
        })
    }

    async fn begin_reconfigure(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::BeginReconfigureRequest>,
    ) -> ServiceResult<v1::BeginReconfigureResponse> {
        self.holds(&rpc, request.to_owned_message().seen.as_option())
            .await?;
        let begun = self.0.governor.begin().await;
        let begun = begun.map_err(|refusal| refusal_to_error(&refusal))?;
        Response::ok(v1::BeginReconfigureResponse {
            nonce: begun.nonce.to_vec(),
            sealed_trust_root: begun.sealed_trust_root.as_bytes().to_vec(),
            present_trust_root: begun.present_trust_root.as_bytes().to_vec(),
            constellation: begun.constellation.as_bytes().to_vec(),
            ..Default::default()
        })
    }

    async fn reconfigure(
        &self,
        _rpc: RequestContext,
        request: ServiceRequest<'_, v1::ReconfigureRequest>,
    ) -> ServiceResult<v1::ReconfigureResponse> {
        let message = request.to_owned_message();
        let done = match signed_statement(message) {
            Ok((statement, signatures)) => self.0.clone().reconfigure(statement, signatures).await,
            Err(refusal) => Err(refusal),
        };
        let done = done.map_err(|refusal| refusal_to_error(&refusal))?;
        Response::ok(v1::ReconfigureResponse {
            receipt: wire::receipt(&done.receipt),
            trust_root: done.trust_root.as_bytes().to_vec(),
            ..Default::default()
        })
    }

    async fn who_am_i(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::WhoAmIRequest>,
    ) -> ServiceResult<v1::WhoAmIResponse> {
        let message = request.to_owned_message();
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(Request::WhoAmI)).await?;
        let Answer::WhoAmI(identity) = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::WhoAmIResponse {
            receipt: wire::receipt(&reply.receipt),
            issuer: identity.issuer,
            subject: identity.subject,
            roles: identity.roles,
            token_expires_at: identity.token_expires_at.map_or(0, |at| at.0),
            caller_measurement: identity.caller_measurement,
            caller_platform_id: identity
                .caller_platform_id
                .map_or_else(Vec::new, |id| id.0.as_bytes().to_vec()),
            caller_certificate_spki: identity
                .caller_certificate_spki
                .map_or_else(Vec::new, |spki| spki.as_bytes().to_vec()),
            caller_certificate_names: identity.caller_certificate_names,
            ..Default::default()
        })
    }
}

/// A turn of who calls; strangers share theirs.
async fn turn(rpc: &RequestContext) -> Option<Turn> {
    let turns = match caller(rpc).ok()?.0 {
        Ok(known) => known.tenant.turns().clone(),
        Err(_) => rpc.extensions().get::<Turns>()?.clone(),
    };
    turns.next().await
}

impl Service {
    /// A locked vault shows no head that a caller's could be held against. Strangers may ask, so it is done in a turn of
    /// whoever does, and what is to be signed of it is signed when the vault is free again.
    async fn holds(
        &self,
        rpc: &RequestContext,
        seen: Option<&v1::SeenHead>,
    ) -> Result<(), ConnectError> {
        let Some(seen) = seen else {
            return Ok(());
        };
        let seen = wire::seen_head(seen).map_err(|refusal| refusal_to_error(&refusal))?;
        let Ok(open) = &self.0.state else {
            return Ok(());
        };
        let _turn = turn(rpc).await;
        let held = open.read().holds(&seen);
        held.map_err(|contradicted| refusal_to_error(&contradicted.sign()))
    }
}

pub(super) fn signed_statement(
    message: v1::ReconfigureRequest,
) -> Result<(Reconfiguration, Vec<GovernanceSignature>), Refusal> {
    let malformed = |why: String| Refusal::new(Code::InvalidArgument).because(why);
    let statement =
        Reconfiguration::parse(&message.statement).map_err(|error| malformed(error.to_string()))?;
    if message.signatures.len() > MOST_SIGNATURES {
        return Err(malformed("more than 16 signatures".into()));
    }
    let signatures = message.signatures.into_iter().map(|signed| {
        Some(GovernanceSignature {
            key: GovernanceKey(signed.public_key.try_into().ok()?),
            signature: signed.signature.try_into().ok()?,
        })
    });
    let signatures: Option<Vec<_>> = signatures.collect();
    let signatures = signatures
        .ok_or_else(|| malformed("a key is not of 32 bytes, or a signature not of 64".into()))?;
    Ok((statement, signatures))
}

fn entries(tree: &ConfigTree) -> Vec<v1::ConfigEntry> {
    tree.entries()
        .map(|(path, value)| v1::ConfigEntry {
            path: path.to_owned(),
            value: String::from_utf8_lossy(&value.to_bytes()).into_owned(),
            ..Default::default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::Authenticated;
    use crate::tenants::Tenants;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    #[test]
    fn a_stranger_with_a_head_waits_for_a_turn_that_all_strangers_share() {
        let turns = Tenants::new(1, 1, 1).turns();
        let mut extensions = http::Extensions::new();
        extensions.insert(Authenticated(Err(Refusal::new(Code::NotAttested))));
        extensions.insert(turns.clone());
        let rpc = RequestContext::new(http::HeaderMap::new()).with_extensions(extensions);
        let (held, mut cx) = (turns.at_once(), Context::from_waker(Waker::noop()));
        assert!(held.is_some());
        let mut waiting = pin!(turn(&rpc));
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        drop(held);
        let turned = waiting.as_mut().poll(&mut cx);
        assert!(matches!(turned, Poll::Ready(Some(_))));
    }
}
