//! The simulated vendor: root, PCK Platform CA, signer of collateral.

use crate::certificates;
use crate::error::SimError;
use crate::files;
use crate::key::SimKey;
use crate::machine::SimMachine;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const ROOT_CERTIFICATE: &str = "root.der";
const KEYS: [&str; 3] = ["root.key", "platform-ca.key", "tcb-signer.key"];

/// A development root, and the machines under it. Cheap to clone.
#[derive(Clone)]
pub struct SimRoot(Arc<Inner>);

struct Inner {
    dir: Option<PathBuf>,
    root_der: Vec<u8>,
    root: SimKey,
    platform_ca: SimKey,
    tcb_signer: SimKey,
}

impl SimRoot {
    /// The root in `dir`, made at first use. Below `dir` stand `root/` and `machines/`, with keys
    /// in files of mode 0600.
    pub fn open_or_create(dir: &Path) -> Result<Self, SimError> {
        let root = dir.join("root");
        if !root.is_dir() {
            let (der, keys) = generate()?;
            let mut content: Vec<(&str, &[u8])> = vec![(ROOT_CERTIFICATE, &der)];
            content.extend(KEYS.into_iter().zip(keys.iter().map(|key| &***key)));
            files::create(&root, &content)?;
        }
        let der = files::read(&root, ROOT_CERTIFICATE)?.to_vec();
        let [first, second, third] = KEYS.map(|name| files::read(&root, name));
        Self::load(Some(dir.to_owned()), der, [&first?, &second?, &third?])
    }

    /// A root that is kept nowhere.
    pub fn ephemeral() -> Result<Self, SimError> {
        let (der, [first, second, third]) = generate()?;
        Self::load(None, der, [&first, &second, &third])
    }

    /// The root certificate, DER: what verifiers of the simulation are configured with.
    pub fn root_der(&self) -> &[u8] {
        &self.0.root_der
    }

    /// The machine of this name, made at first use. Each has keys, identity and sealing secret of
    /// its own. Under an ephemeral root, the same name gives a new machine at every call.
    pub fn machine(&self, name: &str) -> Result<SimMachine, SimError> {
        SimMachine::open_or_create(self, name)
    }

    fn load(dir: Option<PathBuf>, root_der: Vec<u8>, keys: [&[u8]; 3]) -> Result<Self, SimError> {
        let [root, platform_ca, tcb_signer] = keys.map(SimKey::from_pkcs8);
        Ok(Self(Arc::new(Inner {
            dir,
            root_der,
            root: root?,
            platform_ca: platform_ca?,
            tcb_signer: tcb_signer?,
        })))
    }

    pub(crate) fn dir(&self) -> Option<&Path> {
        self.0.dir.as_deref()
    }

    pub(crate) fn root_key(&self) -> &SimKey {
        &self.0.root
    }

    pub(crate) fn platform_ca(&self) -> &SimKey {
        &self.0.platform_ca
    }

    pub(crate) fn tcb_signer(&self) -> &SimKey {
        &self.0.tcb_signer
    }
}

impl std::fmt::Debug for SimRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimRoot")
            .field("dir", &self.0.dir)
            .finish_non_exhaustive()
    }
}

type RootAndKeys = (Vec<u8>, [Zeroizing<Vec<u8>>; 3]);

fn generate() -> Result<RootAndKeys, SimError> {
    let keys = [
        SimKey::generate()?,
        SimKey::generate()?,
        SimKey::generate()?,
    ];
    let [root, ..] = &keys;
    let certificate = certificates::root(&SimKey::from_pkcs8(root)?)?;
    Ok((certificate.der().to_vec(), keys))
}
