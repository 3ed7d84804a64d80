//! A list that grows at its end and whose clones share what they have in common.

use std::sync::Arc;

/// Items of one chunk; a clone of the list costs one pointer for so many.
const CHUNK: usize = 512;

/// A list in chunks. A clone is a view that later changes do not reach: a chunk that is shared is
/// copied before it changes.
#[derive(Debug)]
pub struct Chunks<T> {
    chunks: Vec<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Clone for Chunks<T> {
    fn clone(&self) -> Self {
        Self {
            chunks: self.chunks.clone(),
            len: self.len,
        }
    }
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<T> Chunks<T> {
    /// Number of items.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at this position.
    pub fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    /// All items in order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }
}

impl<T: Clone> Chunks<T> {
    /// Appends one item.
    pub fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK) {
            self.chunks.push(Arc::default());
        }
        if let Some(last) = self.chunks.last_mut() {
            Arc::make_mut(last).push(item);
            self.len += 1;
        }
    }

    /// The item at this position, to be changed.
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(index / CHUNK)?;
        // A chunk is not copied for an item that is not there.
        chunk.get(index % CHUNK)?;
        Arc::make_mut(chunk).get_mut(index % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_or_changed_later_is_not_in_a_view() {
        let mut list = Chunks::default();
        for number in 0..3 * CHUNK + 7 {
            list.push(number);
        }
        let view = list.clone();
        list.push(0);
        for index in [0, CHUNK, 3 * CHUNK + 6] {
            *list.get_mut(index).unwrap() = 1_000_000;
        }
        assert!(view.iter().copied().eq(0..3 * CHUNK + 7));
        assert_eq!(view.len() + 1, list.len());
        assert_eq!(list.get(CHUNK), Some(&1_000_000));
        assert_eq!(list.get(CHUNK + 1), Some(&(CHUNK + 1)));
        assert_eq!(list.get(3 * CHUNK + 7), Some(&0));
        assert_eq!(list.get(3 * CHUNK + 8), None);
        assert_eq!(view.get(3 * CHUNK + 7), None);
        assert!(list.get_mut(3 * CHUNK + 8).is_none());
    }
}
