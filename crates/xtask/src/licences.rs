//! The licence of every dependency, against the list in `deny.toml`. Offline.

use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::path::Path;

pub(crate) fn run(root: &Path) -> Result<()> {
    let deny: toml::Table = std::fs::read_to_string(root.join("deny.toml"))?.parse()?;
    let rules = Rules::from_toml(&deny)?;
    let json = run::output(&mut run::command(
        root,
        &["cargo", "metadata", "--format-version", "1", "--locked"],
    ))?;
    let metadata: Value = serde_json::from_slice(&json)?;
    let packages = metadata
        .get("packages")
        .and_then(Value::as_array)
        .context("no packages")?;
    let mut refused = 0;
    for package in packages {
        let name = package
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let licence = package
            .get("license")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if let Some(reason) = rules.refuse(name, licence) {
            refused += 1;
            println!("licences: {name}: {reason}");
        }
    }
    if refused > 0 {
        bail!("{refused} dependencies are refused by deny.toml");
    }
    println!("licences: {} packages, all allowed", packages.len());
    Ok(())
}

struct Rules {
    allow: Vec<String>,
    exceptions: Vec<(String, Vec<String>)>,
    banned: Vec<String>,
}

impl Rules {
    fn from_toml(deny: &toml::Table) -> Result<Self> {
        let licences = deny
            .get("licenses")
            .context("deny.toml has no [licenses]")?;
        let texts = |value: Option<&toml::Value>| -> Vec<String> {
            let items = value.and_then(toml::Value::as_array).into_iter().flatten();
            items
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect()
        };
        let tables = |table: Option<&toml::Value>| -> Vec<toml::Value> {
            table
                .and_then(toml::Value::as_array)
                .cloned()
                .unwrap_or_default()
        };
        let name = |table: &toml::Value| -> Option<String> {
            let name = table.get("crate").or_else(|| table.get("name"))?;
            name.as_str().map(str::to_owned)
        };
        Ok(Self {
            allow: texts(licences.get("allow")),
            exceptions: tables(licences.get("exceptions"))
                .iter()
                .filter_map(|table| Some((name(table)?, texts(table.get("allow")))))
                .collect(),
            banned: tables(deny.get("bans").and_then(|bans| bans.get("deny")))
                .iter()
                .filter_map(name)
                .collect(),
        })
    }

    fn refuse(&self, name: &str, licence: &str) -> Option<String> {
        if self.banned.iter().any(|banned| banned == name) {
            return Some("is banned".into());
        }
        let licence = licence.replace('/', " OR ");
        let Ok(expression) = spdx::Expression::parse(&licence) else {
            return Some(format!("licence `{licence}` is no SPDX expression"));
        };
        let excepted = self.exceptions.iter().filter(|(of, _)| of == name);
        let more: Vec<&String> = excepted.flat_map(|(_, allow)| allow).collect();
        let allowed = expression.evaluate(|requirement| {
            let wanted = requirement.to_string();
            self.allow
                .iter()
                .chain(more.iter().copied())
                .any(|known| *known == wanted)
        });
        (!allowed).then(|| format!("licence `{licence}` is not allowed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let text = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\"]\n\
                    exceptions = [{ crate = \"b\", allow = [\"ISC\"] }]\n\
                    [bans]\ndeny = [{ crate = \"openssl-sys\" }]\n";
        Rules::from_toml(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn finds_a_planted_licence_and_a_banned_crate() {
        assert_eq!(rules().refuse("a", "MIT"), None);
        assert_eq!(rules().refuse("a", "GPL-3.0-only OR MIT"), None);
        assert_eq!(rules().refuse("a", "MIT/Apache-2.0"), None);
        assert!(rules().refuse("a", "MIT AND GPL-3.0-only").is_some());
        assert!(rules().refuse("a", "").is_some());
        assert!(rules().refuse("a", "ISC").is_some());
        assert_eq!(rules().refuse("b", "ISC"), None);
        assert!(rules().refuse("openssl-sys", "MIT").is_some());
    }
}
