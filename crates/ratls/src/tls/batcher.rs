//! One quote for all preambles that wait: quotes are slow, and made one at a time.

use super::bucket::TokenBucket;
use crate::Evidence;
use crate::preamble::{Batch, Binding, Place};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

/// The platform gave no quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the platform gave no quote")]
pub struct QuoteUnavailable;

/// The platform's quoting, handed in. May block.
pub trait Quoter: Send + Sync {
    /// A quote over these 64 bytes, and the collateral to verify it with.
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteUnavailable>;
}

impl<F> Quoter for F
where
    F: Fn([u8; 64]) -> Result<Evidence, QuoteUnavailable> + Send + Sync,
{
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteUnavailable> {
        self(report_data)
    }
}

/// Bounds of quoting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QuoteLimits {
    /// Preambles that may wait; one more is refused as busy.
    pub waiting: usize,
    /// Most preambles that one quote serves.
    pub batch: usize,
    /// Quotes that may be made at once after a quiet time.
    pub burst: u32,
    /// Time between two quotes after that.
    pub period: Duration,
}

impl Default for QuoteLimits {
    fn default() -> Self {
        Self {
            waiting: 256,
            batch: 256,
            burst: 32,
            period: Duration::from_millis(20),
        }
    }
}

/// Why there is no evidence for a binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum QuoteRefusal {
    /// Too many wait already.
    #[error("too many connections wait for a quote")]
    Busy,
    /// The platform gave no quote.
    #[error("the platform gave no quote")]
    Unavailable,
}

/// A binding's place under a quote.
#[derive(Clone, Debug)]
pub struct Quoted {
    /// The batch's evidence.
    pub evidence: Arc<Evidence>,
    /// Where the binding stands in the batch.
    pub place: Place,
}

struct Waiting {
    binding: Binding,
    reply: oneshot::Sender<Result<Quoted, QuoteRefusal>>,
}

/// A queue before the platform's quoting. Its task ends with the last clone.
#[derive(Clone)]
pub struct QuoteBatcher {
    queue: mpsc::Sender<Waiting>,
}

impl QuoteBatcher {
    /// Starts the task; must be called within a tokio runtime that has time enabled.
    pub fn start(quoter: Arc<dyn Quoter>, limits: QuoteLimits) -> Self {
        let (queue, waiting) = mpsc::channel(limits.waiting.max(1));
        tokio::spawn(serve(quoter, limits, waiting));
        Self { queue }
    }

    /// Waits for a quote that serves this binding.
    pub async fn quote(&self, binding: Binding) -> Result<Quoted, QuoteRefusal> {
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting { binding, reply };
        self.queue
            .try_send(waiting)
            .map_err(|_| QuoteRefusal::Busy)?;
        answer.await.unwrap_or(Err(QuoteRefusal::Unavailable))
    }
}

async fn serve(quoter: Arc<dyn Quoter>, limits: QuoteLimits, mut queue: mpsc::Receiver<Waiting>) {
    let mut bucket = TokenBucket::new(limits.burst, limits.period);
    let start = Instant::now();
    while let Some(first) = queue.recv().await {
        while let Err(wait) = bucket.take(start.elapsed()) {
            sleep(wait).await;
        }
        let batch = gather(first, &mut queue, limits.batch);
        if !batch.is_empty() {
            answer(&quoter, batch).await;
        }
    }
}

/// Everybody who waits now, without those who have given up.
fn gather(first: Waiting, queue: &mut mpsc::Receiver<Waiting>, most: usize) -> Vec<Waiting> {
    let mut batch = vec![first];
    while batch.len() < most {
        match queue.try_recv() {
            Ok(next) => batch.push(next),
            Err(_) => break,
        }
    }
    batch.retain(|waiting| !waiting.reply.is_closed());
    batch
}

