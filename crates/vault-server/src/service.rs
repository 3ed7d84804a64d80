//! The services of the wire over the core: each method maps its request, lets the core perform it,
//! and maps the answer.

mod approval;
mod audit;
mod batch;
mod calls;
mod crypto;
mod error;
mod exchange;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gather;
mod key;
mod mapping;
mod operate;
mod policy;
mod profile;
mod room;
mod turns;
mod vault;
mod waiting;
mod wire;

pub(crate) use error::{Explain, refusal_to_error};
pub(crate) use operate::Link;

use crate::shared::Shared;
use crate::tenants::Tenant;
use connectrpc::{Chain, ConnectError, RequestContext, Response, ServiceResult};
use mapping::Ask;
use std::sync::Arc;
use vault_core::{Caller, Code, Refusal, Reply, Request};
use vault_proto::v1::{
    self, ApprovalServiceServer, AuditServiceServer, CryptoServiceServer, KeyServiceServer,
    PolicyServiceServer, ProfileServiceServer, VaultServiceServer,
};

/// Who calls, put beside each request by its connection.
#[derive(Clone)]
pub(crate) struct Authenticated(pub(crate) Result<Known, Refusal>);

/// A caller who is known, and what they share out between their calls.
#[derive(Clone)]
pub(crate) struct Known {
    pub(crate) caller: Arc<Caller>,
    pub(crate) tenant: Arc<Tenant>,
}

/// Implements every service.
#[derive(Clone)]
pub(crate) struct Service(Arc<Shared>);

/// All services, the busiest first.
pub(crate) type Services = Chain<
    CryptoServiceServer<Service>,
    Chain<
        KeyServiceServer<Service>,
        Chain<
            PolicyServiceServer<Service>,
            Chain<
                Chain<ApprovalServiceServer<Service>, ProfileServiceServer<Service>>,
                Chain<AuditServiceServer<Service>, VaultServiceServer<Service>>,
            >,
        >,
    >,
>;

/// Every service over one vault.
pub(crate) fn services(shared: Arc<Shared>) -> Services {
    let service = Service(shared);
    Chain(
        CryptoServiceServer::new(service.clone()),
        Chain(
            KeyServiceServer::new(service.clone()),
            Chain(
                PolicyServiceServer::new(service.clone()),
                Chain(
                    Chain(
                        ApprovalServiceServer::new(service.clone()),
                        ProfileServiceServer::new(service.clone()),
                    ),
                    Chain(
                        AuditServiceServer::new(service.clone()),
                        VaultServiceServer::new(service),
                    ),
                ),
            ),
        ),
    )
}

impl Service {
    /// One request, asked for by a call of its own.
    async fn single<A: Ask>(
        &self,
        rpc: &RequestContext,
        mut asked: A,
    ) -> ServiceResult<A::Answered> {
        let context = asked.take_context();
        let reply = self.call(rpc, context.as_ref(), asked.request()).await?;
        Response::ok(A::answered(reply).ok_or_else(mismatch)?)
    }

    /// One call by whoever is authenticated.
    async fn call(
        &self,
        rpc: &RequestContext,
        context: Option<&v1::CallContext>,
        request: Result<Request, Refusal>,
    ) -> Result<Reply, ConnectError> {
        self.try_call(rpc, context, request)
            .await
            .map_err(|refusal| refusal_to_error(&refusal))
    }

    async fn try_call(
        &self,
        rpc: &RequestContext,
        context: Option<&v1::CallContext>,
        request: Result<Request, Refusal>,
    ) -> Result<Reply, Refusal> {
        let known = self.known(rpc)?;
        let caller = &known.caller;
        let call = wire::call_context(context).and_then(|context| Ok((request?, context)));
        let (request, context) = call.map_err(|refusal| self.0.malformed(caller, refusal))?;
        self.0.perform(&known, request, &context).await
    }

    /// Who calls; refuses everybody while the vault is locked, and strangers.
    fn known(&self, rpc: &RequestContext) -> Result<Known, Refusal> {
        let caller = caller(rpc)?;
        self.0.open()?;
        caller.0
    }
}

/// INVARIANT: every connection that reaches the services puts an [`Authenticated`] beside each
/// request.
fn caller(rpc: &RequestContext) -> Result<Authenticated, Refusal> {
    let authenticated = rpc.extensions().get::<Authenticated>().cloned();
    authenticated.ok_or_else(|| Refusal::new(Code::NotAttested))
}

/// The core answered another question than it was asked.
fn mismatch() -> ConnectError {
    refusal_to_error(&Refusal::new(Code::Internal))
}
