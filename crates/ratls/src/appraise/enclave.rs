//! Step 12: the mode in which an enclave runs, default-deny.
//!
//! DEBUG and the rest of ATTRIBUTES are not part of MRENCLAVE: the same measurement can run in a
//! mode in which the host reads its memory.

use crate::error::EnclaveFault;

/// Where the report body begins in a quote.
const BODY: usize = 48;
const DEBUG: u64 = 1 << 1;
/// INIT and MODE64BIT.
const REQUIRED: u64 = 1 | 1 << 2;
/// The required ones, and AEXNOTIFY, which only adds a notification inside the enclave. Thus
/// neither DEBUG, PROVISIONKEY, EINITTOKENKEY, CET nor KSS, and no reserved bit.
const ALLOWED: u64 = REQUIRED | 1 << 10;
/// x87 and SSE: an enclave cannot be created without.
const XFRM_REQUIRED: u64 = 0b11;
/// AVX, AVX-512 (3 bits), PKRU and AMX (2 bits) beside the required ones.
const XFRM_ALLOWED: u64 = XFRM_REQUIRED | 1 << 2 | 0b111 << 5 | 1 << 9 | 0b11 << 17;
/// EXINFO: more about page faults and general protection faults, inside the enclave.
const MISC_ALLOWED: u32 = 1;

/// Bytes of the report body that must be zero: reserved ones, and those of key separation and
/// sharing, which has its own attribute (KSS) that is not accepted.
const ZERO: [std::ops::Range<usize>; 6] = [
    20..48,   // reserved, ISVEXTPRODID
    96..128,  // reserved
    160..192, // reserved
    192..256, // CONFIGID
    260..304, // CONFIGSVN, reserved
    304..320, // ISVFAMILYID
];

/// Checks the mode that the report body of this quote states.
pub(super) fn check_mode(quote: &[u8]) -> Result<(), EnclaveFault> {
    let body = quote.get(BODY..).ok_or(EnclaveFault::Reserved)?;
    let flags = u64::from_le_bytes(field(body, 48)?);
    if flags & DEBUG != 0 {
        return Err(EnclaveFault::Debug);
    }
    if flags & REQUIRED != REQUIRED || flags & !ALLOWED != 0 {
        return Err(EnclaveFault::Attributes);
    }
    let xfrm = u64::from_le_bytes(field(body, 56)?);
    if xfrm & XFRM_REQUIRED != XFRM_REQUIRED || xfrm & !XFRM_ALLOWED != 0 {
        return Err(EnclaveFault::Xfrm);
    }
    if u32::from_le_bytes(field(body, 16)?) & !MISC_ALLOWED != 0 {
        return Err(EnclaveFault::MiscSelect);
    }
    let is_zero = |range: std::ops::Range<usize>| {
        body.get(range)
            .is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
    };
    if ZERO.into_iter().all(is_zero) {
        Ok(())
    } else {
        Err(EnclaveFault::Reserved)
    }
}

fn field<const N: usize>(body: &[u8], at: usize) -> Result<[u8; N], EnclaveFault> {
    body.get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .ok_or(EnclaveFault::Reserved)
}
