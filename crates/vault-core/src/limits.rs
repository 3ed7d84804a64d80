//! Bounds of what a vault takes and keeps.

/// Bytes of a key's name.
pub const NAME_BYTES: usize = 256;
/// Labels of a key.
pub const LABELS: usize = 16;
/// Bytes of a label's name or value.
pub const LABEL_BYTES: usize = 256;
/// Bytes of an idempotency key.
pub const IDEMPOTENCY_KEY_BYTES: usize = 64;
/// Answers that are kept for repeats, of all owners together.
pub const IDEMPOTENCY_ENTRIES: usize = 10_000;
/// Bytes of a policy's canonical form.
pub const POLICY_BYTES: usize = 64 << 10;
/// Seconds for which a request waits for approval, if the caller does not say.
pub const APPROVAL_SECONDS: u64 = 3_600;
/// Seconds for which a request waits for approval, at most.
pub const APPROVAL_SECONDS_MAX: u64 = 86_400;
/// Bytes of a payload.
pub const PAYLOAD_BYTES: usize = 1 << 20;
/// Keys on one page, at most.
pub const PAGE_MAX: u32 = 1_000;
/// Keys on one page, if the caller does not say.
pub const PAGE_DEFAULT: u32 = 100;
/// Profiles that are proposed for one key.
pub const PENDING_PROFILES: usize = 16;
/// Leaves in one answer of `ReadLog`.
pub const LEAVES_PER_READ: u64 = 256;
/// Bytes of keys on one page: it ends before the key with which there would be more.
pub const PAGE_BYTES: usize = 896 << 10;

/// How much may be kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota {
    /// Keys, tombstones included.
    pub keys: usize,
    /// Bytes of live shares.
    pub share_bytes: usize,
    /// Bytes of the policies, names and labels of live keys; a policy that several are under counts once.
    pub text_bytes: usize,
}

/// Bounds that an operator sets; the operational configuration holds them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Of one owner.
    pub owner: Quota,
    /// Of all owners together: an issuer makes as many owners as it likes, and the enclave's memory is what it is.
    pub vault: Quota,
    /// Parsed keys held ready; shares never are.
    pub cached_keys: usize,
    /// Leaves that are archived together, a power of two; a store keeps what its snapshot says.
    pub leaves_per_bundle: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            owner: Quota {
                keys: 1_000_000,
                share_bytes: 64 << 20,
                text_bytes: 256 << 20,
            },
            vault: Quota {
                keys: 4_000_000,
                share_bytes: 512 << 20,
                text_bytes: 1 << 30,
            },
            cached_keys: 4_096,
            leaves_per_bundle: 256,
        }
    }
}

/// How often one principal may call, by the kind of work; twice as much at once. The operational
/// configuration holds them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimits {
    /// Calls a second, of whatever kind.
    pub calls: u32,
    /// Uses of keys a second. One with a payload counts once more for each 16 KiB of it.
    pub uses: u32,
    /// New keys a second. One with a share counts once more for each 4 KiB of it.
    pub creations: u32,
    /// Pages of keys or of the log a second.
    pub pages: u32,
    /// Bytes of policies to validate a second.
    pub policy_bytes: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            calls: 50_000,
            uses: 20_000,
            creations: 1_000,
            pages: 500,
            policy_bytes: 4 << 20,
        }
    }
}
