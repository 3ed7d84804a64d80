//! Which vaults can be reached. The nemesis says so before and after each of its deeds; an
//! operation is judged by what held during all of it.

use std::sync::{Arc, Mutex};

/// What is known of one vault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It answers, perhaps slowly.
    Up,
    /// It does not.
    Down,
    /// It may or may not.
    Unsure,
}

/// All vaults now.
pub(crate) struct Model(Mutex<Vec<Seen>>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    state: State,
    /// Counts the changes.
    epoch: u64,
}

/// The start of an operation.
pub(crate) struct Begun(Vec<Seen>);

/// What held of each vault during the whole of an operation.
#[derive(Debug)]
pub(crate) struct Window(Vec<State>);

impl Model {
    pub(crate) fn new(vaults: usize) -> Arc<Self> {
        let up = Seen {
            state: State::Up,
            epoch: 0,
        };
        Arc::new(Self(Mutex::new(vec![up; vaults])))
    }

    pub(crate) fn set(&self, vault: usize, state: State) {
        let mut seen = self.0.lock().unwrap();
        seen[vault] = Seen {
            state,
            epoch: seen[vault].epoch + 1,
        };
    }

    pub(crate) fn begin(&self) -> Begun {
        Begun(self.0.lock().unwrap().clone())
    }

    pub(crate) fn end(&self, begun: Begun) -> Window {
        let now = self.0.lock().unwrap();
        let held = |(before, after): (Seen, &Seen)| match before == *after {
            true => before.state,
            false => State::Unsure,
        };
        Window(begun.0.into_iter().zip(now.iter()).map(held).collect())
    }
}

impl Window {
    pub(crate) fn up(&self) -> Vec<usize> {
        self.of(State::Up)
    }

    pub(crate) fn down(&self) -> Vec<usize> {
        self.of(State::Down)
    }

    fn of(&self, state: State) -> Vec<usize> {
        let is = |i: &usize| self.0[*i] == state;
        (0..self.0.len()).filter(is).collect()
    }

    /// What an operation owes that needs `need` of all vaults.
    pub(crate) fn owes(&self, need: usize) -> Owes {
        let reachable_at_most = self.0.len() - self.down().len();
        Owes::of(self.up().len() >= need, reachable_at_most < need)
    }

    /// What an operation owes that needs this vault.
    pub(crate) fn owes_on(&self, vault: usize) -> Owes {
        Owes::of(self.0[vault] == State::Up, self.0[vault] == State::Down)
    }
}

/// What the model says of an operation's result.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owes {
    Success,
    Failure,
    /// Either, honestly.
    Nothing,
}

impl Owes {
    fn of(must: bool, must_not: bool) -> Self {
        match (must, must_not) {
            (true, _) => Self::Success,
            (false, true) => Self::Failure,
            (false, false) => Self::Nothing,
        }
    }
}
