//! Two processes on one folder: whoever opened it last goes on, and what either of them acknowledged is there.
//! Every call of one of them is a place where the other one comes in between.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]
#![allow(missing_docs, unreachable_pub)]

mod support;

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};
use support::{head, platform};
use vault_store::{
    AppendError, DirFiles, Files, OpenError, Opened, RootError, RootState, SealedLog,
    SealedSnapshot, SegmentFiles, SegmentOptions, StorageError, StoreRoot, begin_first_boot,
    read_root, stage_snapshot, write_root,
};
use zeroize::Zeroizing;

/// A segment has one group, or several.
const ONE: SegmentOptions = SegmentOptions {
    segment: 1024,
    block: 512,
};
const SEVERAL: SegmentOptions = SegmentOptions {
    segment: 4096,
    block: 512,
};

type ComesIn = Box<dyn FnOnce() + Send>;
/// After how many calls somebody comes in, and who.
type Between = Arc<Mutex<(usize, Option<ComesIn>)>>;

/// A folder; before one of its calls somebody else comes in between.
struct Interrupted {
    files: DirFiles,
    between: Between,
}

impl Interrupted {
    fn files(&mut self) -> &mut DirFiles {
        let due = {
            let mut between = self.between.lock().unwrap();
            between.0 = between.0.wrapping_sub(1);
            match between.0 {
                0 => between.1.take(),
                _ => None,
            }
        };
        if let Some(come_in) = due {
            come_in();
        }
        &mut self.files
    }
}

impl Files for Interrupted {
    fn list(&mut self) -> io::Result<Vec<String>> {
        self.files().list()
    }
    fn size(&mut self, name: &str) -> io::Result<Option<u64>> {
        self.files().size(name)
    }
    fn read_at(&mut self, name: &str, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.files().read_at(name, offset, buffer)
    }
    fn create(&mut self, name: &str) -> io::Result<()> {
        self.files().create(name)
    }
    fn create_new(&mut self, name: &str) -> io::Result<()> {
        self.files().create_new(name)
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.files().write_at(name, offset, bytes)
    }
    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.files().sync(name)
    }
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.files().rename(from, to)
    }
    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.files().remove(name)
    }
    fn sync_names(&mut self) -> io::Result<()> {
        self.files().sync_names()
    }
    fn shut_out(&mut self) -> io::Result<()> {
        self.files().shut_out()
    }
    fn claim(&mut self) -> io::Result<()> {
        self.files().claim()
    }
    fn is_ours(&mut self) -> io::Result<bool> {
        self.files().is_ours()
    }
}

fn fill(out: &mut [u8]) {
    aws_lc_rs::rand::fill(out).unwrap();
}

fn new_root() -> StoreRoot {
    StoreRoot::generate([9; 32], Zeroizing::new(vec![1]), &mut fill)
}

fn open_with(
    files: DirFiles,
    options: SegmentOptions,
    root: &StoreRoot,
    between: Between,
) -> Result<Opened<SegmentFiles<Interrupted>>, OpenError> {
    let storage = SegmentFiles::open(Interrupted { files, between }, options)?;
    SealedLog::open(storage, root, &mut fill)
}

/// What was acknowledged, in order.
type Acknowledged = Arc<Mutex<Vec<(u64, Vec<u8>)>>>;

struct Process {
    log: SealedLog<SegmentFiles<Interrupted>>,
    name: &'static str,
    acknowledged: Acknowledged,
}

impl Process {
    fn append(&mut self) -> bool {
        let sequence = self.log.next_sequence();
        let payload = format!("{:>280} {sequence}", self.name).into_bytes();
        let appended = self.log.append(head(sequence), &payload);
        if appended.is_ok() {
            self.acknowledged.lock().unwrap().push((sequence, payload));
        }
        appended.is_ok()
    }

    /// What a vault does: groups, space ahead, a snapshot.
    fn work(&mut self, groups: usize) {
        for group in 0..groups {
            if !self.append() {
                return;
            }
            let _ = self.log.make_room();
            if group == 1 {
                self.snapshot();
            }
        }
    }

    fn seal(&self) -> SealedSnapshot {
        let at = head(self.log.next_sequence());
        self.log.seal_snapshot(at, b"state", &mut fill).unwrap()
    }

