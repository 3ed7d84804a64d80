//! What seals a vault's root, and what is in it: `root.sealed`, the key request that EGETKEY needs, the
//! identity and trust configuration inside, the key file of Gramine.

use crate::golden::{STORES, change, disk, root, seal};
use std::sync::{Arc, LazyLock};
use vault_server::{SvnSeal, fuzzing::sealed_payload};
use vault_store::{Files, RootState, SealProvider, read_root, write_root};
use vault_tee::{
    Egetkey, EgetkeyError, GramineKeys, KEPT, KEY_REQUEST, KeyRequest, SealError, Svns,
};
use zeroize::Zeroizing;

const NAME: &str = "root.sealed";

/// A CPU that gives a key for every request of its own versions.
struct Cpu;

impl Egetkey for Cpu {
    fn svns(&self) -> Result<Svns, SealError> {
        Ok(Svns {
            cpu: [3; 16],
            isv: 1,
            config: 0,
        })
    }

    fn key(&self, request: &[u8; KEY_REQUEST]) -> Result<Zeroizing<[u8; 16]>, EgetkeyError> {
        // CPUSVN.
        match request[8..24] == [3; 16] {
            true => Ok(Zeroizing::new(request[40..56].try_into().unwrap())),
            false => Err(EgetkeyError::CpuSvn),
        }
    }
}

static BY_EGETKEY: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let opened = root(&disk(STORES[1]));
    let mut disk = vault_store::faulty::SimulatedDisk::new();
    write_root(&mut disk, &svn(), &opened, &mut |out| out.fill(5)).expect("a root");
    disk.contents(NAME).expect("a root")
});

fn svn() -> SvnSeal {
    SvnSeal::new(Arc::new(Cpu))
}

/// One input: which of them, then its bytes or changes of a genuine one.
pub fn run(data: &[u8]) {
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    let genuine = |file: &[u8], seal: &dyn SealProvider| {
        let mut changed = file.to_vec();
        change(&mut changed, body);
        let same = changed == file;
        assert_eq!(opens(&changed, seal), same, "a changed root");
    };
    match mode % 6 {
        0 => genuine(&file(0), &seal()),
        1 => genuine(&BY_EGETKEY, &svn()),
        2 => {
            let golden = STORES.iter().any(|files| disk(files).contents(NAME).as_deref() == Some(body));
            assert_eq!(opens(body, &seal()), golden, "nobody sealed this");
            assert_eq!(opens(body, &svn()), body == *BY_EGETKEY, "nobody sealed this");
        }
        3 => payload(body),
        4 => {
            if let Some(kept) = body.first_chunk::<KEPT>()
                && let Some(request) = KeyRequest::from_kept(kept)
            {
                assert_eq!(request.to_kept(), *kept);
                // For MRENCLAVE, never for the signer.
                assert_eq!(request.to_bytes()[..4], [4, 0, 1, 0]);
            }
        }
        _ => gramine(body),
    }
}

fn file(store: usize) -> Vec<u8> {
    disk(STORES[store]).contents(NAME).expect("a root")
}

fn opens(bytes: &[u8], seal: &dyn SealProvider) -> bool {
    let mut disk = vault_store::faulty::SimulatedDisk::new();
    disk.overwrite(NAME, bytes);
    assert!(!disk.list().expect("a disk").is_empty());
    matches!(read_root(&mut disk, seal), Ok(RootState::Present(_)))
}

/// A payload is read as one vault, whose own spelling is read as the same.
fn payload(body: &[u8]) {
    let Some(written) = sealed_payload(body) else {
        return;
    };
    assert_eq!(sealed_payload(&written).as_deref(), Some(&*written));
    match body[0] {
        1 => assert_eq!(written[1..65], body[1..65]),
        _ => assert_eq!(*written, *body, "two spellings"),
    }
}

fn gramine(body: &[u8]) {
    let folder = crate::folder();
    std::fs::create_dir_all(folder.join("keys")).expect("a folder");
    std::fs::write(folder.join("keys/_sgx_mrenclave"), body).expect("a file");
    let root = GramineKeys::new(folder).seal_root();
    let usable = body.len() == 16 && body.iter().any(|byte| *byte != 0);
    assert_eq!(root.is_ok(), usable);
}
