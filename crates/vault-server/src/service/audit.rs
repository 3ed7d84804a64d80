//! `AuditService`.

use super::{Known, Service, caller, mismatch, refusal_to_error, wire};
use buffa::MessageField;
use connectrpc::{
    ConnectError, RequestContext, Response, ServiceRequest, ServiceResult, ServiceStream,
};
use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;
use vault_core::{Answer, ArchivedLeaves, CallContext, Code, Head, Refusal, Reply, Request};
use vault_encoding::Hash;
use vault_proto::v1::{self, AuditService};

#[allow(refining_impl_trait, reason = "answers are plain messages")]
impl AuditService for Service {
    async fn read_log(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ReadLogRequest>,
    ) -> ServiceResult<ServiceStream<v1::ReadLogResponse>> {
        let message = request.to_owned_message();
        let pages = Pages::begin(self, &rpc, &message).map_err(|r| refusal_to_error(&r))?;
        // The first page is read before the stream begins, so that a refusal is an error of the
        // call.
        let (first, rest) = pages.next().await?;
        let rest = stream::try_unfold(rest, |rest| async move {
            match rest {
                None => Ok::<_, ConnectError>(None),
                Some(pages) => pages.next().await.map(Some),
            }
        });
        let all = futures_util::StreamExt::chain(stream::iter([Ok(first)]), rest);
        Response::ok(Box::pin(all))
    }

    async fn get_checkpoint(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::GetCheckpointRequest>,
    ) -> ServiceResult<v1::GetCheckpointResponse> {
        let message = request.to_owned_message();
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(Request::GetCheckpoint)).await?;
        Response::ok(v1::GetCheckpointResponse {
            head: MessageField::some(wire::head(&reply.receipt.head)),
            ..Default::default()
        })
    }

    async fn prove_inclusion(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ProveInclusionRequest>,
    ) -> ServiceResult<v1::ProveInclusionResponse> {
        let message = request.to_owned_message();
        let asked = Request::ProveInclusion {
            index: message.index,
            size: message.size,
        };
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(asked)).await?;
        let Answer::ProveInclusion { proof, leaf_hash } = reply.answer else {
            return Err(mismatch());
        };
        Response::ok(v1::ProveInclusionResponse {
            proof: hashes(&proof),
            leaf_hash: leaf_hash.as_bytes().to_vec(),
            ..Default::default()
        })
    }

    async fn prove_consistency(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ProveConsistencyRequest>,
    ) -> ServiceResult<v1::ProveConsistencyResponse> {
        let message = request.to_owned_message();
        let asked = Request::ProveConsistency {
            old_size: message.old_size,
            new_size: message.new_size,
        };
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(asked)).await?;
        let Answer::ProveConsistency {
            proof,
            old_root,
            new_root,
        } = reply.answer
        else {
            return Err(mismatch());
        };
        Response::ok(v1::ProveConsistencyResponse {
            proof: hashes(&proof),
            old_root: old_root.as_bytes().to_vec(),
            new_root: new_root.as_bytes().to_vec(),
            ..Default::default()
        })
    }

    async fn exchange_heads(
        &self,
        rpc: RequestContext,
        request: ServiceRequest<'_, v1::ExchangeHeadsRequest>,
    ) -> ServiceResult<v1::ExchangeHeadsResponse> {
        let message = request.to_owned_message();
        let context = message.context.as_option();
        let reply = self.call(&rpc, context, Ok(Request::GetCheckpoint)).await?;
        let heads = self.exchange(&rpc, &message).await;
        Response::ok(v1::ExchangeHeadsResponse {
            head: MessageField::some(wire::head(&reply.receipt.head)),
            heads: heads.map_err(|refusal| refusal_to_error(&refusal))?,
            ..Default::default()
        })
    }
}

fn hashes(proof: &[Hash]) -> Vec<Vec<u8>> {
    proof.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

/// A log on its way to an auditor, page by page against one head.
struct Pages {
    service: Service,
    known: Known,
    context: CallContext,
    from: u64,
    to: u64,
    head: Option<Head>,
}

impl Pages {
    fn begin(
        service: &Service,
        rpc: &RequestContext,
        message: &v1::ReadLogRequest,
    ) -> Result<Self, Refusal> {
        let known = caller(rpc)?.0?;
        Ok(Self {
            service: service.clone(),
            known,
            context: wire::call_context(message.context.as_option())?,
            from: message.from,
            to: message.to,
            head: None,
        })
    }

    /// Reads the archive, aside: the disk may take its time.
    async fn read(&self, archived: Box<ArchivedLeaves>) -> Result<Vec<Arc<[u8]>>, ConnectError> {
        let open = self.service.0.open().map_err(|r| refusal_to_error(&r))?;
        let shelf = open.shelf.clone();
        let reader = shelf.reader().await;
        let read = move || {
            // Until the files are closed, whoever asked may be gone by then.
            let _reader = reader;
            shelf.open(&archived)
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| mismatch())?
            .map_err(|lost| refusal_to_error(&lost.into()))
    }

    /// One page. All but the first wait while their reader is over the rate: a log is read to its end.
    async fn page(&self, from: u64, to: u64) -> Result<Reply, Refusal> {
        loop {
            let asked = Request::ReadLog { from, to };
            let shared = &self.service.0;
            let read = shared.perform(&self.known, asked, &self.context).await;
            let wait = match &read {
                Err(refusal) if self.head.is_some() && refusal.code == Code::RateLimited => {
                    refusal.retry_after
                }
                _ => None,
            };
            match wait {
                Some(seconds) => sleep(Duration::from_secs(seconds)).await,
                None => return read,
            }
        }
    }

    /// One page, and what is left behind it.
    async fn next(mut self) -> Result<(v1::ReadLogResponse, Option<Self>), ConnectError> {
        let (from, to) = (self.from, self.to);
        let reply = self.page(from, to).await;
        let reply = reply.map_err(|refusal| refusal_to_error(&refusal))?;
        let leaves = match reply.answer {
            Answer::ReadLog { leaves } => leaves,
            Answer::ReadArchive(archived) => self.read(archived).await?,
            _ => return Err(mismatch()),
        };
        let head = self.head.get_or_insert(reply.receipt.head);
        let end = if to == 0 { head.size } else { to };
        let page = v1::ReadLogResponse {
            leaves: leaves.iter().map(|leaf| leaf.to_vec()).collect(),
            head: MessageField::some(wire::head(head)),
            ..Default::default()
        };
        self.from = from.saturating_add(leaves.len() as u64);
        self.to = end;
        let more = !leaves.is_empty() && self.from < end;
        Ok((page, more.then_some(self)))
    }
}
