//! Fingerprints of vaults, as `evaultd identity` prints them, and members made of them.

use crate::context::usage;
use crate::files;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use vault_client::Result;
use vault_encoding::Hash;
use vault_governance::{ConstellationId, Member};
use vault_policy::IdError;

/// One line of JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    vault_id: String,
    platform_id: String,
    measurement: String,
    trust_root: String,
    /// Not pinned: it may change with any start.
    #[serde(rename = "operational_root")]
    _operational_root: String,
    constellation: Option<String>,
}

/// The members of these files, and the one constellation that all of them name. `named` gives the
/// operator of a file without one on the command line.
pub(super) fn members(
    paths: &[PathBuf],
    operators: &[String],
    expected: Option<ConstellationId>,
    named: impl Fn(&Path, &Member) -> String,
) -> Result<(Vec<Member>, Option<ConstellationId>)> {
    if !matches!(operators.len(), 0 | 1) && operators.len() != paths.len() {
        return Err(usage("--operator: once for all, or once for each --member"));
    }
    let mut constellation = expected;
    let mut members = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let (mut member, id) = read(path)?;
        if *constellation.get_or_insert(id) != id {
            let which = path.display();
            return Err(usage(format_args!(
                "{which}: of another constellation, {id}"
            )));
        }
        let operator = operators.get(index).or_else(|| operators.first());
        member.operator = match operator {
            Some(operator) => operator.clone(),
            None => named(path, &member),
        };
        members.push(member);
    }
    Ok((members, constellation))
}

/// The file's name without its ending.
pub(super) fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<(Member, ConstellationId)> {
    let wrong = |what: &dyn std::fmt::Display| usage(format_args!("{}: {what}", path.display()));
    let bytes = files::read(path)?;
    let printed: Printed = serde_json::from_slice(&bytes)
        .map_err(|_| wrong(&"not what `evaultd identity` prints on stdout"))?;
    fn parse<T: FromStr<Err = IdError>>(text: &str) -> std::result::Result<T, IdError> {
        text.parse()
    }
    let constellation = printed
        .constellation
        .ok_or_else(|| wrong(&"the vault's configuration names no constellation"))?;
    let member = Member {
        vault_id: parse(&printed.vault_id).map_err(|error| wrong(&error))?,
        platform_id: parse(&printed.platform_id).map_err(|error| wrong(&error))?,
        measurement: parse(&printed.measurement).map_err(|error| wrong(&error))?,
        trust_root: Hash::from_hex(&printed.trust_root)
            .ok_or_else(|| wrong(&"not a trust root"))?,
        operator: String::new(),
    };
    let constellation = parse(&constellation).map_err(|error| wrong(&error))?;
    Ok((member, constellation))
}
