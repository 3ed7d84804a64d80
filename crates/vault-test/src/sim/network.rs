//! Messages on their way: reordered, dropped, duplicated.

use crate::sim::rng::SimRng;
use vault_core::{CallContext, Refusal, Reply, Request};

/// A request as it travels.
#[derive(Clone)]
pub struct Asked {
    /// Who sent it.
    pub client: usize,
    /// The client's own number of it.
    pub number: u64,
    /// What it asks.
    pub request: Request,
    /// What goes with it.
    pub context: CallContext,
}

/// An answer as it travels.
#[derive(Clone)]
pub struct Answered {
    /// To whom.
    pub client: usize,
    /// To which request.
    pub number: u64,
    /// What the vault released.
    pub outcome: Result<Reply, Refusal>,
}

/// Messages in both directions.
#[derive(Default)]
pub struct Network {
    to_vault: Vec<Asked>,
    to_clients: Vec<Answered>,
}

impl Network {
    /// A client sends.
    pub fn ask(&mut self, asked: Asked) {
        self.to_vault.push(asked);
    }

    /// The vault sends.
    pub fn answer(&mut self, answered: Answered) {
        self.to_clients.push(answered);
    }

    /// Some request arrives, perhaps once more later, or gets lost.
    pub fn arrive(&mut self, rng: &mut SimRng) -> Option<Asked> {
        take(&mut self.to_vault, rng)
    }

    /// Some answer arrives, perhaps once more later, or gets lost.
    pub fn return_one(&mut self, rng: &mut SimRng) -> Option<Answered> {
        take(&mut self.to_clients, rng)
    }

    /// Connections break: nothing that is on its way arrives.
    pub fn cut(&mut self) {
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
