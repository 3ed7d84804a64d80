//! The connecting end, step by step. Each step is spent by the next one.

use crate::preamble::{Evidence, Frame, Hello, Kind, Proof, Reason};

/// The peer did not send the next frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OutOfTurn {
    /// It refused instead.
    #[error("the peer refused: {}", .0.name())]
    Refused(Reason),
    /// It sent something that does not come next.
    #[error("a {0:?} frame does not come next")]
    Unexpected(Kind),
}

impl OutOfTurn {
    pub(super) fn of(frame: &Frame) -> Self {
        match frame {
            Frame::Refuse(reason) => Self::Refused(*reason),
            other => Self::Unexpected(other.kind()),
        }
    }
}

/// Both ends have confirmed: HTTP/2 may begin.
#[derive(Debug)]
pub struct Agreed(pub(super) ());

/// The Hello is sent.
#[derive(Debug)]
pub struct AwaitEvidence {
    offers_caller: bool,
}

/// The server's evidence is here, and has to be appraised.
#[derive(Debug)]
pub struct Decide {
    offers_caller: bool,
}

/// The client has confirmed.
#[derive(Debug)]
pub struct AwaitConfirm(());

impl AwaitEvidence {
    /// The Hello, and the state behind it. `nonce` is fresh and random.
    pub fn start(nonce: [u8; 32], offers_caller: bool) -> (Frame, Self) {
        (
            Frame::Hello(Hello {
                nonce,
                offers_caller,
            }),
            Self { offers_caller },
        )
    }

    /// Takes the server's first frame.
    pub fn receive(self, frame: Frame) -> Result<(Evidence, Decide), OutOfTurn> {
        match frame {
            Frame::Evidence(evidence) => Ok((
                evidence,
                Decide {
                    offers_caller: self.offers_caller,
                },
            )),
            other => Err(OutOfTurn::of(&other)),
        }
    }
}

impl Decide {
    /// Whether the Hello offered evidence, so that [`Decide::accept`] needs it.
    pub fn offers_caller(&self) -> bool {
        self.offers_caller
    }

    /// Accepts the server; with the caller's evidence exactly if the Hello offered it.
    pub fn accept(self, caller: Option<Proof>) -> Option<(Frame, AwaitConfirm)> {
        match (self.offers_caller, caller) {
            (false, None) => Some((Frame::Confirm, AwaitConfirm(()))),
            (true, Some(proof)) => Some((Frame::CallerEvidence(proof), AwaitConfirm(()))),
            _ => None,
        }
    }
}

impl AwaitConfirm {
    /// Takes the server's last frame.
    pub fn receive(self, frame: Frame) -> Result<Agreed, OutOfTurn> {
        match frame {
            Frame::Confirm => Ok(Agreed(())),
            other => Err(OutOfTurn::of(&other)),
        }
    }
}
