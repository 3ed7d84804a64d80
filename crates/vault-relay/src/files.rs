//! The wallet's static files: built into the program, or from a folder. Known by name; a path is
//! never opened because somebody asked for it.

use bytes::Bytes;
use std::collections::BTreeMap;
use std::io::{Error, Result};
use std::path::Path;

/// Path, media type, and the file that is built in.
const FILES: &[(&str, &str, &[u8])] = &[
    (
        "index.html",
        "text/html; charset=utf-8",
        include_bytes!("../../../wallet/dist/index.html"),
    ),
    (
        "app.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../../wallet/dist/app.js"),
    ),
    (
        "sw.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../../wallet/dist/sw.js"),
    ),
    (
        "style.css",
        "text/css; charset=utf-8",
        include_bytes!("../../../wallet/dist/style.css"),
    ),
    (
        "manifest.webmanifest",
        "application/manifest+json",
        include_bytes!("../../../wallet/dist/manifest.webmanifest"),
    ),
    (
        "icon.svg",
        "image/svg+xml",
        include_bytes!("../../../wallet/dist/icon.svg"),
    ),
    (
        "icon-192.png",
        "image/png",
        include_bytes!("../../../wallet/dist/icon-192.png"),
    ),
    (
        "icon-512.png",
        "image/png",
        include_bytes!("../../../wallet/dist/icon-512.png"),
    ),
];

/// One file, ready to be sent.
#[derive(Clone)]
pub(crate) struct File {
    pub(crate) media: &'static str,
    pub(crate) bytes: Bytes,
}

/// All files, by path.
pub(crate) struct Files(BTreeMap<&'static str, File>);

impl Files {
    /// Those built in, or every one of them from a folder.
    pub(crate) fn load(folder: Option<&Path>) -> Result<Self> {
        let read = |name: &'static str, media, built: &'static [u8]| {
            let bytes = match folder {
                None => Bytes::from_static(built),
                Some(folder) => {
                    let path = folder.join(name);
                    let named = |error: Error| {
                        Error::new(error.kind(), format!("{}: {error}", path.display()))
                    };
                    std::fs::read(&path).map_err(named)?.into()
                }
            };
            Ok((name, File { media, bytes }))
        };
        let files = FILES
            .iter()
            .map(|(name, media, built)| read(name, media, built));
        files.collect::<Result<_>>().map(Self)
    }

    /// `/` is the page.
    pub(crate) fn at(&self, path: &str) -> Option<File> {
        let name = match path {
            "/" => "index.html",
            other => other.strip_prefix('/')?,
        };
        self.0.get(name).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_name_and_nothing_else_is_there() {
        let files = Files::load(None).unwrap();
        let page = files.at("/").unwrap();
        assert_eq!(page.bytes, files.at("/index.html").unwrap().bytes);
        for (name, _, built) in FILES {
            assert_eq!(files.at(&format!("/{name}")).unwrap().bytes, *built);
        }
        for path in [
            "",
            "index.html",
            "//index.html",
            "/../index.html",
            "/Index.html",
            "/x",
        ] {
            assert!(files.at(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_folder_has_every_file_or_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for (name, _, _) in FILES {
            let refused = Files::load(Some(folder.path())).err().unwrap();
            assert!(refused.to_string().contains(name), "{refused}");
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let files = Files::load(Some(folder.path())).unwrap();
        assert_eq!(files.at("/sw.js").unwrap().bytes, "sw.js");
    }
}
