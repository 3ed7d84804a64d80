//! Which crate may depend on which, and what the deciding crates may not touch.

use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Crate and the internal crates that it may name, from ARCHITECTURE.md.
const MAY_DEPEND: &[(&str, &[&str])] = &[
    ("vault-encoding", &[]),
    ("vault-policy", &["vault-encoding"]),
    ("vault-keys", &["vault-encoding", "vault-policy"]),
    ("vault-audit", &["vault-encoding"]),
    ("vault-shamir", &[]),
    ("vault-governance", &["vault-encoding", "vault-policy"]),
    ("vault-approval", &["vault-encoding", "vault-policy"]),
    (
        "vault-core",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-keys",
            "vault-audit",
            "vault-approval",
        ],
    ),
    ("vault-proto", &["vault-encoding", "vault-policy"]),
    ("ratls", &["vault-encoding", "vault-policy"]),
    ("vault-tee", &[]),
    ("tee-sim", &["vault-tee"]),
    ("vault-store", &[]),
    (
        "vault-server",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-audit",
            "vault-governance",
            "vault-approval",
            "vault-core",
            "vault-proto",
            "ratls",
            "vault-tee",
            "vault-store",
        ],
    ),
    (
        "vault-client",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-proto",
            "vault-audit",
            "vault-shamir",
            "vault-governance",
            "vault-approval",
            "ratls",
        ],
    ),
    (
        "vault-registry",
        &["vault-encoding", "vault-policy", "vault-proto", "ratls"],
    ),
    ("vault-relay", &["vault-encoding"]),
    (
        "vault-cli",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-audit",
            "vault-governance",
            "vault-approval",
            "vault-client",
            "ratls",
            "vault-server",
            "vault-registry",
            "vault-relay",
            "vault-tee",
            "tee-sim",
            "vault-test",
        ],
    ),
    (
        "vault-test",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-keys",
            "vault-audit",
            "vault-core",
            "vault-proto",
            "ratls",
            "vault-tee",
            "tee-sim",
            "vault-store",
            "vault-server",
            "vault-client",
            "vault-shamir",
            "vault-governance",
            "vault-approval",
            "vault-registry",
            "vault-relay",
        ],
    ),
    ("policy-reference", &["vault-encoding", "vault-policy"]),
    (
        "vault-fuzz",
        &[
            "vault-encoding",
            "vault-policy",
            "vault-keys",
            "vault-audit",
            "vault-governance",
            "vault-approval",
            "vault-core",
            "vault-proto",
            "ratls",
            "vault-tee",
            "vault-store",
            "vault-server",
            "vault-client",
            "vault-registry",
            "vault-relay",
        ],
    ),
    ("xtask", &[]),
];

/// The deciding ring: pure.
const DECIDING: &[&str] = &[
    "vault-encoding",
    "vault-policy",
    "vault-keys",
    "vault-audit",
    "vault-shamir",
    "vault-governance",
    "vault-approval",
    "vault-core",
];

/// What the dependency closure of a deciding crate may not hold.
const DENIED: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "rustls",
    "buffa",
    "prost",
    "connectrpc",
    "serde_json",
    "tracing",
    "log",
    "reqwest",
    "time",
    "chrono",
    "tempfile",
];

/// What the sources of a deciding crate may not name outside tests.
const FORBIDDEN: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "static mut",
    "thread_local!",
    "OnceLock",
    "LazyLock",
    "println!",
    "eprintln!",
];

/// What only the named crate may write outside tests.
const ONLY_IN: &[(&str, &str)] = &[
    ("VerifiedEvidence::assertion(", "ratls"),
    ("Caller::of_certificate(", "vault-server"),
];

/// Crates that are for development and tests.
const DEVELOPMENT: &[&str] = &["vault-test", "vault-fuzz", "policy-reference", "xtask"];

