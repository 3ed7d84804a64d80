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
        let mut out = line("format", FORMAT);
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
        let Some(body) = bytes.strip_prefix(line("format", FORMAT).as_slice()) else {
            return Err(ExportFormatError::UnknownFormat);
        };
        let mut export = Self::default();
        let Some(body) = body.strip_suffix(b"\n") else {
            return if body.is_empty() {
                Ok(export)
            } else {
                Err(ExportFormatError::Cut)
            };
        };
        for (at, line) in body.split(|&byte| byte == b'\n').enumerate() {
            export.push(line, at + 2)?;
        }
        Ok(export)
    }

    fn push(&mut self, line: &[u8], number: usize) -> Result<(), ExportFormatError> {
        match parse_line(line).ok_or(ExportFormatError::Line(number))? {
            Line::Leaf(_) if !self.checkpoints.is_empty() => {
                return Err(ExportFormatError::LeafBehindCheckpoint(number));
            }
            Line::Leaf(leaf) => self.leaves.push(leaf),
            Line::Checkpoint(note) => self.checkpoints.push(note),
        }
        Ok(())
    }
}

enum Line {
    Leaf(Vec<u8>),
    Checkpoint(Vec<u8>),
}

fn line(name: &str, value: &str) -> Vec<u8> {
    let mut out = Canonical::map([(name, Canonical::text(value))]).to_bytes();
    out.push(b'\n');
    out
}

fn parse_line(line: &[u8]) -> Option<Line> {
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
        "leaf" => Some(Line::Leaf(bytes)),
        "checkpoint" => Some(Line::Checkpoint(bytes)),
        _ => None,
    }
}
