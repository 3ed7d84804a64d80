//! What is being waited for, where it takes longer than a moment.

use crate::context::Context;
use std::future::Future;
use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;
use tokio::time::interval;

const SECOND: Duration = Duration::from_secs(1);

/// Awaits `work`. From the second second on, a terminal shows `what` and how long it has taken;
/// elsewhere it is noted once.
pub(crate) async fn show<T>(context: &Context, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    let mut ticks = interval(SECOND);
    let shown = context.shows_notes() && stderr().is_terminal();
    let mut seconds = 0u64;
    loop {
        tokio::select! {
            biased;
            done = &mut work => {
                if shown && seconds > 1 {
                    let _ = write!(stderr(), "\r\u{1b}[K");
                }
                return done;
            }
            _ = ticks.tick() => {
                seconds += 1;
                if shown && seconds > 1 {
                    let _ = write!(stderr(), "\r{what} … {} s", seconds - 1);
                } else if seconds == 2 {
                    context.note(&format!("{what} …"));
                }
            }
        }
    }
}
