//! Drills over the folders of vaults: hosts that copy them and put copies back, and people who each
//! have a memory of their own.

use crate::support::{EVAULT, Ended, signal};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a vault may take until it says where it listens.
const LONGEST_START: Duration = Duration::from_secs(120);

/// `cp -a`, as a person does it.
pub(crate) fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(copied.unwrap().success(), "{}", from.display());
}

/// `rm -rf` and `cp -a`.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) fn put_back(copied: &Path, folder: &Path) {
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    copy(copied, folder);
}

/// One vault of a `dev`, as a process that this test starts and stops.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) struct Vault {
    child: Child,
    pub(crate) id: String,
    pub(crate) endpoint: String,
    /// Why it is locked, if it is.
    pub(crate) locked: Option<String>,
}

#[allow(dead_code, reason = "each test uses a part of it")]
impl Vault {
    /// Over the configuration in this folder, on the simulated machine of vault `number`.
    pub(crate) fn start(home: &Path, folder: &Path, number: u8) -> Self {
        Self::try_start(home, folder, number).expect("the vault is ready")
    }

    /// None if it ended before it was ready.
    pub(crate) fn try_start(home: &Path, folder: &Path, number: u8) -> Option<Self> {
        let mut child = Command::new(EVAULT)
            .args(["__vault", "--machine", &format!("vault-{number}")])
            .arg("--server-config")
            .arg(folder.join("vault.toml"))
            .arg("--sim")
            .arg(home.join("D/sim"))
            // It ends when this is closed.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let (said, ready) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            let _ = BufReader::new(stdout).read_line(&mut line);
            said.send(line)
        });
        let line = ready.recv_timeout(LONGEST_START);
        if line.is_err() {
            let _ = child.kill();
        }
        let line = line.expect("the vault said something in time");
        let Ok(ready) = serde_json::from_str::<Value>(&line) else {
            let status = child.wait().unwrap();
            assert!(status.code().is_some(), "no signal ended it: {status}");
            return None;
        };
        let text = |name: &str| ready[name].as_str().map(str::to_owned);
        Some(Self {
            id: text("vault_id").unwrap(),
            endpoint: text("addr").unwrap(),
            locked: text("locked"),
            child,
        })
    }

    /// As a person names it: its id, and where it is.
    pub(crate) fn place(&self) -> (String, String) {
        (self.id.clone(), self.endpoint.clone())
    }

    /// A copy of its folder as the disk is at this moment.
    pub(crate) fn snapshot(&self, folder: &Path, to: &Path) {
        signal(self.child.id(), "STOP");
        copy(folder, to);
        signal(self.child.id(), "CONT");
    }

    /// Ends in order.
    pub(crate) fn stop(mut self) {
        signal(self.child.id(), "TERM");
        crate::support::ended(&mut self.child);
    }
}

impl Drop for Vault {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Somebody who calls `evault` on a machine of their own: what they have seen nobody else has.
pub(crate) struct Person {
    home: PathBuf,
    name: &'static str,
    profile: &'static str,
}

#[allow(dead_code, reason = "each test uses a part of it")]
impl Person {
    pub(crate) fn new(home: &Path, name: &'static str, profile: &'static str) -> Self {
        let home = home.to_owned();
        Self {
            home,
            name,
            profile,
        }
    }

    pub(crate) fn memory(&self) -> PathBuf {
        self.home.join("memories").join(self.name)
    }

    /// Forgets everything.
    pub(crate) fn forget(&self) {
        if self.memory().exists() {
            std::fs::remove_dir_all(self.memory()).unwrap();
        }
    }

    /// Finds vaults where the registry of `dev` says, or only in these places.
    pub(crate) fn finds(&self, places: Option<&[(String, String)]>) {
        let config = std::fs::read_to_string(self.home.join("D/config.toml")).unwrap();
        let mut table: toml::Table = toml::from_str(&config).unwrap();
        let memory = self.memory().display().to_string();
        table.insert("state_dir".into(), memory.into());
        table.insert("profile".into(), self.profile.into());
        if let Some(places) = places {
            let vault = |(id, endpoint): &(String, String)| {
                let entry = [("vault_id", id), ("endpoint", endpoint)];
                let entry = entry.map(|(name, value)| (name.to_owned(), value.clone().into()));
                toml::Value::Table(toml::Table::from_iter(entry))
            };
            let vaults = places.iter().map(vault).collect();
            table.insert("vaults".into(), toml::Value::Array(vaults));
            table.insert("registries".into(), toml::Value::Array(Vec::new()));
        }
        std::fs::write(self.config(), table.to_string()).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.home.join(format!("{}.toml", self.name))
    }

    /// A call, for people.
    pub(crate) fn call(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(EVAULT)
            .args(arguments)
            .current_dir(&self.home)
            .env("EVAULT_CONFIG", self.config())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended::of(&output)
    }

    /// A call, for scripts.
    pub(crate) fn script(&self, arguments: &[&str]) -> Ended {
        self.call(&[arguments, &["--output", "json"]].concat())
    }

    /// The JSON of a call that must succeed.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        let ended = self.script(arguments);
        let name = self.name;
        assert_eq!(ended.code, 0, "{name}: {arguments:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The error object of a call that must end with this code.
    pub(crate) fn error(&self, code: i32, arguments: &[&str]) -> Value {
        let ended = self.script(arguments);
        let (name, said) = (self.name, (&ended.stdout, &ended.stderr));
        assert_eq!(ended.code, code, "{name}: {arguments:?}: {said:?}");
        let value: Value = serde_json::from_str(&ended.stderr).unwrap();
        value["error"].clone()
    }

    /// The error of a call that is told of a rollback or a fork: both heads are named, and kept.
    pub(crate) fn told(&self, arguments: &[&str]) -> Value {
        let error = self.error(6, arguments);
        let code = error["code"].as_str().unwrap();
        let codes = ["rollback_detected", "fork_detected"];
        assert!(codes.contains(&code), "{}: {error}", self.name);
        let (seen, answered) = (&error["seen"], &error["answered"]);
        assert_ne!(seen["root"], answered["root"], "{}: {error}", self.name);
        let message = error["message"].as_str().unwrap();
        for head in [seen, answered] {
            let (size, root) = (head["size"].as_u64().unwrap(), head["root"].as_str());
            let named = format!("{size}@{}", root.unwrap());
            assert!(message.contains(&named), "{}: {message}", self.name);
        }
        let kept = std::fs::read(error["evidence"].as_str().unwrap()).unwrap();
        let kept: Value = serde_json::from_slice(&kept).unwrap();
        assert!(kept["format"].as_str().unwrap().ends_with("/v2"));
        error
    }

    /// The same for people: what is on stderr.
    pub(crate) fn is_told(&self, arguments: &[&str]) -> String {
        let ended = self.call(arguments);
        let (name, said) = (self.name, (&ended.stdout, &ended.stderr));
        assert_eq!(ended.code, 6, "{name}: {arguments:?}: {said:?}");
        for part in ["; seen ", ", answered ", "evidence kept in ", "next: "] {
            assert!(ended.stderr.contains(part), "{name}: {part}: {said:?}");
        }
        ended.stderr
    }
}
