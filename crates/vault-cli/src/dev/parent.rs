//! Ending with one's parent. The parent holds the other end of stdin: whatever ends it, even
//! `kill -9`, closes the pipe.

use std::io::Read;
use std::thread;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an orderly end may take once the parent is gone.
const GRACE: Duration = Duration::from_secs(3);

/// Ready when stdin ends or a signal asks to stop. Past the grace, the process ends at once.
pub(super) async fn gone() {
    let mut signals = crate::signals::Signals::listen();
    let (closed, wait) = oneshot::channel::<()>();
    thread::spawn(move || {
        let mut sink = [0u8; 64];
        while matches!(std::io::stdin().read(&mut sink), Ok(read) if read > 0) {}
        let _ = closed.send(());
        thread::sleep(GRACE);
        std::process::exit(1);
    });
    tokio::select! {
        _ = wait => {}
        () = signals.stop() => {}
    }
}
