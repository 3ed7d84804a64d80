//! EGETKEY and EREPORT of a simulated CPU, as far as sealing needs them.

use crate::machine::SimMachine;
use crate::quote::Report;
use vault_tee::{Egetkey, EgetkeyError, KEY_REQUEST, SealError, Svns};
use zeroize::Zeroizing;

const SEAL_KEY: u16 = 4;
const MRENCLAVE: u16 = 1;
const MRSIGNER: u16 = 2;

/// One enclave's view of a simulated CPU, whose SVNs are knobs. Keys come from the machine's secret and
/// protect nothing.
pub(crate) struct SimCpu {
    pub(crate) machine: SimMachine,
    pub(crate) report: Report,
    pub(crate) svns: Svns,
}

impl Egetkey for SimCpu {
    fn svns(&self) -> Result<Svns, SealError> {
        Ok(self.svns)
    }

    fn key(&self, request: &[u8; KEY_REQUEST]) -> Result<Zeroizing<[u8; 16]>, EgetkeyError> {
        let (name, policy) = (u16_at(request, 0), u16_at(request, 2));
        if name != SEAL_KEY {
            return Err(EgetkeyError::Refused(256));
        }
        let wanted = Svns {
            cpu: array_at(request, 8),
            isv: u16_at(request, 4),
            config: u16_at(request, 76),
        };
        self.check(&wanted)?;
        let flags = u64::from_le_bytes(array_at(request, 24)) & self.report.attributes;
        let xfrm = u64::from_le_bytes(array_at(request, 32)) & self.report.xfrm;
        let misc = u32::from_le_bytes(array_at(request, 72)) & self.report.misc_select;
        let bound = |bit: u16, value: &[u8; 32]| match policy & bit {
            0 => [0; 32],
            _ => *value,
        };
        let key_id: [u8; 32] = array_at(request, 40);
        let masks: [u8; 16] = array_at(request, 24);
        let info: [&[u8]; 13] = [
            b"tee-sim/egetkey/v1\0",
            &policy.to_le_bytes(),
            &wanted.cpu,
            &wanted.isv.to_le_bytes(),
            &wanted.config.to_le_bytes(),
            &bound(MRENCLAVE, &self.report.mrenclave),
            &bound(MRSIGNER, &self.report.mrsigner),
            &masks,
            &flags.to_le_bytes(),
            &xfrm.to_le_bytes(),
            &misc.to_le_bytes(),
            &self.report.isv_prod_id.to_le_bytes(),
            &key_id,
        ];
        self.machine
            .egetkey(&info.concat())
            .map_err(|_| EgetkeyError::Unavailable)
    }
}

impl SimCpu {
    /// A CPU gives keys of its own SVNs and of earlier ones. Its order of CPUSVNs is its own affair; here each byte
    /// is one.
    fn check(&self, wanted: &Svns) -> Result<(), EgetkeyError> {
        let later = |(wanted, own): (&u8, &u8)| wanted > own;
        if wanted.cpu.iter().zip(&self.svns.cpu).any(later) {
            return Err(EgetkeyError::CpuSvn);
        }
        if wanted.isv > self.svns.isv || wanted.config > self.svns.config {
            return Err(EgetkeyError::IsvSvn);
        }
        Ok(())
    }
}

fn array_at<const N: usize>(request: &[u8; KEY_REQUEST], at: usize) -> [u8; N] {
    let field = request.get(at..at + N);
    field
        .and_then(|field| field.try_into().ok())
        .unwrap_or([0; N])
}

fn u16_at(request: &[u8; KEY_REQUEST], at: usize) -> u16 {
    u16::from_le_bytes(array_at(request, at))
}
