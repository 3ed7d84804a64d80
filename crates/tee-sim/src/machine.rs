//! One simulated computer.

use crate::error::SimError;
use crate::files;
use crate::key::SimKey;
use crate::root::SimRoot;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::rand;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use zeroize::Zeroizing;

const PCK_KEY: &str = "pck.key";
const SECRET: &str = "sealing.secret";

/// A simulated computer: PCK key, identity, sealing secret. Cheap to clone.
#[derive(Clone)]
pub struct SimMachine(Arc<Inner>);

struct Inner {
    root: SimRoot,
    name: String,
    pck: SimKey,
    secret: Zeroizing<Vec<u8>>,
    ppid: [u8; 16],
    platform_instance_id: [u8; 16],
}

impl SimMachine {
    pub(crate) fn open_or_create(root: &SimRoot, name: &str) -> Result<Self, SimError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !(1..=64).contains(&name.len()) || !name.bytes().all(is_allowed) {
            return Err(SimError::Name);
        }
        let Some(dir) = root.dir() else {
            return Self::load(root, name, &SimKey::generate()?, new_secret()?);
        };
        let dir = dir.join("machines").join(name);
        if !dir.is_dir() {
            let (key, secret) = (SimKey::generate()?, new_secret()?);
            files::create(&dir, &[(PCK_KEY, &key), (SECRET, &secret)])?;
        }
        let (key, secret) = (files::read(&dir, PCK_KEY)?, files::read(&dir, SECRET)?);
        Self::load(root, name, &key, secret)
    }

    fn load(
        root: &SimRoot,
        name: &str,
        pck: &[u8],
        secret: Zeroizing<Vec<u8>>,
    ) -> Result<Self, SimError> {
        if secret.len() != 32 {
            return Err(SimError::Damaged);
        }
        Ok(Self(Arc::new(Inner {
            root: root.clone(),
            name: name.to_owned(),
            pck: SimKey::from_pkcs8(pck)?,
            ppid: *derive(&secret, &[b"tee-sim/ppid/v1"])?,
            platform_instance_id: *derive(&secret, &[b"tee-sim/platform-instance-id/v1"])?,
            secret,
        })))
    }

    /// The name that it was opened under.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The root that it stands under.
    pub fn root(&self) -> &SimRoot {
        &self.0.root
    }

    /// What its platform id is derived from.
    pub fn platform_instance_id(&self) -> [u8; 16] {
        self.0.platform_instance_id
    }

    /// Its processor family: `DEAD0000` and two bytes that depend on the name.
    pub fn fmspc(&self) -> [u8; 6] {
        let digest: [u8; 32] = Sha256::digest(&self.0.name).into();
        let [high, low, ..] = digest;
        [0xde, 0xad, 0, 0, high, low]
    }

    pub(crate) fn ppid(&self) -> [u8; 16] {
        self.0.ppid
    }

    pub(crate) fn pck(&self) -> &SimKey {
        &self.0.pck
    }

    /// What an enclave of this measurement seals under. Another machine or measurement gets
    /// other bytes.
    pub(crate) fn seal_root(
        &self,
        measurement: &[u8; 32],
    ) -> Result<Zeroizing<[u8; 32]>, SimError> {
        derive(&self.0.secret, &[b"tee-sim/seal-root/v1\0", measurement])
    }

    /// What EGETKEY derives from the secret that is burnt into the CPU.
    pub(crate) fn egetkey(&self, info: &[u8]) -> Result<Zeroizing<[u8; 16]>, SimError> {
        derive(&self.0.secret, &[info])
    }
}

impl std::fmt::Debug for SimMachine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimMachine")
            .field("name", &self.0.name)
            .finish_non_exhaustive()
    }
}

fn new_secret() -> Result<Zeroizing<Vec<u8>>, SimError> {
    let mut secret = Zeroizing::new(vec![0; 32]);
    rand::fill(&mut secret)?;
    Ok(secret)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(secret: &[u8], info: &[&[u8]]) -> Result<Zeroizing<[u8; N]>, SimError> {
    let mut out = Zeroizing::new([0; N]);
    Salt::new(HKDF_SHA256, b"tee-sim")
        .extract(secret)
        .expand(info, Length(N))?
        .fill(&mut *out)?;
    Ok(out)
}
