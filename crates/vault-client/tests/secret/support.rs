//! Vaults in memory, and an owner.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::sync::Notify;
use vault_client::secret::{Failed, OwnerKey, Secrets, ShareHolder, Wait};
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::sha256;
use vault_policy::{
    KeyHandle, KeyPolicy, KeyType, OidcSubject, PolicyFields, TemplateArgs, VaultId, template,
};
use zeroize::Zeroizing;

/// The owner may read.
pub(crate) static POLICY: LazyLock<Vec<u8>> = LazyLock::new(|| policy(|_| ()));

/// As the owner's, changed.
pub(crate) fn policy(change: impl FnOnce(&mut PolicyFields)) -> Vec<u8> {
    let owner = OidcSubject {
        issuer: "https://issuer.example".to_owned(),
        subject: "ann".to_owned(),
    };
    let args = TemplateArgs::new(owner, KeyType::RawShare);
    let mut fields = template("owner", &args).unwrap().fields().clone();
    change(&mut fields);
    let policy = KeyPolicy::from_fields(fields).unwrap();
    policy.canonical_bytes().to_vec()
}

/// What a vault is asked, as it sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Seen {
    Put {
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Vec<u8>,
    },
    Get(KeyHandle),
    List,
    Destroy(KeyHandle),
}

/// Where everything stops: after so many steps, a step being the beginning or the end of a call.
#[derive(Default)]
pub(crate) struct Stop {
    steps: AtomicUsize,
    at: Option<usize>,
    pub(crate) reached: Notify,
}

impl Stop {
    pub(crate) fn at(step: usize) -> Arc<Self> {
        Arc::new(Self {
            at: Some(step),
            ..Self::default()
        })
    }

    async fn step(&self) {
        let now = self.steps.fetch_add(1, Ordering::SeqCst);
        if self.at.is_some_and(|at| now >= at) {
            self.reached.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    Down,
    Hangs,
    KeepsWhatItShouldDestroy,
    StoresNothing,
    /// Answers nothing but this to what it is asked to store, and stores nothing.
    RefusesToStore(ErrorCode),
    /// Stores, and the answer is lost.
    LosesAnswers,
    /// Neither stores nor reads: the deadline passes.
    TimesOut,
    /// Does what it is asked, and none of its answers arrives.
    Mute,
}

pub(crate) struct Shelf {
    pub(crate) shares: Mutex<BTreeMap<KeyHandle, Vec<u8>>>,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) mood: Mutex<Mood>,
    stop: Mutex<Arc<Stop>>,
}

#[derive(Clone)]
pub(crate) struct Vault {
    pub(crate) id: VaultId,
    pub(crate) shelf: Arc<Shelf>,
}

impl Vault {
    pub(crate) fn new(number: usize) -> Self {
        Self::with_id(VaultId(sha256(&number.to_be_bytes())))
    }

    pub(crate) fn with_id(id: VaultId) -> Self {
        let shelf = Shelf {
            shares: Mutex::default(),
            seen: Mutex::default(),
            mood: Mutex::new(Mood::Well),
            stop: Mutex::default(),
        };
        Self {
            id,
            shelf: Arc::new(shelf),
        }
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.shelf.mood.lock().unwrap() = mood;
    }

    pub(crate) fn stop_at(&self, stop: &Arc<Stop>) {
        *self.shelf.stop.lock().unwrap() = stop.clone();
    }

    pub(crate) fn shares(&self) -> BTreeMap<KeyHandle, Vec<u8>> {
        self.shelf.shares.lock().unwrap().clone()
    }

    pub(crate) fn alter(&self, alter: impl FnOnce(&mut BTreeMap<KeyHandle, Vec<u8>>)) {
        alter(&mut self.shelf.shares.lock().unwrap());
    }

    async fn step(&self) {
        let stop = self.shelf.stop.lock().unwrap().clone();
        stop.step().await;
    }

    async fn begin(&self, seen: Seen) -> Result<Mood> {
        self.step().await;
        let mood = *self.shelf.mood.lock().unwrap();
        match mood {
            Mood::Down => return Err(Error::new(ErrorCode::Unavailable).vault(self.id)),
            Mood::TimesOut if !matches!(seen, Seen::Destroy(_)) => {
                return Err(Error::new(ErrorCode::Timeout).vault(self.id));
            }
            Mood::Hangs => std::future::pending().await,
            _ => self.shelf.seen.lock().unwrap().push(seen),
        }
        Ok(mood)
    }
}

impl ShareHolder for Vault {
    fn vault_id(&self) -> VaultId {
        self.id
    }

    async fn put(
        &self,
        handle: KeyHandle,
        policy: Vec<u8>,
        share: Zeroizing<Vec<u8>>,
    ) -> Result<()> {
        let share = share.to_vec();
        let seen = Seen::Put {
            handle,
            policy,
            share: share.clone(),
        };
        let mood = self.begin(seen).await?;
        match mood {
            Mood::StoresNothing => {
                return Err(Error::new(ErrorCode::QuotaExceeded).vault(self.id));
            }
            Mood::RefusesToStore(code) => return Err(Error::new(code).vault(self.id)),
            _ => {}
        }
        if self.shares().contains_key(&handle) {
            return Err(Error::new(ErrorCode::AlreadyExists).vault(self.id));
        }
        self.alter(|shares| drop(shares.insert(handle, share)));
        self.step().await;
        match mood {
            Mood::LosesAnswers | Mood::Mute => Err(Error::new(ErrorCode::Timeout).vault(self.id)),
            _ => Ok(()),
        }
    }

