//! Files that one command reads: no two may be the same stream, or one would have what the other
//! lacks, without a word.

use crate::context::usage;
use crate::files::{is_dash, is_stream};
use crate::place::Place;
use std::path::Path;
use vault_client::Result;

/// Refuses two names for one stream. To be called before anything is read.
pub(crate) fn distinct<'a>(named: impl IntoIterator<Item = (&'a str, &'a Path)>) -> Result<()> {
    let mut before: Vec<(&str, Place)> = Vec::new();
    let streams = named.into_iter().filter(|(_, path)| is_read_once(path));
    for (flag, path) in streams {
        let place = Place::of_input(path);
        if let Some((other, _)) = before.iter().find(|(_, other)| *other == place) {
            return Err(usage(format_args!(
                "{other} and {flag} both read {}, which can be read once: give one as a file",
                path.display()
            )));
        }
        before.push((flag, place));
    }
    Ok(())
}

fn is_read_once(path: &Path) -> bool {
    is_dash(path) || (is_stream(path) && !Place::of_input(path).is_nowhere())
}
