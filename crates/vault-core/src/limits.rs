//! Bounds of what a vault takes and keeps.

/// Bytes of a key's name.
pub const NAME_BYTES: usize = 256;
/// Labels of a key.
pub const LABELS: usize = 16;
/// Bytes of a label's name or value.
pub const LABEL_BYTES: usize = 256;
/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES: usize = 64;
/// Answers that are kept for repeats; the oldest goes first.
pub const IDEMPOTENCY_ENTRIES: usize = 10_000;
/// Bytes of a policy's canonical form.
pub const POLICY_BYTES: usize = 64 << 10;
/// Bytes of a payload.
pub const PAYLOAD_BYTES: usize = 1 << 20;
/// Keys on one page, at most.
pub const PAGE_MAX: u32 = 1_000;
/// Keys on one page, if the caller does not say.
pub const PAGE_DEFAULT: u32 = 100;
/// Leaves in one answer of `ReadLog`.
pub const LEAVES_PER_READ: u64 = 256;

/// Bounds that an operator sets; the operational configuration holds them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Keys of one owner, tombstones included.
    pub keys_per_owner: usize,
    /// Bytes of the live shares of one owner.
    pub share_bytes_per_owner: usize,
    /// Parsed keys held ready; shares never are.
    pub cached_keys: usize,
    /// Leaves that are archived together, a power of two; a store keeps what its snapshot says.
    pub leaves_per_bundle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            keys_per_owner: 1_000_000,
            share_bytes_per_owner: 64 << 20,
            cached_keys: 4_096,
            leaves_per_bundle: 256,
        }
    }
}
