//! A constellation as it is made by hand: key files, fingerprints, and calls of `evault`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const EVAULT: &str = env!("CARGO_BIN_EXE_evault");

/// A folder with everything in it.
pub(crate) struct Desk {
    dir: tempfile::TempDir,
}

/// A vault that ends with this.
#[allow(dead_code, reason = "each test uses a part of it")]
pub(crate) struct Running {
    child: Child,
    pub(crate) endpoint: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[allow(dead_code, reason = "each test uses a part of it")]
impl Desk {
    /// A new one, with the root of the simulated platforms.
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = tee_sim::SimRoot::open_or_create(&dir.path().join("sim")).unwrap();
        std::fs::write(dir.path().join("root.der"), root.root_der()).unwrap();
        // Nobody calls with a token here; any certificate stands for the issuer's.
        let body = STANDARD.encode(root.root_der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        std::fs::write(dir.path().join("issuer.pem"), pem).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    pub(crate) fn evault(&self, arguments: &str) -> Output {
        Command::new(EVAULT)
            .args(arguments.split_whitespace())
            .args(["--output", "json", "--config", "client.toml"])
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The JSON of a call that succeeds.
    pub(crate) fn ok(&self, arguments: &str) -> Value {
        let output = self.evault(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The message of a call that ends with this code.
    pub(crate) fn refused(&self, code: i32, arguments: &str) -> String {
        let output = self.evault(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        let error: Value = serde_json::from_str(&said).unwrap();
        error["error"]["message"].as_str().unwrap().to_owned()
    }

    /// The configuration of vault `name`.
    pub(crate) fn configure(&self, name: &str, id: &str, keys: &[String], more: &str) {
        let text = format!(
            "listen = \"127.0.0.1:0\"\ndata_dir = {data:?}\n{more}\n\
             [attestation]\nroot = \"root.der\"\n\
             [constellation]\nid = {id:?}\ngovernance = {keys:?}\nthreshold = 2\n\
             [[issuers]]\nurl = \"https://127.0.0.1:9\"\naudience = \"vaults\"\n\
             jwks_uri = \"https://127.0.0.1:9/jwks\"\nroots = \"issuer.pem\"\n\
             grants = [\"vault:owner\"]\n[log]\nlevel = \"error\"\n",
            data = format!("data-{name}"),
        );
        self.write(&format!("{name}.toml"), &text);
    }

    pub(crate) fn child(&self, name: &str) -> Command {
        let mut command = Command::new(EVAULT);
        command
            .args(["__vault", "--server-config", &format!("{name}.toml")])
            .args(["--sim", "sim", "--machine", name])
            .current_dir(self.path());
        command
    }

    /// What the vault's operator reads from its console, in a file.
    pub(crate) fn identity(&self, name: &str) -> Value {
        let output = self.child(name).arg("--identity").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        self.write(&format!("{name}.json"), &text);
        serde_json::from_str(&text).unwrap()
    }

    pub(crate) fn start(&self, name: &str) -> Running {
        let mut child = self
            .child(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Running {
            child,
            endpoint: ready["addr"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn keygen(&self, name: &str) -> String {
        let made = self.ok(&format!("constellation keygen --out {name}.pem"));
        made["public_key"].as_str().unwrap().to_owned()
    }

    /// What every client has: where trust starts, and where vaults may be.
    pub(crate) fn client(&self, id: &str, keys: &[String], endpoints: &[(&str, &str)]) {
        let mut text = format!(
            "trust = \"root.der\"\nstate_dir = \"state\"\nmanifest = \"manifest.json\"\n\
             [constellation]\nid = {id:?}\ngovernance = {keys:?}\nthreshold = 2\n"
        );
        for (vault, endpoint) in endpoints {
            let _ = write!(
                text,
                "[[vaults]]\nvault_id = {vault:?}\nendpoint = {endpoint:?}\n"
            );
        }
        self.write("client.toml", &text);
    }
}

/// Two vaults under three keys, two of which must sign; the manifest is signed.
pub(crate) fn founded() -> (Desk, String, Vec<String>, [String; 2]) {
    let desk = Desk::new();
    desk.client("", &[], &[]);
    let id = desk.ok("constellation new-id")["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let keys: Vec<String> = ["one", "two", "three"].map(|name| desk.keygen(name)).into();
    let vaults = ["a", "b"].map(|name| {
        desk.configure(name, &id, &keys, "");
        desk.identity(name)["vault_id"].as_str().unwrap().to_owned()
    });
    let made = desk.ok(&format!(
        "constellation init --member a.json --member b.json --operator ann --operator bob \
         --governance-key one.pem --governance-key two.pem --governance {} --threshold 2 \
         --out manifest.json",
        keys[2]
    ));
    assert_eq!(made["constellation"], id.as_str());
    assert_eq!(made["believed"], true);
    desk.client(&id, &keys, &[]);
    (desk, id, keys, vaults)
}
