//! Reading and proving the log. Leaves are held to the head that they were read against.

use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::heads::{SeenHead, Showing};
use crate::key::{hash, malformed};
use crate::session::Session;
use connectrpc::ConnectError;
use connectrpc::client::CallOptions;
use vault_audit::MAX_LEAF_BYTES;
use vault_encoding::{Hash, merkle};
use vault_proto::v1;

/// Leaves of one stretch of the log, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogPage {
    /// Index of the first.
    pub from: u64,
    /// Their bytes.
    pub leaves: Vec<Vec<u8>>,
    /// The head that they were read against.
    pub head: SeenHead,
}

/// A whole log: every leaf up to a head, and the head's root recomputed from them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditLog {
    /// All leaves, from index 0.
    pub leaves: Vec<Vec<u8>>,
    /// The signed head over exactly these leaves.
    pub head: SeenHead,
}

impl Client {
    /// The head of the log now: verified, linked with what was seen before, and kept.
    pub async fn checkpoint(&self) -> Result<SeenHead> {
        self.shown_head().await.map(|(head, _)| head)
    }

    /// The same, and who shows it.
    pub(super) async fn shown_head(&self) -> Result<(SeenHead, Showing)> {
        self.ready_to_use(self.deadline()).await?;
        let seen = self.seen().await;
        let context = self.context(seen.as_ref());
        let (answer, session) = self
            .plain(seen.clone(), |session, options| {
                let context = context.clone().into();
                async move {
                    let client =
                        v1::AuditServiceClient::new(session.transport(), session.rpc_config());
                    let request = v1::GetCheckpointRequest {
                        context,
                        ..Default::default()
                    };
                    let answer = client.get_checkpoint_with_options(request, options).await?;
                    Ok((answer.into_owned(), session))
                }
            })
            .await?;
        let head = answer.head.into_option().ok_or_else(|| malformed("head"))?;
        let head = session.head(head)?;
        let deadline = self.deadline();
        self.accept(&session, seen.as_ref(), head.clone(), None, deadline)
            .await?;
        Ok((head, session.showing()))
    }

    /// The leaves `from..to`; 0 stands for the head.
    pub async fn read_log(&self, from: u64, to: u64) -> Result<LogPage> {
        let deadline = self.deadline();
        let (session, options) = self.ready_to_use(deadline).await?;
        let seen = self.seen().await;
        let context = self.context(seen.as_ref()).into();
        let request = v1::ReadLogRequest {
            context,
            from,
            to,
            ..Default::default()
        };
        let (leaves, head) = match pages(&session, request, options).await {
            Ok(read) => read,
            Err(Unread::Answer(error)) => return Err(error),
            Err(Unread::Call(error)) => {
                return Err(self.failed(&session, seen, &error, deadline).await.error);
            }
        };
        self.accept(&session, seen.as_ref(), head.clone(), None, deadline)
            .await?;
        Ok(LogPage { from, leaves, head })
    }

    /// The whole log up to its head, recomputed.
    pub async fn whole_log(&self) -> Result<AuditLog> {
        let LogPage { leaves, head, .. } = self.read_log(0, 0).await?;
        let tree = merkle::Tree::from_leaves(leaves.iter().map(|leaf| merkle::leaf_hash(leaf)));
        if tree.size() != head.size || tree.root() != head.root {
            return Err(Error::new(ErrorCode::ReceiptInvalid)
                .vault(self.vault_id())
                .detail("the leaves are not those of the head"));
        }
        Ok(AuditLog { leaves, head })
    }

