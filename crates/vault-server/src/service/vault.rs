//! `VaultService`: the first two methods also answer while the vault is locked, and to anybody
//! whose connection is attested.

use super::{Service, mismatch, wire};
use connectrpc::{ConnectError, RequestContext, Response, ServiceRequest, ServiceResult};
use ratls::config_tree::ConfigTree;
use vault_core::{Answer, Request};
use vault_proto::v1::{self, VaultService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl VaultService for Service {
    async fn get_info(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::GetInfoRequest>,
    ) -> ServiceResult<v1::GetInfoResponse> {
        let shared = &self.0;
        let (head, locked) = match &shared.state {
            Ok(open) => (open.read().info().head, None),
            Err(reason) => (None, Some(reason.to_string())),
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
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::BeginReconfigureRequest>,
    ) -> ServiceResult<v1::BeginReconfigureResponse> {
        Err(ConnectError::unimplemented("not served"))
    }

    async fn reconfigure(
        &self,
        _rpc: RequestContext,
        _request: ServiceRequest<'_, v1::ReconfigureRequest>,
    ) -> ServiceResult<v1::ReconfigureResponse> {
        Err(ConnectError::unimplemented("not served"))
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
            caller_measurement: identity
                .caller_measurement
                .map_or_else(Vec::new, |id| id.0.as_bytes().to_vec()),
            caller_platform_id: identity
                .caller_platform_id
                .map_or_else(Vec::new, |id| id.0.as_bytes().to_vec()),
            ..Default::default()
        })
    }
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
