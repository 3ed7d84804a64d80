//! Messages on their way: reordered, dropped, duplicated.

use crate::sim::rng::SimRng;
use vault_core::{CallContext, Refusal, Reply, Request};

/// A request as it travels.
#[derive(Clone)]
pub(crate) struct Asked {
    /// Who sent it.
    pub(crate) client: usize,
    /// The client's own number of it.
    pub(crate) number: u64,
    /// What it asks.
    pub(crate) request: Request,
    /// What goes with it.
    pub(crate) context: CallContext,
}

/// An answer as it travels.
#[derive(Clone)]
pub(crate) struct Answered {
    /// To whom.
    pub(crate) client: usize,
    /// To which request.
    pub(crate) number: u64,
    /// What the vault released.
    pub(crate) outcome: Result<Reply, Refusal>,
}

/// Messages in both directions.
#[derive(Default)]
pub(crate) struct Network {
    to_vault: Vec<Asked>,
    to_clients: Vec<Answered>,
}

impl Network {
    /// A client sends.
    pub(crate) fn ask(&mut self, asked: Asked) {
        self.to_vault.push(asked);
    }

    /// The vault sends.
    pub(crate) fn answer(&mut self, answered: Answered) {
        self.to_clients.push(answered);
    }

    /// Some request arrives, perhaps once more later, or gets lost.
    pub(crate) fn arrive(&mut self, rng: &mut SimRng) -> Option<Asked> {
        take(&mut self.to_vault, rng)
    }

    /// Some answer arrives, perhaps once more later, or gets lost.
    pub(crate) fn return_one(&mut self, rng: &mut SimRng) -> Option<Answered> {
        take(&mut self.to_clients, rng)
    }

    /// Connections break: nothing that is on its way arrives.
    pub(crate) fn cut(&mut self) {
        self.to_vault.clear();
        self.to_clients.clear();
    }
}

fn take<T: Clone>(messages: &mut Vec<T>, rng: &mut SimRng) -> Option<T> {
    if messages.is_empty() {
        return None;
    }
    let index = rng.index(messages.len());
    match rng.below(10) {
        0 => {
            messages.swap_remove(index);
            None
        }
        1 => messages.get(index).cloned(),
        _ => Some(messages.swap_remove(index)),
    }
}
