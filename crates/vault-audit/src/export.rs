//! The export file: one canonical JSON object a line, so that any language reads it.
//!
//! ```text
//! {"format":"enclave-vaults/log-export/v1"}
//! {"leaf":"<base64 of the leaf>"}            in order, from index 0
//! {"checkpoint":"<base64 of the note>"}      in order, behind the leaves
//! ```

use base64::{Engine, engine::general_purpose::STANDARD};
use vault_encoding::{Canonical, Limits};

const FORMAT: &str = "enclave-vaults/log-export/v1";
const LIMITS: Limits = Limits {
    bytes: 2 << 20,
    depth: 2,
    nodes: 4,
};

/// A whole log with checkpoints over it. Unverified.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Export {
    /// All leaves, from index 0.
    pub leaves: Vec<Vec<u8>>,
    /// Signed checkpoints, in the order in which the log grew.
    pub checkpoints: Vec<Vec<u8>>,
}

/// Why a file is not an export; lines count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExportFormatError {
    /// The first line does not name the format.
    #[error("the first line is not that of a log export")]
    UnknownFormat,
    /// A line that is neither a leaf nor a checkpoint.
    #[error("line {0} is malformed")]
    Line(usize),
    /// A leaf behind a checkpoint.
    #[error("line {0}: leaves stand before checkpoints")]
    LeafBehindCheckpoint(usize),
    /// The file does not end in a newline.
    #[error("the last line is cut")]
    Cut,
}

impl Export {
    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = ExportReader::first_line();
        for leaf in &self.leaves {
            out.extend(line("leaf", &STANDARD.encode(leaf)));
        }
        for checkpoint in &self.checkpoints {
            out.extend(line("checkpoint", &STANDARD.encode(checkpoint)));
        }
        out
    }

    /// Reads a file; refuses every other spelling of the same export.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ExportFormatError> {
        let mut export = Self::default();
        let mut reader = ExportReader::new();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            match reader.line(line)? {
                None => {}
                Some(ExportLine::Leaf(leaf)) => export.leaves.push(leaf),
                Some(ExportLine::Checkpoint(note)) => export.checkpoints.push(note),
            }
        }
        reader.finish()?;
        Ok(export)
    }
}

/// What a line behind the first one holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportLine {
    /// The next leaf.
    Leaf(Vec<u8>),
    /// The next checkpoint.
    Checkpoint(Vec<u8>),
}

impl ExportLine {
    /// The line, with its newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Leaf(leaf) => line("leaf", &STANDARD.encode(leaf)),
            Self::Checkpoint(note) => line("checkpoint", &STANDARD.encode(note)),
        }
    }
}

/// Reads an export line by line, whatever its length.
#[derive(Clone, Debug, Default)]
pub struct ExportReader {
    lines: usize,
    behind_leaves: bool,
}

impl ExportReader {
    /// Longest line that can be of use.
    pub const MAX_LINE_BYTES: usize = LIMITS.bytes + 1;

    /// Before the first line.
    pub fn new() -> Self {
        Self::default()
    }

    /// The line that every export begins with.
    pub fn first_line() -> Vec<u8> {
        line("format", FORMAT)
    }

    /// Takes the next line, with its newline; the first one holds nothing.
    pub fn line(&mut self, bytes: &[u8]) -> Result<Option<ExportLine>, ExportFormatError> {
        self.lines += 1;
        if self.lines == 1 {
            return match bytes == Self::first_line() {
                true => Ok(None),
                false => Err(ExportFormatError::UnknownFormat),
            };
        }
        let body = bytes.strip_suffix(b"\n").ok_or(ExportFormatError::Cut)?;
        let line = parse_line(body).ok_or(ExportFormatError::Line(self.lines))?;
        match line {
            ExportLine::Leaf(_) if self.behind_leaves => {
                Err(ExportFormatError::LeafBehindCheckpoint(self.lines))
            }
            ExportLine::Leaf(_) => Ok(Some(line)),
            ExportLine::Checkpoint(_) => {
                self.behind_leaves = true;
                Ok(Some(line))
            }
        }
    }

    /// Behind the last line.
    pub fn finish(&self) -> Result<(), ExportFormatError> {
        match self.lines {
            0 => Err(ExportFormatError::UnknownFormat),
            _ => Ok(()),
        }
    }
}

fn line(name: &str, value: &str) -> Vec<u8> {
    let mut out = Canonical::map([(name, Canonical::text(value))]).to_bytes();
    out.push(b'\n');
    out
}

fn parse_line(line: &[u8]) -> Option<ExportLine> {
    let Canonical::Map(members) = Canonical::from_bytes(line, LIMITS).ok()? else {
        return None;
    };
    let mut members = members.into_iter();
    let (name, value) = members.next()?;
    if members.next().is_some() {
        return None;
    }
    let bytes = STANDARD.decode(value.as_text()?).ok()?;
    match name.as_str() {
        "leaf" => Some(ExportLine::Leaf(bytes)),
        "checkpoint" => Some(ExportLine::Checkpoint(bytes)),
        _ => None,
    }
}
