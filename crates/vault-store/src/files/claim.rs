//! Which process a directory belongs to: the one whose random bytes are in `log.open`.
//!
//! The file is looked up by its name each time. What is known of an open file alone does not tell: a library OS may not
//! count names, and a copy made of hard links keeps one more.

use super::directory::Handle;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

const NAME: &str = "log.open";
const TOKEN: usize = 16;

/// What this process left in the place of everybody else's.
#[derive(Debug, Default)]
pub(super) struct Claim {
    /// `None` until it is made.
    file: Option<Handle>,
    /// What was written to it: nothing while there is no space.
    token: Vec<u8>,
}

impl Claim {
    /// Takes away whatever anybody claims by. Nothing is claimed by this yet.
    pub(super) fn after_all_others(directory: &Path) -> io::Result<Self> {
        match std::fs::remove_file(directory.join(NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self::default()),
        }
    }

    /// Makes the file, if nobody else did, and writes to it. A file that found no space stays, and is written to by the
    /// next call.
    pub(super) fn make(&mut self, directory: &Path) -> io::Result<()> {
        let made = match self.file.take() {
            Some(made) => made,
            None => Handle::make(&directory.join(NAME))?,
        };
        let mut token = [0; TOKEN];
        aws_lc_rs::rand::fill(&mut token).map_err(|_| io::Error::other("no randomness"))?;
        let written = made.file.write_all_at(&token, 0);
        self.file = Some(made);
        if written.is_ok() {
            self.token = token.to_vec();
        }
        written
    }

    /// Whether what is there is what this process left.
    pub(super) fn holds(&self, directory: &Path) -> io::Result<bool> {
        let there = match File::open(directory.join(NAME)) {
            Ok(file) => Some(beginning(file)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        match (&self.file, there) {
            (None, there) => Ok(there.is_none()),
            (Some(_), None) => Ok(false),
            (Some(made), Some(there)) => Ok(there == self.token && made.has_a_name()?),
        }
    }
}

/// As much as a claim has, and a byte more.
fn beginning(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(TOKEN + 1);
    file.take(TOKEN as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_without_space_for_its_bytes_holds_and_gets_them_later() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(NAME);
        let mut claim = Claim::after_all_others(directory.path()).unwrap();
        assert!(claim.holds(directory.path()).unwrap());
        claim.file = Some(Handle::make(&path).unwrap());
        assert!(claim.holds(directory.path()).unwrap());
        claim.make(directory.path()).unwrap();
        assert!(claim.holds(directory.path()).unwrap());
        assert_eq!(std::fs::read(&path).unwrap().len(), TOKEN);
        let again = Claim::after_all_others(directory.path()).unwrap();
        assert!(again.holds(directory.path()).unwrap());
        assert!(!claim.holds(directory.path()).unwrap());
        let mut other = Claim::default();
        other.make(directory.path()).unwrap();
        assert!(other.holds(directory.path()).unwrap());
        assert!(!claim.holds(directory.path()).unwrap());
        assert!(!again.holds(directory.path()).unwrap());
        let taken = Claim::default().make(directory.path()).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists);
    }
}