pub(crate) fn run(root: &Path) -> Result<()> {
    let json = run::output(&mut run::command(
        root,
        &["cargo", "metadata", "--format-version", "1", "--locked"],
    ))?;
    let graph = Graph::from_metadata(&serde_json::from_slice(&json)?)?;
    let mut violations = graph.violations();
    violations.extend(sources(root)?);
    violations.extend(hardware_links_simulator(root)?);
    for violation in &violations {
        println!("layers: {violation}");
    }
    if !violations.is_empty() {
        bail!("{} violations of the layers", violations.len());
    }
    println!("layers: {} crates, no violation", MAY_DEPEND.len());
    Ok(())
}

/// Normal dependencies by crate name, of the workspace and below.
#[derive(Default)]
struct Graph {
    members: BTreeSet<String>,
    normal: BTreeMap<String, BTreeSet<String>>,
}

impl Graph {
    fn from_metadata(metadata: &Value) -> Result<Self> {
        let mut names = BTreeMap::new();
        for package in list(metadata, "packages")? {
            names.insert(text(package, "id")?, text(package, "name")?);
        }
        let name = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
        let mut graph = Self::default();
        for member in list(metadata, "workspace_members")? {
            graph
                .members
                .insert(name(member.as_str().context("a member is not a text")?));
        }
        let resolve = metadata
            .get("resolve")
            .context("no resolve in cargo metadata")?;
        for node in list(resolve, "nodes")? {
            let of = name(text(node, "id")?);
            for dependency in list(node, "deps")? {
                let normal = list(dependency, "dep_kinds")?
                    .iter()
                    .any(|kind| kind.get("kind").is_none_or(Value::is_null));
                if normal {
                    let on = name(text(dependency, "pkg")?);
                    graph.normal.entry(of.clone()).or_default().insert(on);
                }
            }
        }
        Ok(graph)
    }

    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for member in &self.members {
            let Some((_, allowed)) = MAY_DEPEND.iter().find(|(name, _)| name == member) else {
                found.push(format!("{member} has no place in the layers"));
                continue;
            };
            for on in self.direct(member) {
                if self.members.contains(on) && !allowed.contains(&on.as_str()) {
                    found.push(format!("{member} may not depend on {on}"));
                }
            }
        }
        for deciding in DECIDING {
            for below in self.closure(deciding) {
                if DENIED.contains(&below.as_str()) {
                    found.push(format!("{deciding} decides and may not reach {below}"));
                }
            }
        }
        found
    }

    fn direct(&self, name: &str) -> impl Iterator<Item = &String> {
        self.normal.get(name).into_iter().flatten()
    }

    fn closure(&self, name: &str) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(next) = open.pop() {
            for below in self.direct(&next) {
                if seen.insert(below.clone()) {
                    open.push(below.clone());
                }
            }
        }
        seen
    }
}

/// Reads the sources of every crate for names that do not belong there.
fn sources(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, _) in MAY_DEPEND {
        for path in run::files(&root.join("crates").join(name).join("src"), "rs")? {
            let source = std::fs::read_to_string(&path)?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display();
            for reason in forbidden_names(name, &run::code_without_tests(&path, &source)) {
                found.push(format!("{shown} {reason}"));
            }
        }
    }
    Ok(found)
}

fn forbidden_names(name: &str, source: &str) -> Vec<String> {
    let code: String = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    let mut found = Vec::new();
    if DECIDING.contains(&name) {
        for word in FORBIDDEN.iter().filter(|word| code.contains(*word)) {
            found.push(format!("decides and may not name {word}"));
        }
    }
    for (word, only) in ONLY_IN {
        if code.contains(word) && name != *only && !DEVELOPMENT.contains(&name) {
            found.push(format!("may not call {word}…): only {only} may"));
        }
    }
    found
}

