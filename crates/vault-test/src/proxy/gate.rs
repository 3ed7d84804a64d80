//! When how many bytes of one direction may pass.

use super::mode::of_connection;
use super::{Mode, Setting};
use std::io;
use tokio::sync::watch;
use tokio::time::sleep;

/// A direction, as the client sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// To the server.
    Up,
    /// From the server.
    Down,
}

/// One direction of one connection.
pub(super) struct Gate {
    setting: watch::Receiver<Setting>,
    way: Way,
    seeded: Mode,
    /// The mode that `passed` is counted under.
    counted: Mode,
    passed: u64,
}

impl Gate {
    pub(super) fn new(setting: watch::Receiver<Setting>, way: Way, seed: u64, number: u64) -> Self {
        Self {
            setting,
            way,
            seeded: of_connection(seed, number),
            counted: Mode::Forward,
            passed: 0,
        }
    }

    /// Waits until something may pass, and says how many of `waiting` bytes. An error cuts the
    /// connection.
    pub(super) async fn pass(&mut self, waiting: usize) -> io::Result<usize> {
        loop {
            let mode = self.mode();
            if mode != self.counted {
                (self.counted, self.passed) = (mode, 0);
            }
            let length = match mode {
                Mode::Forward | Mode::Seeded => waiting,
                Mode::Refuse => return Err(cut()),
                Mode::CutAfter(most) => {
                    let left = most.saturating_sub(self.passed);
                    if left == 0 {
                        return Err(cut());
                    }
                    waiting.min(usize::try_from(left).unwrap_or(usize::MAX))
                }
                Mode::Delay(long) => {
                    sleep(long).await;
                    waiting
                }
                Mode::Trickle { bytes, every } => {
                    sleep(every).await;
                    waiting.min(bytes.max(1))
                }
                Mode::HalfOpen if self.way == Way::Up => waiting,
                Mode::HalfOpen | Mode::Pause => {
                    self.setting.changed().await.map_err(|_| cut())?;
                    continue;
                }
            };
            self.passed += length as u64;
            return Ok(length);
        }
    }

    fn mode(&mut self) -> Mode {
        match self.setting.borrow_and_update().mode {
            Mode::Seeded => self.seeded,
            mode => mode,
        }
    }
}

fn cut() -> io::Error {
    io::ErrorKind::ConnectionAborted.into()
}