    async fn get(&self, handle: KeyHandle) -> Result<Zeroizing<Vec<u8>>> {
        if self.begin(Seen::Get(handle)).await? == Mood::Mute {
            return Err(Error::new(ErrorCode::Timeout).vault(self.id));
        }
        let found = self.shares().get(&handle).cloned();
        found
            .map(Zeroizing::new)
            .ok_or_else(|| Error::new(ErrorCode::NotFound).vault(self.id))
    }

    async fn list(&self) -> Result<Vec<KeyHandle>> {
        self.begin(Seen::List).await?;
        Ok(self.shares().into_keys().collect())
    }

    async fn destroy(&self, handle: KeyHandle) -> Result<()> {
        if self.begin(Seen::Destroy(handle)).await? == Mood::KeepsWhatItShouldDestroy {
            return Err(Error::new(ErrorCode::RateLimited).vault(self.id));
        }
        let mut gone = None;
        self.alter(|shares| gone = shares.remove(&handle));
        self.step().await;
        gone.map(drop)
            .ok_or_else(|| Error::new(ErrorCode::NotFound).vault(self.id))
    }
}

/// Vaults, and an owner whose key and records survive what is stopped.
pub(crate) struct World {
    pub(crate) vaults: Vec<Vault>,
    key: [u8; 32],
    dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new(vaults: usize) -> Self {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).unwrap();
        Self {
            vaults: (0..vaults).map(Vault::new).collect(),
            key,
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn owner(&self) -> OwnerKey {
        OwnerKey::from_bytes(Zeroizing::new(self.key))
    }

    pub(crate) fn dir(&self) -> PathBuf {
        self.dir.path().join("secrets")
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn secrets(&self) -> Secrets {
        Secrets::new(self.dir(), self.owner())
    }

    /// The records again, as they are now, on another machine.
    pub(crate) fn copy(&self, name: &str) -> Secrets {
        let copy = self.path().join("copy");
        std::fs::create_dir_all(copy.join(name)).unwrap();
        let of = |dir: &Path| dir.join(name).join("record.json");
        std::fs::copy(of(&self.dir()), of(&copy)).unwrap();
        Secrets::new(&copy, self.owner())
    }

    /// Everything that is stored, vault by vault.
    pub(crate) fn stored(&self) -> Vec<BTreeMap<KeyHandle, Vec<u8>>> {
        self.vaults.iter().map(Vault::shares).collect()
    }

    /// Puts back what was stored, beside what is.
    pub(crate) fn restore(&self, stored: &[BTreeMap<KeyHandle, Vec<u8>>]) {
        for (vault, stored) in self.vaults.iter().zip(stored) {
            vault.alter(|shares| shares.extend(stored.clone()));
        }
    }

    /// Whether all of this is stored.
    pub(crate) fn holds(&self, stored: &[BTreeMap<KeyHandle, Vec<u8>>]) -> bool {
        let now = self.stored();
        let mut pairs = now.iter().zip(stored);
        pairs.all(|(now, stored)| stored.iter().all(|(at, share)| now.get(at) == Some(share)))
    }

    /// Stops every vault at this step, counted from here.
    pub(crate) fn stop_at(&self, step: usize) -> Arc<Stop> {
        let stop = Stop::at(step);
        self.vaults.iter().for_each(|vault| vault.stop_at(&stop));
        stop
    }

    pub(crate) fn go_on(&self) {
        let stop = Arc::new(Stop::default());
        self.vaults.iter().for_each(|vault| vault.stop_at(&stop));
    }

    pub(crate) fn ids(&self, of: impl IntoIterator<Item = usize>) -> Vec<VaultId> {
        of.into_iter().map(|index| self.vaults[index].id).collect()
    }

    pub(crate) async fn split(&self, name: &str, secret: &[u8], threshold: u8) {
        let secrets = self.secrets();
        let policy = POLICY.to_vec();
        secrets
            .split(&self.vaults, name, secret, threshold, policy)
            .await
            .unwrap();
    }

    pub(crate) async fn read(&self, name: &str) -> Result<Vec<u8>, Failed> {
        let secrets = self.secrets();
        let found = secrets.reconstruct(&self.vaults, name, Wait::All).await?;
        Ok(found.secret.to_vec())
    }

    /// The handle of a vault's share of the generation in force.
    pub(crate) fn handle(&self, name: &str, vault: usize) -> KeyHandle {
        let record = self.secrets().record(name).unwrap();
        let id = self.vaults[vault].id;
        let place = record.members.iter().find(|place| place.vault_id == id);
        place.unwrap().handle
    }

    /// Alters the share that a vault holds of a secret.
    pub(crate) fn spoil(&self, name: &str, vault: usize, spoil: impl FnOnce(&mut Vec<u8>)) {
        let handle = self.handle(name, vault);
        self.vaults[vault].alter(|shares| spoil(shares.get_mut(&handle).unwrap()));
    }
}

/// Runs until it is done or stopped; says whether it was done.
pub(crate) async fn until<T>(stop: &Arc<Stop>, work: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = stop.reached.notified() => None,
    }
}

/// The error of what must have failed; what succeeds cannot be printed.
pub(crate) fn failure<T, E>(result: Result<T, E>) -> E {
    match result {
        Ok(_) => panic!("succeeded"),
        Err(error) => error,
    }
}
