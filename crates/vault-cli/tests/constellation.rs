//! A constellation as its operators make and change it: with `evault`, key files, and vaults that
//! are started by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const EVAULT: &str = env!("CARGO_BIN_EXE_evault");

/// A folder with everything in it.
struct Desk {
    dir: tempfile::TempDir,
}

/// A vault that ends with this.
struct Running {
    child: Child,
    endpoint: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Desk {
    /// A new one, with the root of the simulated platforms.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = tee_sim::SimRoot::open_or_create(&dir.path().join("sim")).unwrap();
        std::fs::write(dir.path().join("root.der"), root.root_der()).unwrap();
        // Nobody calls with a token here; any certificate stands for the issuer's.
        let body = STANDARD.encode(root.root_der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
        std::fs::write(dir.path().join("issuer.pem"), pem).unwrap();
        Self { dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn evault(&self, arguments: &str) -> Output {
        Command::new(EVAULT)
            .args(arguments.split_whitespace())
            .args(["--output", "json", "--config", "client.toml"])
            .current_dir(self.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The JSON of a call that succeeds.
    fn ok(&self, arguments: &str) -> Value {
        let output = self.evault(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The message of a call that ends with this code.
    fn refused(&self, code: i32, arguments: &str) -> String {
        let output = self.evault(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        let error: Value = serde_json::from_str(&said).unwrap();
        error["error"]["message"].as_str().unwrap().to_owned()
    }

    /// The configuration of vault `name`.
    fn configure(&self, name: &str, id: &str, keys: &[String], more: &str) {
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

    fn child(&self, name: &str) -> Command {
        let mut command = Command::new(EVAULT);
        command
            .args(["__vault", "--server-config", &format!("{name}.toml")])
            .args(["--sim", "sim", "--machine", name])
            .current_dir(self.path());
        command
    }

    /// What the vault's operator reads from its console, in a file.
    fn identity(&self, name: &str) -> Value {
        let output = self.child(name).arg("--identity").output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        self.write(&format!("{name}.json"), &text);
        serde_json::from_str(&text).unwrap()
    }

    fn start(&self, name: &str) -> Running {
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

    fn keygen(&self, name: &str) -> String {
        let made = self.ok(&format!("constellation keygen --out {name}.pem"));
        made["public_key"].as_str().unwrap().to_owned()
    }

    /// What every client has: where trust starts, and where vaults may be.
    fn client(&self, id: &str, keys: &[String], endpoints: &[(&str, &str)]) {
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
fn founded() -> (Desk, String, Vec<String>, [String; 2]) {
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

#[test]
fn a_manifest_is_made_shown_and_changed_by_those_who_hold_the_keys() {
    let (desk, id, keys, [first, second]) = founded();
    let shown = desk.ok("constellation show");
    assert_eq!(shown["version"], 1);
    assert_eq!(shown["governance"]["threshold"], 2);
    let mut operators: Vec<_> = shown["members"].as_array().unwrap().iter().collect();
    operators.sort_by_key(|member| member["operator"].as_str());
    assert_eq!(operators[0]["vault_id"], first.as_str());
    assert_eq!(operators[1]["operator"], "bob");

    // One key is not enough, and says so; the other one comes later.
    let update = format!(
        "constellation update --remove {} --governance-key one.pem",
        &second[..8]
    );
    assert_eq!(
        desk.ok(&format!("{update} --out next.json"))["believed"],
        false
    );
    let why = desk.refused(6, "constellation show --manifest next.json");
    assert!(why.contains("1 of 2"), "{why}");
    let sign = "constellation sign --manifest next.json --governance-key three.pem";
    assert_eq!(desk.ok(sign)["believed"], true);
    let shown = desk.ok("constellation show --manifest next.json");
    assert_eq!(shown["version"], 2);
    assert_eq!(shown["members"].as_array().unwrap().len(), 1);
    // The old one is refused from now on.
    let why = desk.refused(6, "constellation show");
    assert!(why.contains("version 2 was seen"), "{why}");

    // Nobody else signs: another key, a changed byte, another anchor.
    desk.keygen("stranger");
    let stranger = "constellation update --manifest next.json --governance-key stranger.pem \
                    --governance-key one.pem --threshold 1 --out other.json";
    assert!(desk.refused(6, stranger).contains("not a governance key"));
    let text = std::fs::read_to_string(desk.path().join("next.json")).unwrap();
    desk.write("changed.json", &text.replace("ann", "eve"));
    let why = desk.refused(6, "constellation show --manifest changed.json");
    assert!(why.contains("does not verify"), "{why}");
    let mut others = keys.clone();
    others[0] = "11".repeat(32);
    desk.client(&id, &others, &[]);
    desk.refused(6, "constellation show --manifest next.json");
}

#[test]
fn what_is_there_is_not_overwritten_and_keys_of_openssl_sign() {
    let (desk, ..) = founded();
    desk.refused(2, "constellation keygen --out one.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "ed25519", "-out", "theirs.pem"])
        .current_dir(desk.path())
        .status()
        .unwrap();
    assert!(made.success());
    let init = "constellation init --member a.json --governance-key theirs.pem";
    desk.refused(2, &format!("{init} --out manifest.json"));
    let made = desk.ok(&format!("{init} --out alone.json"));
    assert_eq!(made["governance"]["threshold"], 1);
    assert_eq!(made["members"][0]["operator"], "a");
    desk.refused(
        2,
        &format!("{init} --id {} --out other.json", "22".repeat(32)),
    );
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(desk.path().join("one.pem")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_vault_with_another_configuration_is_refused_until_governance_has_let_it_in() {
    let (desk, id, keys, [vault, _]) = founded();
    let running = desk.start("a");
    desk.client(&id, &keys, &[(&vault, &running.endpoint)]);
    let inspect = format!("vault inspect {vault} --verify-config");
    let before = desk.ok(&inspect);
    assert_eq!(before["config_verified"], true);
    desk.write("before.json", &before.to_string());
    drop(running);

    // The host alone.
    desk.configure("a", &id, &keys, "time.skew = 31");
    let running = desk.start("a");
    desk.client(&id, &keys, &[(&vault, &running.endpoint)]);
    let why = desk.refused(6, &inspect);
    assert!(why.contains("trust configuration"), "{why}");

    let change = format!("constellation reconfigure --vault {}", &vault[..10]);
    desk.refused(2, &format!("{change} --governance-key one.pem"));
    let planned = desk.ok(&format!("{change} --before before.json --dry-run"));
    let changes = planned["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0]["path"], "time.skew");
    assert_eq!(changes[0]["old"], "\"30\"");
    assert_eq!(changes[0]["new"], "\"31\"");
    assert!(planned["index"].is_null() && planned["locked"].is_string());
    let why = desk.refused(3, &format!("{change} --governance-key one.pem --yes"));
    assert!(why.contains("1 of 2"), "{why}");
    let done = desk.ok(&format!(
        "{change} --governance-key one.pem --governance-key three.pem --yes"
    ));
    assert!(done["index"].is_u64() && done["locked"].is_null());
    assert_eq!(done["new_trust_root"], planned["new_trust_root"]);

    // Clients believe it with the next manifest, and not before.
    desk.refused(6, &inspect);
    desk.identity("a");
    desk.ok(
        "constellation update --member a.json --governance-key one.pem --governance-key two.pem",
    );
    let after = desk.ok(&inspect);
    assert_eq!(after["config_root"], planned["new_trust_root"]);
    let shown = desk.ok("constellation show");
    let mut members = shown["members"].as_array().unwrap().iter();
    let member = members
        .find(|member| member["vault_id"] == vault.as_str())
        .unwrap();
    assert_eq!(member["operator"], "ann");
    let again = desk.refused(2, &format!("{change} --governance-key one.pem --yes"));
    assert!(again.contains("already"), "{again}");
}
