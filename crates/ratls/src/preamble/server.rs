//! The accepting end, step by step. Each step is spent by the next one.

pub use crate::preamble::client::{Agreed, OutOfTurn};
use crate::preamble::{Evidence, Frame, Hello, Proof};

/// Nothing has come yet.
#[derive(Debug, Default)]
pub struct AwaitHello(());

/// The Hello is here; evidence has to be made.
#[derive(Debug)]
pub struct Answer {
    offers_caller: bool,
}

/// The evidence is sent.
#[derive(Debug)]
pub struct AwaitVerdict {
    offers_caller: bool,
}

/// The client accepts; its evidence, if any, has to be appraised.
#[derive(Debug)]
pub struct Finish(());

impl AwaitHello {
    /// Takes the client's first frame.
    pub fn receive(self, frame: Frame) -> Result<(Hello, Answer), OutOfTurn> {
        match frame {
            Frame::Hello(hello) => {
                let offers_caller = hello.offers_caller;
                Ok((hello, Answer { offers_caller }))
            }
            other => Err(OutOfTurn::of(&other)),
        }
    }
}

impl Answer {
    /// The server's evidence. `caller_nonce` is fresh and random.
    pub fn evidence(self, caller_nonce: [u8; 32], proof: Proof) -> (Frame, AwaitVerdict) {
        let frame = Frame::Evidence(Evidence {
            caller_nonce,
            proof,
        });
        (
            frame,
            AwaitVerdict {
                offers_caller: self.offers_caller,
            },
        )
    }
}

impl AwaitVerdict {
    /// Takes the client's second frame: a confirmation, or evidence exactly if it was offered.
    pub fn receive(self, frame: Frame) -> Result<(Option<Proof>, Finish), OutOfTurn> {
        match (self.offers_caller, frame) {
            (false, Frame::Confirm) => Ok((None, Finish(()))),
            (true, Frame::CallerEvidence(proof)) => Ok((Some(proof), Finish(()))),
            (_, other) => Err(OutOfTurn::of(&other)),
        }
    }
}

impl Finish {
    /// The server accepts too.
    pub fn confirm(self) -> (Frame, Agreed) {
        (Frame::Confirm, Agreed(()))
    }
}