    /// The proof that the leaf of this hash stands at `index` of the tree of `size`.
    pub async fn prove_inclusion(&self, index: u64, size: u64) -> Result<(Hash, Vec<Hash>)> {
        let context = self.context(None);
        let answer = self
            .plain(None, |session, options| {
                let context = context.clone().into();
                async move {
                    let client =
                        v1::AuditServiceClient::new(session.transport(), session.rpc_config());
                    let request = v1::ProveInclusionRequest {
                        context,
                        index,
                        size,
                        ..Default::default()
                    };
                    Ok(client
                        .prove_inclusion_with_options(request, options)
                        .await?
                        .into_owned())
                }
            })
            .await?;
        Ok((
            hash(&answer.leaf_hash, "leaf hash")?,
            hashes(&answer.proof)?,
        ))
    }

    /// The proof that the tree of `new` leaves extends that of `old`. The roots are the caller's
    /// to bring: those that the vault names prove nothing.
    pub async fn prove_consistency(&self, old: u64, new: u64) -> Result<Vec<Hash>> {
        let deadline = self.deadline();
        let (session, _) = self.ready(deadline).await?;
        self.fetch_consistency(&session, old, new, deadline).await
    }
}

/// Why a stretch could not be read.
enum Unread {
    Call(ConnectError),
    Answer(Error),
}

/// Every page of the stream; all are read against the same signed head. More than what was asked
/// for is not taken.
async fn pages(
    session: &Session,
    request: v1::ReadLogRequest,
    options: CallOptions,
) -> Result<(Vec<Vec<u8>>, SeenHead), Unread> {
    let (from, to) = (request.from, request.to);
    let client = v1::AuditServiceClient::new(session.transport(), session.stream_config());
    let mut stream = client
        .read_log_with_options(request, options)
        .await
        .map_err(Unread::Call)?;
    let (mut leaves, mut head): (_, Option<SeenHead>) = (Vec::new(), None);
    while let Some(page) = stream.message().await.map_err(Unread::Call)? {
        let page = page.to_owned_message();
        let read = page.head.into_option().ok_or_else(|| malformed("head"));
        let read = read.and_then(|head| session.head(head));
        let read = read.map_err(Unread::Answer)?;
        match &head {
            Some(head) if *head != read => return Err(Unread::Answer(malformed("head"))),
            _ => head = Some(read),
        }
        let size = head.as_ref().map_or(0, |head| head.size);
        if !was_asked_for((from, to), size, leaves.len(), &page.leaves) {
            return Err(Unread::Answer(malformed("entries")));
        }
        leaves.extend(page.leaves);
    }
    let head = head.ok_or_else(|| Unread::Answer(malformed("head")))?;
    Ok((leaves, head))
}

/// Whether a page is no more than what is left of a stretch (`to` 0 stands for the head) of a log of
/// this size, of which so many leaves are here.
fn was_asked_for((from, to): (u64, u64), size: u64, here: usize, page: &[Vec<u8>]) -> bool {
    let end = if to == 0 { size } else { to };
    let left = end.saturating_sub(from.saturating_add(here as u64));
    page.len() as u64 <= left && page.iter().all(|leaf| leaf.len() <= MAX_LEAF_BYTES)
}

fn hashes(steps: &[Vec<u8>]) -> Result<Vec<Hash>> {
    steps.iter().map(|step| hash(step, "proof")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vault_cannot_fill_the_memory_of_who_reads_its_log() {
        let page = |leaves: usize, bytes: usize| vec![vec![0; bytes]; leaves];
        for ((from, to), here, left) in [
            ((0, 0), 0, 9),
            ((0, 0), 9, 0),
            ((4, 7), 0, 3),
            ((4, 7), 2, 1),
            ((4, 7), 3, 0),
            ((7, 4), 0, 0),
            ((u64::MAX, 0), 1, 0),
        ] {
            let asked = |page: &[Vec<u8>]| was_asked_for((from, to), 9, here, page);
            assert!(asked(&page(left, 1)) && !asked(&page(left + 1, 1)));
        }
        assert!(was_asked_for((0, 0), 9, 0, &page(1, MAX_LEAF_BYTES)));
        assert!(!was_asked_for((0, 0), 9, 0, &page(1, MAX_LEAF_BYTES + 1)));
    }
}
