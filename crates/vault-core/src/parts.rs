//! Work of a start that is many independent parts, and who does it.

/// One part.
pub type Part<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Does all parts, in any order, at once or one behind the other, and returns when all are done: what
/// they make is the same.
pub trait Workers {
    /// Does them.
    fn run<'a>(&self, parts: Vec<Part<'a>>);
}

/// Does one part behind the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct OneByOne;

impl Workers for OneByOne {
    fn run<'a>(&self, parts: Vec<Part<'a>>) {
        parts.into_iter().for_each(|part| part());
    }
}