/// `evaultd`, and `evault` without its development feature, do not link the simulator.
fn hardware_links_simulator(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, flags) in [("vault-server", ""), ("vault-cli", "--no-default-features")] {
        let mut line = vec![
            "cargo", "tree", "--locked", "-p", name, "-e", "normal", "--prefix", "none",
        ];
        line.extend(flags.split_whitespace());
        let tree = String::from_utf8(run::output(&mut run::command(root, &line))?)?;
        for below in ["tee-sim", "vault-test"] {
            if tree
                .lines()
                .any(|line| line.split(' ').next() == Some(below))
            {
                found.push(format!("{name} built for hardware links {below}"));
            }
        }
    }
    Ok(found)
}

fn list<'a>(value: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    value
        .get(name)
        .and_then(Value::as_array)
        .with_context(|| format!("no list `{name}`"))
}

fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value
        .get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("no text `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph::default();
        for (of, on) in edges {
            for name in [of, on] {
                if MAY_DEPEND.iter().any(|(known, _)| known == name) {
                    graph.members.insert((*name).to_owned());
                }
            }
            graph
                .normal
                .entry((*of).to_owned())
                .or_default()
                .insert((*on).to_owned());
        }
        graph
    }

    #[test]
    fn finds_an_inner_ring_that_names_an_outer_one() {
        let allowed = graph(&[("vault-core", "vault-policy")]);
        assert_eq!(allowed.violations(), Vec::<String>::new());
        let planted = graph(&[
            ("vault-core", "vault-policy"),
            ("vault-core", "vault-proto"),
        ]);
        assert_eq!(
            planted.violations(),
            ["vault-core may not depend on vault-proto"]
        );
    }

    #[test]
    fn finds_a_denied_crate_deep_below_a_deciding_one() {
        let planted = graph(&[("vault-policy", "helper"), ("helper", "tokio")]);
        assert_eq!(
            planted.violations(),
            ["vault-policy decides and may not reach tokio"]
        );
    }

    #[test]
    fn finds_a_crate_without_a_place() {
        let mut planted = graph(&[]);
        planted.members.insert("vault-utils".into());
        assert_eq!(
            planted.violations(),
            ["vault-utils has no place in the layers"]
        );
    }

    #[test]
    fn finds_a_clock_in_a_deciding_crate_but_not_in_its_tests_or_comments() {
        let planted = "fn now() { std::time::SystemTime::now(); }";
        assert_eq!(forbidden_names("vault-core", planted).len(), 1);
        let allowed = "// SystemTime\nfn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }";
        let code = run::code_without_tests(Path::new("src/a.rs"), allowed);
        assert_eq!(forbidden_names("vault-core", &code), Vec::<String>::new());
        assert_eq!(
            forbidden_names("vault-server", planted),
            Vec::<String>::new()
        );
    }

    #[test]
    fn finds_evidence_that_is_asserted_outside_its_appraisal() {
        let planted = "let e = VerifiedEvidence::assertion(claims);";
        assert_eq!(forbidden_names("vault-server", planted).len(), 1);
        assert_eq!(forbidden_names("ratls", planted), Vec::<String>::new());
    }

    #[test]
    fn finds_a_caller_by_a_certificate_that_no_handshake_has_proved() {
        let planted = "let who = Caller::of_certificate(facts);";
        assert_eq!(forbidden_names("vault-client", planted).len(), 1);
        assert_eq!(
            forbidden_names("vault-server", planted),
            Vec::<String>::new()
        );
    }

    #[test]
    fn reads_cargo_metadata_and_leaves_dev_dependencies_out() {
        let metadata = json!({
            "packages": [{"id": "a#1", "name": "vault-policy"}, {"id": "b#1", "name": "tokio"}],
            "workspace_members": ["a#1"],
            "resolve": {"nodes": [{"id": "a#1", "deps": [
                {"pkg": "b#1", "dep_kinds": [{"kind": "dev"}]}]}]},
        });
        assert_eq!(
            Graph::from_metadata(&metadata).unwrap().violations(),
            Vec::<String>::new()
        );
    }
}
