//! A store of the tree, opened on a simulated disk.

pub(crate) mod keys;
pub(crate) mod write;

use serde_json::Value;
use std::path::PathBuf;
use vault_core::api::{Mac, Payload, Sign};
use vault_core::{Answer, CallContext, Refusal, Request, SignatureFormat, TimeReading};
use vault_policy::{KeyType, UnixSeconds};
use vault_store::faulty::SimulatedDisk;
use vault_store::{PlatformSeal, RootState, read_root};
use vault_test::sim::{Machine, Owned, Person, SimRng};
use zeroize::Zeroizing;

pub(crate) const NOW: TimeReading = TimeReading::Host(UnixSeconds(1_800_000_000));
/// The sealing key of the machine that wrote all of them.
pub(crate) const SEALING_KEY: [u8; 32] = [0x60; 32];

pub(crate) fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name)
}

pub(crate) fn platform() -> PlatformSeal {
    PlatformSeal::new(Zeroizing::new(SEALING_KEY))
}

/// A vault that runs over a copy of one.
pub(crate) struct Store {
    pub(crate) machine: Machine,
    pub(crate) rng: SimRng,
    pub(crate) expected: Value,
}

impl Store {
    pub(crate) fn load(name: &str) -> Self {
        let disk = SimulatedDisk::new();
        let mut expected = Value::Null;
        for entry in std::fs::read_dir(folder(name)).unwrap() {
            let entry = entry.unwrap();
            let bytes = std::fs::read(entry.path()).unwrap();
            match entry.file_name().into_string().unwrap() {
                name if name == "expected.json" => {
                    expected = serde_json::from_slice(&bytes).unwrap();
                }
                name => disk.overwrite(&name, &bytes),
            }
        }
        let mut rng = SimRng::new(1);
        let mut machine = Machine::boot(&owned(&disk), &disk, NOW, &mut rng).unwrap();
        machine.flush().unwrap();
        Self {
            machine,
            rng,
            expected,
        }
    }

    pub(crate) fn vault_id(&self) -> String {
        self.machine.vault.info().vault_id.to_string()
    }

    pub(crate) fn call(&mut self, request: Request) -> Result<Answer, Refusal> {
        self.call_as(Person::Bob, request, CallContext::default())
    }

    pub(crate) fn call_as(
        &mut self,
        person: Person,
        request: Request,
        context: CallContext,
    ) -> Result<Answer, Refusal> {
        let caller = person.caller().unwrap();
        let vault = &mut self.machine.vault;
        let judged = vault.authorize(&caller, request, &context, NOW);
        let pending = vault.record(judged.operate(&mut self.rng));
        self.machine.flush().unwrap();
        let durable = self.machine.vault.durable().unwrap();
        let reply = pending.release(durable).ok().unwrap();
        reply.map(|reply| reply.answer)
    }

    pub(crate) fn sign(&mut self, key_type: KeyType) -> Vec<u8> {
        let sign = Sign {
            key: keys::named(key_type),
            input: Payload::Message(keys::MESSAGE.to_vec()),
            format: SignatureFormat::P1363,
        };
        match self.call(Request::Sign(sign)).unwrap() {
            Answer::Sign { signature, .. } => signature,
            _ => panic!(),
        }
    }

    pub(crate) fn mac(&mut self) -> Vec<u8> {
        let mac = Mac {
            key: keys::named(KeyType::HmacSha256),
            message: keys::MESSAGE.to_vec(),
        };
        match self.call(Request::Mac(mac)).unwrap() {
            Answer::Mac { tag, .. } => tag,
            _ => panic!(),
        }
    }
}

/// The identity stands in the root's payload, behind the format.
pub(crate) fn owned(disk: &SimulatedDisk) -> Owned {
    let RootState::Present(root) = read_root(&mut disk.clone(), &platform()).unwrap() else {
        panic!("no root")
    };
    let seed: [u8; 32] = root.payload[1..33].try_into().unwrap();
    Owned::of(&seed, root).unwrap()
}

/// Every durable leaf, as an auditor is given them.
pub(crate) fn read_log(store: &mut Store) -> Vec<Vec<u8>> {
    let size = store.machine.vault.durable().unwrap().head().size;
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    while (leaves.len() as u64) < size {
        let read = Request::ReadLog {
            from: leaves.len() as u64,
            to: size,
        };
        let answer = store.call_as(Person::Auditor, read, CallContext::default());
        let page = match answer.unwrap() {
            Answer::ReadLog { leaves } => leaves,
            Answer::ReadArchive(archived) => store.machine.open(&archived).unwrap(),
            _ => panic!(),
        };
        assert!(!page.is_empty());
        leaves.extend(page.iter().map(|leaf| leaf.to_vec()));
    }
    leaves
}
