//! The SGX extension of a PCK certificate (Intel PCK Certificate and CRL Profile Specification).

use yasna::models::ObjectIdentifier;
use yasna::{DERWriter, DERWriterSeq};

/// 1.2.840.113741.1.13.1
pub(crate) const SGX_EXTENSION: &[u64] = &[1, 2, 840, 113741, 1, 13, 1];

/// What the extension says of a platform.
pub(crate) struct PckFacts {
    pub(crate) ppid: [u8; 16],
    pub(crate) platform_instance_id: [u8; 16],
    pub(crate) fmspc: [u8; 6],
    pub(crate) pce_id: [u8; 2],
    /// Every component of CPUSVN.
    pub(crate) component_svn: u8,
    pub(crate) pce_svn: u16,
}

/// The extension's content: a sequence of (OID, value) pairs.
pub(crate) fn sgx_extension(facts: &PckFacts) -> Vec<u8> {
    yasna::construct_der(|writer| {
        writer.write_sequence(|pairs| {
            pair(pairs, &[1], |value| value.write_bytes(&facts.ppid));
            pair(pairs, &[2], |value| tcb(value, facts));
            pair(pairs, &[3], |value| value.write_bytes(&facts.pce_id));
            pair(pairs, &[4], |value| value.write_bytes(&facts.fmspc));
            pair(pairs, &[5], |value| value.write_enum(1));
            pair(pairs, &[6], |value| {
                value.write_bytes(&facts.platform_instance_id);
            });
            pair(pairs, &[7], configuration);
        });
    })
}

fn tcb(value: DERWriter<'_>, facts: &PckFacts) {
    value.write_sequence(|pairs| {
        for component in 1..=16 {
            pair(pairs, &[2, component], |value| {
                value.write_u8(facts.component_svn);
            });
        }
        pair(pairs, &[2, 17], |value| value.write_u16(facts.pce_svn));
        pair(pairs, &[2, 18], |value| {
            value.write_bytes(&[facts.component_svn; 16]);
        });
    });
}

/// Not a dynamic platform, no cached keys, no simultaneous multithreading.
fn configuration(value: DERWriter<'_>) {
    value.write_sequence(|pairs| {
        for flag in 1..=3 {
            pair(pairs, &[7, flag], |value| value.write_bool(false));
        }
    });
}

fn pair(pairs: &mut DERWriterSeq<'_>, arcs: &[u64], value: impl FnOnce(DERWriter<'_>)) {
    pairs.next().write_sequence(|entry| {
        let oid = ObjectIdentifier::from_slice(&[SGX_EXTENSION, arcs].concat());
        entry.next().write_oid(&oid);
        value(entry.next());
    });
}
