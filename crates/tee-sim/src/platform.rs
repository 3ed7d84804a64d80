//! One simulated enclave, behind the trait of the product.

use crate::certificates;
use crate::collateral::{self, LIFETIME, Spec};
use crate::cpu::SimCpu;
use crate::error::SimError;
use crate::knobs::{Quoting, SimBuilder};
use crate::machine::SimMachine;
use crate::pck_extension::PckFacts;
use crate::pem;
use crate::quote::{PCE_SVN, PLATFORM_SVN, QuotingEnclave, Report};
use crate::td::SimTd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vault_tee::{
    Egetkey, Evidence, Platform, PlatformKind, QuoteError, SealError, Svns, TimeError,
};
use zeroize::Zeroizing;

/// A simulated enclave on a simulated machine. It protects nothing.
pub struct SimPlatform {
    machine: SimMachine,
    enclave: QuotingEnclave,
    report: Report,
    td: Option<SimTd>,
    flipped: Vec<usize>,
    spec: Spec,
    now: Option<u64>,
    latency: Duration,
    quoting: Mutex<Quoting>,
    cpu: Option<Arc<SimCpu>>,
    collateral: Mutex<Issued>,
}

/// Collateral, and when it was issued.
#[derive(Clone)]
struct Issued {
    at: u64,
    json: Vec<u8>,
}

impl SimPlatform {
    pub(crate) fn new(builder: SimBuilder) -> Result<Self, SimError> {
        let now = match builder.now {
            Some(now) => now,
            None => system_time().ok_or(SimError::Clock)?,
        };
        let chain = pck_chain(&builder)?;
        let pck = builder.machine.pck();
        let cpu = builder.egetkey.map(|svns| {
            Arc::new(SimCpu {
                machine: builder.machine.clone(),
                report: builder.report.clone(),
                svns: Svns {
                    isv: builder.report.isv_svn,
                    ..svns
                },
            })
        });
        let json = collateral::issue(builder.machine.root(), pck, &builder.collateral, now)?;
        Ok(Self {
            enclave: QuotingEnclave::new(
                pck,
                builder.qe_mrsigner,
                &chain,
                builder.td.as_ref().map(|td| td.form),
            )?,
            machine: builder.machine,
            report: builder.report,
            td: builder.td,
            flipped: builder.flipped,
            spec: builder.collateral,
            now: builder.now,
            latency: builder.latency,
            quoting: Mutex::new(builder.quoting),
            cpu,
            collateral: Mutex::new(Issued { at: now, json }),
        })
    }

    /// The machine that it runs on.
    pub fn machine(&self) -> &SimMachine {
        &self.machine
    }

    /// Changes how the quoting service behaves from now on.
    pub fn set_quoting(&self, quoting: Quoting) {
        *self.quoting.lock().unwrap_or_else(PoisonError::into_inner) = quoting;
    }

    /// The collateral, issued anew when half of its life is over.
    fn current_collateral(&self) -> Result<Vec<u8>, SimError> {
        let now = self.host_time().map_err(|_| SimError::Clock)?;
        let mut held = self
            .collateral
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if now > held.at.saturating_add(LIFETIME / 2) {
            let (root, pck) = (self.machine.root(), self.machine.pck());
            held.json = collateral::issue(root, pck, &self.spec, now)?;
            held.at = now;
        }
        Ok(held.json.clone())
    }

    fn body(&self, report_data: &[u8; 64]) -> Vec<u8> {
        let mut body = match &self.td {
            None => self.report.to_bytes(report_data),
            Some(td) => td.to_bytes(report_data),
        };
        for bit in &self.flipped {
            if let Some(byte) = body.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
        }
        body
    }
}

impl Platform for SimPlatform {
    fn quote(&self, report_data: [u8; 64]) -> Result<Evidence, QuoteError> {
        if !self.latency.is_zero() {
            std::thread::sleep(self.latency);
        }
        match *self.quoting.lock().unwrap_or_else(PoisonError::into_inner) {
            Quoting::Works => (),
            Quoting::TimesOut => return Err(QuoteError::Timeout),
            Quoting::Unavailable => return Err(QuoteError::Unavailable),
        }
        let quote = self.enclave.quote(&self.body(&report_data));
        Ok(Evidence {
            quote: quote.map_err(|_| QuoteError::Unavailable)?,
            collateral: self
                .current_collateral()
                .map_err(|_| QuoteError::NoCollateral)?,
        })
    }

    fn seal_root(&self) -> Result<Zeroizing<[u8; 32]>, SealError> {
        self.machine
            .seal_root(&self.report.mrenclave)
            .map_err(|_| SealError::Unavailable)
    }

    fn egetkey(&self) -> Option<Arc<dyn Egetkey>> {
        let cpu = self.cpu.clone()?;
        Some(cpu)
    }

    fn kind(&self) -> PlatformKind {
        PlatformKind::Simulated
    }

    fn measurement(&self) -> [u8; 32] {
        self.report.mrenclave
    }

    fn host_time(&self) -> Result<u64, TimeError> {
        self.now.or_else(system_time).ok_or(TimeError::Unreadable)
    }
}

impl std::fmt::Debug for SimPlatform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimPlatform")
            .field("machine", &self.machine)
            .finish_non_exhaustive()
    }
}

fn system_time() -> Option<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

fn pck_chain(builder: &SimBuilder) -> Result<String, SimError> {
    let (machine, root) = (&builder.machine, builder.machine.root());
    let facts = PckFacts {
        ppid: machine.ppid(),
        platform_instance_id: builder.platform_instance_id,
        fmspc: machine.fmspc(),
        pce_id: [0; 2],
        component_svn: PLATFORM_SVN,
        pce_svn: PCE_SVN,
    };
    let facts = builder.sgx_extension.then_some(facts);
    let leaf = certificates::pck(machine.pck(), root.platform_ca(), facts.as_ref())?;
    let issuer = certificates::platform_ca(root.platform_ca(), root.root_key())?;
    Ok(pem::chain([&leaf.der()[..], issuer.der(), root.root_der()]))
}