    fn snapshot(&mut self) {
        let sealed = self.seal();
        if self.append() {
            let _ = self.log.put_snapshot(&sealed);
        }
    }
}

/// In memory where the system has such a place: this is about processes, not about disks.
fn folder() -> tempfile::TempDir {
    let in_memory = Path::new("/dev/shm");
    match in_memory.is_dir() {
        true => tempfile::tempdir_in(in_memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    }
}

struct Scene {
    folder: tempfile::TempDir,
    options: SegmentOptions,
    root: Arc<StoreRoot>,
    acknowledged: Acknowledged,
}

impl Scene {
    fn new(options: SegmentOptions) -> Self {
        let scene = Self {
            folder: folder(),
            options,
            root: Arc::new(new_root()),
            acknowledged: Arc::default(),
        };
        scene.open("before", Arc::default()).unwrap().work(2);
        scene
    }

    fn open(&self, name: &'static str, between: Between) -> Result<Process, OpenError> {
        self.open_by(self.files(), name, between)
    }

    fn files(&self) -> DirFiles {
        DirFiles::open(self.folder.path()).unwrap()
    }

    fn open_by(
        &self,
        files: DirFiles,
        name: &'static str,
        between: Between,
    ) -> Result<Process, OpenError> {
        let opened = open_with(files, self.options, &self.root, between)?;
        Ok(Process {
            log: opened.log,
            name,
            acknowledged: Arc::clone(&self.acknowledged),
        })
    }

    /// Whether all that anybody was told is there.
    fn check(&self, place: &str) {
        let again = open_with(self.files(), self.options, &self.root, Arc::default());
        let mut log = again.unwrap_or_else(|error| panic!("{place}: {error}")).log;
        for (sequence, payload) in self.acknowledged.lock().unwrap().iter() {
            let group = log.read(*sequence);
            let group = group.unwrap_or_else(|error| panic!("{place}, {sequence}: {error}"));
            assert_eq!(*group.payload, *payload, "{place}, group {sequence}");
        }
    }
}

/// Runs `scene` for each place, until there is none left; gives how many there were.
fn at_every_place(scene: impl Fn(usize) -> bool) -> usize {
    (1..).take_while(|place| scene(*place)).count()
}

#[test]
fn a_second_process_may_come_at_any_call_of_the_first() {
    for options in [ONE, SEVERAL] {
        for groups in [0, 3] {
            let places = at_every_place(|place| {
                let scene = Arc::new(Scene::new(options));
                let second = Arc::new(Mutex::new(None));
                let between: Between = Arc::default();
                let mut first = scene.open("first", Arc::clone(&between)).unwrap();
                let come_in = {
                    let (scene, second) = (Arc::clone(&scene), Arc::clone(&second));
                    move || {
                        let mut process = scene.open("second", Arc::default()).unwrap();
                        process.work(groups);
                        *second.lock().unwrap() = Some(process);
                    }
                };
                *between.lock().unwrap() = (place, Some(Box::new(come_in)));
                first.work(4);
                let came = second.lock().unwrap().take();
                let Some(mut second) = came else {
                    return false;
                };
                assert!(!first.append(), "place {place}: the first one goes on");
                second.work(3);
                drop((first, second));
                scene.check(&format!("place {place} of {options:?}, {groups}"));
                true
            });
            println!("{places} places, {groups} groups at each, {options:?}");
            assert!(places > 40, "{places}");
        }
    }
}

#[test]
fn the_first_process_may_go_on_at_any_call_of_one_that_opens() {
    for options in [ONE, SEVERAL] {
        let places = at_every_place(|place| {
            let scene = Scene::new(options);
            let mut first = scene.open("first", Arc::default()).unwrap();
            first.work(1);
            let first = Arc::new(Mutex::new(first));
            let worked = Arc::new(Mutex::new(false));
            let come_in = {
                let (first, worked) = (Arc::clone(&first), Arc::clone(&worked));
                move || {
                    first.lock().unwrap().work(4);
                    *worked.lock().unwrap() = true;
                }
            };
            let between: Between = Arc::new(Mutex::new((place, Some(Box::new(come_in)))));
            let second = scene.open("second", between);
            if !*worked.lock().unwrap() {
                return false;
            }
            if let Ok(mut second) = second {
                second.work(3);
            }
            drop(first);
            scene.check(&format!("place {place} of {options:?}"));
            true
        });
        println!("{places} places, {options:?}");
        assert!(places > 8, "{places}");
    }
}

#[test]
fn who_stages_a_snapshot_while_another_process_comes_takes_nothing_from_it() {
    let places = at_every_place(|place| {
        let scene = Arc::new(Scene::new(SEVERAL));
        let files = scene.files();
        let beside = files.beside();
        let first = scene.open_by(files, "first", Arc::default()).unwrap();
        let stale = first.seal();
        let second = Arc::new(Mutex::new(None));
        let come_in = {
            let (scene, second) = (Arc::clone(&scene), Arc::clone(&second));
            move || {
                let files = scene.files();
                let mut beside = files.beside();
                let mut process = scene.open_by(files, "second", Arc::default()).unwrap();
                let sealed = process.seal();
                stage_snapshot(&mut beside, &sealed).unwrap();
                assert!(process.append());
                *second.lock().unwrap() = Some((process, sealed));
            }
        };
        let between: Between = Arc::new(Mutex::new((place, Some(Box::new(come_in)))));
        let mut thread = Interrupted {
            files: beside,
            between,
        };
        let staged = stage_snapshot(&mut thread, &stale);
        let Some((mut second, sealed)) = second.lock().unwrap().take() else {
            return false;
        };
        assert!(staged.is_err(), "place {place}: the first one goes on");
        second.log.place_snapshot(&sealed).unwrap();
        second.work(3);
        scene.check(&format!("place {place}"));
        true
    });
    assert!(places > 2, "{places}");
}

/// What a start does of a folder that holds nothing; the identity, if it goes on.
fn first_boot(files: &mut dyn Files) -> Result<Vec<u8>, RootError> {
    let platform = platform(1);
    let mut state = read_root(files, &platform)?;
    if matches!(state, RootState::FirstBoot) {
        state = begin_first_boot(files, &platform)?;
    }
    let root = match state {
        RootState::Present(root) => root,
        RootState::FirstBoot => {
            let root = new_root();
            write_root(files, &platform, &root, &mut fill)?;
            root
        }
    };
    Ok(root.generation.to_vec())
}

#[test]
fn two_first_boots_at_once_make_one_vault() {
    let places = at_every_place(|place| {
        let folder = folder();
        let path = folder.path().to_owned();
        let second = Arc::new(Mutex::new(None));
        let come_in = {
            let (path, second) = (path.clone(), Arc::clone(&second));
            move || {
                let made = first_boot(&mut DirFiles::open(path).unwrap());
                *second.lock().unwrap() = Some(made.unwrap());
            }
        };
        let between: Between = Arc::new(Mutex::new((place, Some(Box::new(come_in)))));
        let files = DirFiles::open(&path).unwrap();
        let first = first_boot(&mut Interrupted { files, between });
        let Some(second) = second.lock().unwrap().take() else {
            return false;
        };
        let stands = first_boot(&mut DirFiles::open(&path).unwrap()).unwrap();
        assert_eq!(second, stands, "place {place}: the second one");
        assert!(first.is_err() || first == Ok(stands), "place {place}");
        true
    });
    assert!(places > 8, "{places}");
}

#[test]
fn who_was_shut_out_says_so_whatever_it_does_next() {
    for next in 0..3 {
        let scene = Scene::new(ONE);
        let mut first = scene.open("first", Arc::default()).unwrap();
        let mut second = scene.open("second", Arc::default()).unwrap();
        let is_fatal = match next {
            0 => matches!(
                first.log.append(head(3), b"never acknowledged"),
                Err(AppendError::Fatal(StorageError::ShutOut))
            ),
            1 => first.log.make_room().is_err(),
            _ => {
                let sealed = first.log.seal_snapshot(head(3), b"state", &mut fill);
                first.log.put_snapshot(&sealed.unwrap()).is_err()
            }
        };
        assert!(is_fatal, "{next}");
        assert!(second.append());
        scene.check("after");
    }
}