async fn answer(quoter: &Arc<dyn Quoter>, waiting: Vec<Waiting>) {
    let bindings: Vec<_> = waiting.iter().map(|one| one.binding).collect();
    let batch = Batch::new(&bindings);
    let report_data = batch.report_data();
    let quoter = quoter.clone();
    let quoted = tokio::task::spawn_blocking(move || quoter.quote(report_data)).await;
    let evidence = quoted.ok().and_then(Result::ok).map(Arc::new);
    for (index, one) in (0u32..).zip(waiting) {
        let quoted = evidence
            .clone()
            .zip(batch.place(index))
            .map(|(evidence, place)| Quoted { evidence, place })
            .ok_or(QuoteRefusal::Unavailable);
        one.reply.send(quoted).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Role;
    use crate::report_data::{self, Connection};
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use vault_encoding::Hash;

    /// Says when a quote begins, and makes it when told to; the quote is the report data.
    struct Gated {
        began: Mutex<Sender<()>>,
        go: Mutex<Receiver<Result<(), QuoteUnavailable>>>,
    }

    impl Quoter for Gated {
        fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteUnavailable> {
            self.began.lock().unwrap().send(()).unwrap();
            self.go.lock().unwrap().recv().unwrap()?;
            Ok(Evidence {
                quote: report_data.to_vec(),
                collateral: Vec::new(),
            })
        }
    }

    fn gated() -> (
        Arc<Gated>,
        Receiver<()>,
        Sender<Result<(), QuoteUnavailable>>,
    ) {
        let ((began, begun), (open, go)) = (channel(), channel());
        (
            Arc::new(Gated {
                began: began.into(),
                go: go.into(),
            }),
            begun,
            open,
        )
    }

    fn binding(number: u8) -> Binding {
        let connection = Connection {
            role: Role::Vault,
            nonce: &[number; 32],
            exporter: &[1; 32],
            spki_hash: &Hash([2; 32]),
        };
        Binding::new(&connection, &Hash([3; 32]))
    }

    /// Queues the bindings in order, each before the next.
    fn queue(
        batcher: &QuoteBatcher,
        numbers: std::ops::Range<u8>,
    ) -> Vec<oneshot::Receiver<Result<Quoted, QuoteRefusal>>> {
        numbers
            .map(|number| {
                let (reply, answer) = oneshot::channel();
                let waiting = Waiting {
                    binding: binding(number),
                    reply,
                };
                batcher.queue.try_send(waiting).ok().unwrap();
                answer
            })
            .collect()
    }

    async fn begun(begun: Receiver<()>) -> Receiver<()> {
        tokio::task::spawn_blocking(move || {
            begun.recv().unwrap();
            begun
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn one_quote_serves_everybody_who_waited_for_it() {
        let (quoter, starts, open) = gated();
        let batcher = QuoteBatcher::start(quoter, QuoteLimits::default());
        let first = queue(&batcher, 0..1);
        let starts = begun(starts).await;
        let rest = queue(&batcher, 1..10);
        open.send(Ok(())).unwrap();
        open.send(Ok(())).unwrap();
        let mut sizes = Vec::new();
        for (number, answer) in (0u8..).zip(first.into_iter().chain(rest)) {
            let quoted = answer.await.unwrap().unwrap();
            assert!(quoted.place.holds(&binding(number)));
            assert!(!quoted.place.holds(&binding(number + 1)));
            assert_eq!(
                quoted.evidence.quote,
                report_data::batch(&quoted.place.root)
            );
            sizes.push(quoted.place.size);
        }
        assert_eq!(sizes, [1, 9, 9, 9, 9, 9, 9, 9, 9, 9]);
        assert_eq!(starts.try_iter().count(), 1, "two quotes in all");
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_busy_and_a_failed_quote_is_told_to_all() {
        let (quoter, starts, open) = gated();
        let limits = QuoteLimits {
            waiting: 2,
            ..QuoteLimits::default()
        };
        let batcher = QuoteBatcher::start(quoter, limits);
        let quoting = queue(&batcher, 0..1);
        let _starts = begun(starts).await;
        let waiting = queue(&batcher, 1..3);
        assert_eq!(
            batcher.quote(binding(3)).await.unwrap_err(),
            QuoteRefusal::Busy
        );
        open.send(Ok(())).unwrap();
        open.send(Err(QuoteUnavailable)).unwrap();
        for answer in quoting {
            assert!(answer.await.unwrap().is_ok());
        }
        for answer in waiting {
            assert_eq!(
                answer.await.unwrap().unwrap_err(),
                QuoteRefusal::Unavailable
            );
        }
    }

    #[tokio::test]
    async fn whoever_has_given_up_costs_no_quote() {
        let (quoter, starts, open) = gated();
        let batcher = QuoteBatcher::start(quoter, QuoteLimits::default());
        drop(queue(&batcher, 0..1));
        let alive = queue(&batcher, 1..2);
        open.send(Ok(())).unwrap();
        for answer in alive {
            assert_eq!(answer.await.unwrap().unwrap().place.size, 1);
        }
        assert_eq!(starts.try_iter().count(), 1);
    }
}
