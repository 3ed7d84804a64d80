//! Files named on the command line; `-` is stdin or stdout.

use crate::place::{is_stdout, resolved};
use crate::temporary::Temporary;
use aws_lc_rs::digest;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use vault_audit::Tile;
use vault_client::{Error, ErrorCode, Result};
use vault_encoding::Hash;

/// What a vault accepts is smaller; this bounds what is kept in memory at all.
const LARGEST_INPUT: u64 = 64 << 20;
/// What is read at once of an input that is not kept.
const PIECE: usize = 64 << 10;

/// Whether the name stands for stdin or stdout.
pub(crate) fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Whether what is written there leaves through stdout, a device or a pipe: nothing of it can be read
/// again or replaced.
pub(crate) fn is_stream(path: &Path) -> bool {
    let there = std::fs::metadata(path).map(|there| there.file_type());
    is_stdout(path) || there.is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Writes all of it to a stream.
pub(crate) fn copy(from: &mut impl Read, path: &Path) -> Result<()> {
    let copied = if is_stdout(path) {
        let mut out = io::stdout().lock();
        io::copy(from, &mut out).and_then(|_| out.flush())
    } else {
        let out = OpenOptions::new().write(true).open(path);
        out.and_then(|mut out| io::copy(from, &mut out)).map(drop)
    };
    copied.map_err(|error| inaccessible(path, &error))
}

/// Everything in a file, or on stdin. A longer input than any command can use is refused: its
/// beginning must not pass for all of it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = open(path).and_then(|file| file.take(LARGEST_INPUT + 1).read_to_end(&mut bytes));
    read.map_err(|error| inaccessible(path, &error))?;
    match bytes.len() as u64 > LARGEST_INPUT {
        true => Err(too_large(path)),
        false => Ok(bytes),
    }
}

/// SHA-256 of everything in a file, or on stdin, whatever its length.
pub(crate) fn sha256(path: &Path) -> Result<Hash> {
    let hash = open(path).and_then(|mut input| hashed(&mut input));
    hash.map_err(|error| inaccessible(path, &error))
}

fn hashed(input: &mut impl Read) -> io::Result<Hash> {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut piece = vec![0; PIECE];
    loop {
        let length = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        context.update(piece.get(..length).unwrap_or_default());
    }
    let hash = Hash::from_slice(context.finish().as_ref());
    hash.ok_or_else(|| io::Error::other("no hash"))
}

fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    Ok(match is_dash(path) {
        true => Box::new(io::stdin().lock()),
        false => Box::new(std::fs::File::open(path)?),
    })
}

fn too_large(path: &Path) -> Error {
    let detail = format_args!("{}: more than {LARGEST_INPUT} bytes", path.display());
    Error::new(ErrorCode::TooLarge).detail(detail)
}

/// The file's bytes, or none where no file is named.
pub(crate) fn read_optional(path: Option<&Path>) -> Result<Vec<u8>> {
    path.map_or_else(|| Ok(Vec::new()), read)
}

/// A file of the tiles layout, if it is there: as far as one may be long and one byte more, whatever lies in its place.
pub(crate) fn read_tile(dir: &Path, tile: &Tile) -> Result<Option<Vec<u8>>> {
    let path = dir.join(tile.path());
    match read_regular(&path, tile.most_bytes().saturating_add(1)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(inaccessible(&path, &error)),
    }
}

/// A file, or its beginning if it is longer. Opening a pipe would wait for somebody who writes.
pub(crate) fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file that only its owner may read, in the place of what was there, or to a stream. There is
/// the old one, or the new one; what links to it goes on to do so. Durable when it returns.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stream(path) {
        return copy(&mut &bytes[..], path);
    }
    let failed = |error: io::Error| inaccessible(path, &error);
    let mut file = beside(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    put(file, path)
}

/// A file that can take this one's place, or that of the file which this one links to.
pub(crate) fn beside(path: &Path) -> io::Result<Temporary> {
    Temporary::new_in(parent(&resolved(path)))
}

/// The directory that the file is in.
pub(crate) fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

/// Replaces the file in one step: there is the old one, or the new one. Durable when it returns.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    if is_stream(path) {
        return write(path, bytes);
    }
    replace_lazily(path, bytes)?;
    sync_dir(parent(path))
}

/// As [`replace`], except that the file's name is durable once its directory has been synced.
/// Directories are made, for their user only.
pub(crate) fn replace_lazily(path: &Path, bytes: &[u8]) -> Result<()> {
    let dir = parent(path);
    let make = || {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)?;
        let mut file = Temporary::new_in(dir)?;
        file.write_all(bytes)?;
        Ok(file)
    };
    let file = make().map_err(|error| inaccessible(path, &error))?;
    rename(file, path)
}

/// Gives a file that was made [`beside`] it its place in one step. Durable when it returns.
pub(crate) fn put(file: Temporary, path: &Path) -> Result<()> {
    let place = resolved(path);
    rename(file, &place)?;
    sync_dir(parent(&place))
}

fn rename(file: Temporary, path: &Path) -> Result<()> {
    let synced = file.as_file().sync_all();
    synced.map_err(|error| inaccessible(path, &error))?;
    let put = file.put(path);
    put.map_err(|error| inaccessible(path, &error))
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<()> {
    let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|error| inaccessible(dir, &error))
}

pub(crate) fn inaccessible(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorCode::FileInaccessible).detail(format_args!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_written_only_its_owner_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        std::fs::write(&path, "old and longer").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"new").unwrap();
        assert_eq!(read(&path).unwrap(), b"new");
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn what_cannot_be_written_to_its_end_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        write(&path, b"old").unwrap();
        let (kept, link) = (dir.path().join("kept"), dir.path().join("link"));
        std::fs::hard_link(&path, &kept).unwrap();
        std::os::unix::fs::symlink("out", &link).unwrap();
        // Written in place, the other name would have shown the new bytes, or half of them.
        write(&link, b"new").unwrap();
        assert_eq!(read(&kept).unwrap(), b"old");
        assert_eq!(read(&path).unwrap(), b"new");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_file_is_replaced_in_one_step_and_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        for bytes in [&b"first"[..], b"second"] {
            replace(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap(), bytes);
        }
        assert_eq!(std::fs::read_dir(parent(&path)).unwrap().count(), 1);
        assert!(replace(&dir.path().join("a"), b"a directory").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(parent(Path::new("name")), Path::new("."));
    }

    #[test]
    fn an_input_that_is_too_long_is_refused_and_hashed_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(LARGEST_INPUT).unwrap();
        let beginning = read(&path).unwrap();
        assert_eq!(beginning.len() as u64, LARGEST_INPUT);
        assert_eq!(sha256(&path).unwrap(), vault_encoding::sha256(&beginning));
        file.set_len(LARGEST_INPUT + 1).unwrap();
        let error = read(&path).unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge);
        assert!(error.message().contains("long"), "{}", error.message());
        let all = [beginning, vec![0]].concat();
        assert_eq!(sha256(&path).unwrap(), vault_encoding::sha256(&all));
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("/no/such/file")).unwrap_err();
        assert!(error.message().contains("/no/such/file"));
    }
}
