//! A running `dev`, and calls of `evault` as a person makes them.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// How long what was told to end may take for it.
const LONGEST_END: Duration = Duration::from_secs(60);

pub(crate) const EVAULT: &str = env!("CARGO_BIN_EXE_evault");

/// `evault dev` over a directory of its own.
pub(crate) struct Dev {
    child: Child,
    home: PathBuf,
    _scratch: Option<tempfile::TempDir>,
}

/// What a call ended with.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

#[allow(dead_code, reason = "each test uses a part of it")]
impl Dev {
    pub(crate) fn start() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().to_owned();
        let mut dev = Self::over(&home);
        dev._scratch = Some(scratch);
        dev
    }

    /// The one of all tests that run at the same time: their keys have different names.
    pub(crate) fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Dev>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let dev = Arc::new(Self::start());
            *shared = Arc::downgrade(&dev);
            dev
        })
    }

    /// Over `home/D`, which outlives it.
    pub(crate) fn over(home: &Path) -> Self {
        Self::over_with(home, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn over_with(home: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(EVAULT)
            .args(["dev", "--dir"])
            .arg(home.join("D"))
            .args(["--quiet", "--output", "json"])
            .args(arguments)
            .env_remove("EVAULT_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).expect("dev became ready");
        assert_eq!(ready["simulated"], true);
        Self {
            child,
            home: home.to_owned(),
            _scratch: None,
        }
    }

    /// What `dev status` says of one of its children.
    pub(crate) fn child(&self, name: &str) -> Value {
        let status = self.json(&["dev", "status", "--dir", "D"]);
        let children = status["children"].as_array().unwrap();
        let child = children.iter().find(|child| child["name"] == name);
        child
            .unwrap_or_else(|| panic!("no {name}: {status}"))
            .clone()
    }

    /// The id of vault `number`, counted from 1.
    pub(crate) fn vault_id(&self, number: u8) -> String {
        let vault = self.child(&format!("vault {number}"));
        vault["vault_id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Ends in order, and waits for it.
    pub(crate) fn stop(mut self) {
        signal(self.child.id(), "TERM");
        assert!(ended(&mut self.child).success());
    }

    /// Ends as the signal says; answers how it ended.
    pub(crate) fn end_by(mut self, name: &str) -> ExitStatus {
        signal(self.child.id(), name);
        ended(&mut self.child)
    }

    /// `evault` with the configuration of this `dev`, in its home.
    pub(crate) fn evault(&self, arguments: &[&str]) -> Ended {
        let output = Command::new(EVAULT)
            .args(arguments)
            .current_dir(&self.home)
            .env("EVAULT_CONFIG", self.home.join("D/config.toml"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ended::of(&output)
    }

    /// The JSON of a call that must succeed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let ended = self.json_call(arguments);
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.stderr);
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// The error object of a call that must end with this exit code.
    pub(crate) fn error(&self, code: i32, arguments: &[&str]) -> Value {
        let ended = self.json_call(arguments);
        assert_eq!(
            ended.code, code,
            "{arguments:?}: {}{}",
            ended.stdout, ended.stderr
        );
        let value: Value = serde_json::from_str(&ended.stderr).unwrap();
        value["error"].clone()
    }

    pub(crate) fn json_call(&self, arguments: &[&str]) -> Ended {
        self.evault(&[arguments, &["--output", "json"]].concat())
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.home.join(name), bytes).unwrap();
    }

    /// Runs a script of `tests/scripts` in a directory of its own, as a person would after
    /// `. D/env`.
    pub(crate) fn script(&self, name: &str) {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scripts");
        let own = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(self.home.join("D"), own.path().join("D")).unwrap();
        let output = Command::new("sh")
            .arg("-eu")
            .arg(scripts.join(name))
            .current_dir(own.path())
            .env("SCRIPTS", &scripts)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let ended = Ended::of(&output);
        assert_eq!(ended.code, 0, "{name}\n{}\n{}", ended.stdout, ended.stderr);
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            signal(self.child.id(), "TERM");
            ended(&mut self.child);
        }
    }
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Waits for the end of what was told to end. What does not is killed, and the test fails.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + LONGEST_END;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let status = child.wait().unwrap();
            assert!(std::thread::panicking(), "it did not end, it was killed");
            return status;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn signal(pid: u32, name: &str) {
    let script = format!("kill -{name} {pid}");
    assert!(
        Command::new("sh")
            .args(["-c", &script])
            .status()
            .unwrap()
            .success(),
        "{script}"
    );
}

/// Processes whose command line names this path.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) fn processes_naming(path: &Path) -> Vec<(u32, String)> {
    let needle = path.display().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&needle).then_some((pid, line))
        })
        .collect()
}

/// Waits for a condition, and fails with its last complaint.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) fn until<T: std::fmt::Debug>(what: &str, mut met: impl FnMut() -> Result<(), T>) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match met() {
            Ok(()) => return,
            Err(complaint) if Instant::now() > deadline => panic!("{what}: {complaint:?}"),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
