//! What became of each mutant: kept in a file between runs, since trying all of them takes hours.

use anyhow::{Context, Result};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const FILE: &str = "tally.txt";
/// The folder that `cargo-mutants` writes, and moves away when it starts anew.
const LAST_ROUND: &str = "mutants.out";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Became {
    Caught,
    /// No test has passed over it, and it did not end in time, which is noticed, too. Tried again by
    /// the tests that come next.
    Endless,
    Survivor,
    Unviable,
}

/// Each with the file that `cargo-mutants` lists it in.
const KINDS: [(Became, &str); 4] = [
    (Became::Survivor, "missed"),
    (Became::Endless, "timeout"),
    (Became::Unviable, "unviable"),
    (Became::Caught, "caught"),
];

/// The mutants of one crate, by the names that `cargo-mutants` gives them.
#[derive(Debug)]
pub(super) struct Tally {
    folder: PathBuf,
    listed: BTreeSet<String>,
    tried: BTreeMap<String, Became>,
}

impl Tally {
    /// Of the mutants in `listed`; `resume` goes on with what `folder` holds, which is emptied
    /// otherwise.
    pub(super) fn open(folder: PathBuf, listed: BTreeSet<String>, resume: bool) -> Result<Self> {
        if !resume && folder.exists() {
            std::fs::remove_dir_all(&folder).context("cannot remove the last run")?;
        }
        std::fs::create_dir_all(&folder)?;
        let mut tally = Self {
            folder,
            listed,
            tried: BTreeMap::new(),
        };
        for line in lines(&tally.folder.join(FILE))? {
            let (became, name) = line.split_once(' ').unwrap_or_default();
            let kind = KINDS.iter().find(|(_, written)| *written == became);
            tally.learn(kind.context("the tally is not readable")?.0, name);
        }
        tally.absorb()?;
        Ok(tally)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the last round left what a next one can leave out.
    pub(super) fn goes_on(&self) -> bool {
        self.folder.join(LAST_ROUND).exists()
    }

    /// Takes over what the last round found, and writes everything down.
    pub(super) fn absorb(&mut self) -> Result<()> {
        for (became, file) in KINDS {
            let path = self.folder.join(LAST_ROUND).join(format!("{file}.txt"));
            for name in lines(&path)? {
                self.learn(became, &name);
            }
        }
        let text: String = self.tried.iter().map(row).collect();
        std::fs::write(self.folder.join(FILE), text).context("cannot write the tally")
    }

    /// What is found later counts, but a mutant that was caught once stays caught, and one that
    /// tests have passed over is not caught by slow ones. Code that has changed since has other
    /// mutants.
    fn learn(&mut self, became: Became, name: &str) {
        let stays = match self.tried.get(name) {
            Some(Became::Caught) => true,
            Some(Became::Survivor) => became == Became::Endless,
            _ => !self.listed.contains(name),
        };
        if !stays {
            self.tried.insert(name.to_owned(), became);
        }
    }

    fn count(&self, became: Became) -> usize {
        self.tried
            .values()
            .filter(|known| **known == became)
            .count()
    }

    fn noticed(&self) -> usize {
        self.count(Became::Caught) + self.count(Became::Endless)
    }

    /// How many have not been tried by any test.
    pub(super) fn untried(&self) -> usize {
        self.listed.len() - self.tried.len()
    }

    /// Without their places in their files, which move.
    pub(super) fn survivors(&self) -> BTreeSet<String> {
        let tried = self.tried.iter();
        let survivors = tried.filter(|(_, became)| **became == Became::Survivor);
        survivors.map(|(name, _)| identity(name)).collect()
    }

    /// Of those that build, in percent, rounded down.
    pub(super) fn percent(&self) -> usize {
        let viable = self.noticed() + self.count(Became::Survivor);
        (100 * self.noticed()).checked_div(viable).unwrap_or(100)
    }

    pub(super) fn said(&self) -> String {
        let mut said = format!(
            "{} caught ({} of them by not ending), {} survive, {} do not build; {} % caught",
            self.noticed(),
            self.count(Became::Endless),
            self.count(Became::Survivor),
            self.count(Became::Unviable),
            self.percent(),
        );
        match self.untried() {
            0 => {}
            count => said.push_str(&format!("; {count} not tried")),
        }
        said
    }
}

fn row((name, became): (&String, &Became)) -> String {
    let kind = KINDS.iter().find(|(kind, _)| kind == became);
    format!("{} {name}\n", kind.map_or("", |(_, written)| written))
}

/// The lines of a file; of none, where there is no file yet.
fn lines(path: &Path) -> Result<Vec<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// `crates/x/src/y.rs:12:5: replace …` without the place in the file.
pub(super) fn identity(line: &str) -> String {
    match line.split_once(": ") {
        Some((place, what)) => {
            let file = place.split(':').next().unwrap_or_default();
            format!("{file}: {what}")
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SURVIVOR: &str = "src/x.rs:1:2: replace f -> bool with true";

    fn listed() -> BTreeSet<String> {
        ["a", "b", "c", "d", "e", SURVIVOR]
            .map(str::to_owned)
            .into()
    }

    fn round(folder: &Path, files: [&str; 4]) {
        let folder = folder.join(LAST_ROUND);
        std::fs::create_dir_all(&folder).unwrap();
        for ((_, name), text) in KINDS.iter().zip(files) {
            std::fs::write(folder.join(format!("{name}.txt")), text).unwrap();
        }
    }

    #[test]
    fn what_does_not_build_and_what_was_not_tried_counts_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut tally = Tally::open(folder.path().join("t"), listed(), false).unwrap();
        let missed = format!("{SURVIVOR}\nsince/changed.rs:1:1: replace g with ()\n");
        round(tally.folder(), [&missed, "c\n", "d\n", "a\nb\n"]);
        tally.absorb().unwrap();
        assert_eq!((tally.percent(), tally.untried()), (75, 1));
        assert_eq!(tally.survivors(), BTreeSet::from([identity(SURVIVOR)]));
        let said = tally.said();
        assert!(
            said.starts_with("3 caught (1 of them by not ending), 1 survive, 1 do not build"),
            "{said}"
        );
        assert!(said.ends_with("1 not tried"), "{said}");
    }

    #[test]
    fn a_later_round_is_believed_but_what_was_caught_stays_caught() {
        let folder = tempfile::tempdir().unwrap();
        let mut tally = Tally::open(folder.path().join("t"), listed(), false).unwrap();
        round(tally.folder(), [SURVIVOR, "c\n", "d\n", "a\nb\n"]);
        tally.absorb().unwrap();
        round(tally.folder(), ["c\na\n", "", "", SURVIVOR]);
        tally.absorb().unwrap();
        // A busy machine is no test.
        round(tally.folder(), ["", "c\n", "", ""]);
        tally.absorb().unwrap();
        assert_eq!(tally.survivors(), BTreeSet::from(["c".to_owned()]));
        assert_eq!(tally.noticed(), 3);
    }

    #[test]
    fn a_run_that_was_ended_goes_on_where_it_was_and_a_new_one_begins_with_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let open = |resume| Tally::open(folder.path().join("t"), listed(), resume).unwrap();
        let tally = open(false);
        assert!(!tally.goes_on());
        // Ended from outside: nobody has taken this over.
        round(tally.folder(), ["c\n", "", "d\n", "a\n"]);
        let resumed = open(true);
        assert!(resumed.goes_on());
        assert_eq!((resumed.untried(), resumed.noticed()), (3, 1));
        round(resumed.folder(), ["", "", "", "b\n"]);
        assert_eq!((open(true).untried(), open(true).noticed()), (2, 2));
        assert_eq!((open(false).untried(), open(false).goes_on()), (6, false));
    }
}
