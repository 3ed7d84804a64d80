//! Writes the canonical JSON of an entry straight into bytes: one leaf is made for every logged
//! call. That it gives what `Canonical` would is held by reading, which refuses anything else.

use vault_encoding::{Canonical, Hash};

/// Writes members in the order in which they are given; the caller gives them sorted.
pub(crate) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self {
            out: Vec::with_capacity(1536),
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    /// An object.
    pub(crate) fn object(&mut self, members: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        members(self);
        self.close(b'}');
    }

    /// A member that is an array, of what `item` writes.
    pub(crate) fn list<T>(&mut self, name: &str, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.name(name);
        self.out.push(b'[');
        for value in items {
            item(self, value);
            self.out.push(b',');
        }
        self.close(b']');
        self.out.push(b',');
    }

    /// A member that is a string.
    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.string(value);
        self.out.push(b',');
    }

    /// A member that is a decimal string, or empty.
    pub(crate) fn number(&mut self, name: &str, value: Option<u64>) {
        match value {
            Some(value) => self.text(name, &value.to_string()),
            None => self.text(name, ""),
        }
    }

    /// A member that is a hash, or empty.
    pub(crate) fn optional_hash(&mut self, name: &str, value: Option<&Hash>) {
        match value {
            Some(value) => {
                self.name(name);
                self.hash(value);
                self.out.push(b',');
            }
            None => self.text(name, ""),
        }
    }

    /// A hash as a string of lower-case hex.
    pub(crate) fn hash(&mut self, hash: &Hash) {
        let mut hex = [0; 64];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(hash.0) {
            if let [high, low] = pair {
                (*high, *low) = (digit(byte >> 4), digit(byte & 15));
            }
        }
        self.out.push(b'"');
        self.out.extend_from_slice(&hex);
        self.out.push(b'"');
    }

    fn name(&mut self, name: &str) {
        self.string(name);
        self.out.push(b':');
    }

    fn string(&mut self, value: &str) {
        if value
            .bytes()
            .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\')
        {
            self.out.push(b'"');
            self.out.extend_from_slice(value.as_bytes());
            self.out.push(b'"');
        } else {
            self.out
                .extend_from_slice(&Canonical::text(value).to_bytes());
        }
    }

    /// Puts the bracket in the place of the last comma, if there is one.
    fn close(&mut self, bracket: u8) {
        match self.out.last_mut() {
            Some(last) if *last == b',' => *last = bracket,
            _ => self.out.push(bracket),
        }
    }
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 {
        b'0' + nibble
    } else {
        b'a' + (nibble - 10)
    }
}
