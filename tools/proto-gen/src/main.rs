//! Writes `crates/vault-proto/src/gen` from `proto/`. Run it from anywhere:
//! `cargo run --manifest-path tools/proto-gen/Cargo.toml`.

use anyhow::{Context, Result};
use prost::Message;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let proto = root.join("proto");
    let out = root.join("crates/vault-proto/src/gen");
    let files = sources(&proto)?;
    fs::create_dir_all(&out)?;
    let set = compile(&proto, &files)?;
    let descriptor = std::env::temp_dir().join(format!("proto-gen-{}.fds", std::process::id()));
    fs::write(&descriptor, set)?;
    let done = connectrpc_build::Config::new()
        .descriptor_set(&descriptor)
        .files(&files)
        .generate_json(false)
        .emit_rerun_directives(false)
        .out_dir(&out)
        .include_file("mod.rs")
        .compile();
    fs::remove_file(&descriptor)?;
    done?;
    fs::write(out.join("SOURCES.sha256"), digests(&proto, &files)?)?;
    Ok(())
}

/// Names of the sources relative to `proto/`, sorted.
fn sources(proto: &Path) -> Result<Vec<PathBuf>> {
    let package = Path::new("enclavevaults/v1");
    let mut files = Vec::new();
    for entry in fs::read_dir(proto.join(package))? {
        files.push(package.join(entry?.file_name()));
    }
    files.sort();
    Ok(files)
}

fn compile(proto: &Path, files: &[PathBuf]) -> Result<Vec<u8>> {
    let mut compiler = protox::Compiler::new([proto])?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(files.iter().map(|file| proto.join(file)))?;
    Ok(compiler.file_descriptor_set().encode_to_vec())
}

/// One line a source: SHA-256 and name, as `sha256sum` writes them.
fn digests(proto: &Path, files: &[PathBuf]) -> Result<String> {
    let mut lines = String::new();
    for file in files {
        let text = fs::read(proto.join(file)).with_context(|| file.display().to_string())?;
        for byte in Sha256::digest(text) {
            write!(lines, "{byte:02x}")?;
        }
        writeln!(lines, "  {}", file.display())?;
    }
    Ok(lines)
}
