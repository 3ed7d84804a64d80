//! A vault of a constellation of one, with every setting of its configuration written out, and the
//! people who hold its governance keys.

use std::path::{Path, PathBuf};
use toml::{Table, Value};
use vault_client::{
    Client, ClientConfig, Constellation, ConstellationConfig, CreateKey, HeadStore, Input, KeyName,
    Reconfigured, ServedConfig, VaultPins,
};
use vault_encoding::Hash;
use vault_governance::{
    Anchor, ConstellationId, GovernanceSignature, Manifest, ManifestChain, Member, Quorum,
    Reconfiguration, SignedManifest, SigningKey,
};
use vault_policy::{KeyType, OidcSubject, PlatformId, TemplateArgs, VaultId, template};
use vault_test::issuer::{self, Issuer, IssuerConfig};
use vault_test::process::{Ready, VaultProcess};

pub(crate) const CONSTELLATION: ConstellationId = ConstellationId(Hash([0x11; 32]));

/// The person with this number.
pub(crate) fn governor(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32].into()).unwrap()
}

/// Two of the first three.
pub(crate) fn quorum() -> Quorum {
    let keys = [1, 2, 3].map(|number| governor(number).public());
    Quorum::new(keys.to_vec(), 2).unwrap()
}

pub(crate) struct Governed {
    dir: tempfile::TempDir,
    pub(crate) issuer: Issuer,
    pub(crate) vault: VaultProcess,
    /// What it was made with.
    pub(crate) base: Table,
}

impl Governed {
    /// A running vault. `program` is `sim-vault`, perhaps behind one that starts it.
    pub(crate) async fn start(program: &[&str]) -> Self {
        let mut governed = Self::prepare(program).await;
        governed.vault.start().unwrap();
        governed
    }

    /// The same, not started.
    pub(crate) async fn prepare(program: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let roles = ["vault:owner", "vault:auditor"];
        let owner = issuer::Client::new("owner", "secret", &roles);
        let mut config = IssuerConfig::new(vec![owner]);
        config.token_seconds = 3600;
        let issuer = Issuer::start(config).await.unwrap();
        let vault = VaultProcess::prepare(program, dir.path(), &issuer).unwrap();
        let base = base(dir.path(), &issuer);
        let governed = Self {
            dir,
            issuer,
            vault,
            base,
        };
        governed.write(&governed.base);
        governed
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn ready(&self) -> &Ready {
        self.vault.ready().unwrap()
    }

    /// What the host does: another file.
    pub(crate) fn write(&self, config: &Table) {
        std::fs::write(self.dir().join("vault.toml"), config.to_string()).unwrap();
    }

    pub(crate) fn restart(&mut self, config: &Table) {
        self.vault.kill().unwrap();
        self.write(config);
        self.vault.start().unwrap();
    }

    /// A client that pins everything but the trust root.
    pub(crate) async fn client(&self) -> Client {
        self.vault.client(&self.issuer, "owner").await.unwrap()
    }

    /// The same without token.
    pub(crate) async fn operator(&self) -> Client {
        Client::connect(self.client_config()).await.unwrap()
    }

    /// The same, if the vault still runs.
    pub(crate) async fn operator_if_there(&self) -> Option<Client> {
        Client::connect(self.client_config()).await.ok()
    }

    fn client_config(&self) -> ClientConfig {
        self.vault.client_config(self.ready(), "operator").unwrap()
    }

    pub(crate) async fn served(&self) -> ServedConfig {
        self.operator().await.config().await.unwrap()
    }

    /// Why it is locked, and the trust root that its evidence shows.
    pub(crate) async fn state(&self) -> (Option<String>, Hash) {
        let info = self.operator().await.info().await.unwrap();
        (info.locked, info.trust_root)
    }

    /// A manifest that holds the vault to `trust_root`, and a client that starts from it.
    pub(crate) async fn by_manifest(&self, trust_root: Hash, name: &str) -> Constellation {
        let (file, anchor) = self.manifest(trust_root, name);
        let pins = &self.ready().pins;
        let trust = self.client_config().trust;
        let heads = HeadStore::new(self.dir().join("memory").join(name));
        let config = ConstellationConfig::new(anchor, file, trust, heads)
            .endpoint(pins.vault_id, &self.ready().addr);
        Constellation::open(config).await.unwrap()
    }

    fn manifest(&self, trust_root: Hash, name: &str) -> (PathBuf, Anchor) {
        let VaultPins {
            vault_id,
            measurement,
            ..
        } = self.ready().pins;
        let root = tee_sim::SimRoot::open_or_create(&self.dir().join("sim")).unwrap();
        let platform = root.machine("one").unwrap().platform_instance_id();
        let platform_id: PlatformId = ratls::platform_id(&platform).unwrap();
        let member = Member {
            vault_id,
            platform_id,
            measurement: measurement.unwrap(),
            trust_root,
            operator: "the only one".into(),
        };
        let manifest = Manifest::new(CONSTELLATION, 1, vec![member], quorum()).unwrap();
        let signatures = [1, 2].map(|number| governor(number).sign_manifest(&manifest));
        let anchor = Anchor::of(&manifest);
        let chain = ManifestChain::first(SignedManifest {
            manifest,
            signatures: signatures.to_vec(),
        });
        let file = self.dir().join(format!("{name}.json"));
        std::fs::write(&file, chain.to_json()).unwrap();
        (file, anchor)
    }

    /// What governance does: the first two sign for the configuration that is present.
    pub(crate) async fn reconfigure(&self) -> vault_client::Result<Reconfigured> {
        self.reconfigure_by(&[1, 2]).await
    }

    pub(crate) async fn reconfigure_by(&self, by: &[u8]) -> vault_client::Result<Reconfigured> {
        let client = self.operator().await;
        let offer = client.begin_reconfigure().await?;
        let statement = offer.statement(offer.present_trust_root);
        client
            .reconfigure(&statement, &signed(&statement, by))
            .await
    }

    pub(crate) fn vault_id(&self) -> VaultId {
        self.ready().pins.vault_id
    }

    pub(crate) async fn new_key(&self) -> KeyName {
        let owner = OidcSubject {
            issuer: self.issuer.url().to_owned(),
            subject: "owner".into(),
        };
        let policy = template("owner", &TemplateArgs::new(owner, KeyType::Ed25519Signing)).unwrap();
        let create = CreateKey {
            handle: None,
            key_type: KeyType::Ed25519Signing,
            name: "kept".into(),
            policy: policy.canonical_bytes().to_vec(),
            labels: Vec::new(),
        };
        let created = self.client().await.create_key(create).await.unwrap();
        KeyName::from(created.value.handle)
    }

    pub(crate) async fn sign(&self, key: KeyName) -> vault_client::Result<()> {
        let input = Input::Message(b"message".to_vec());
        self.client()
            .await
            .sign(key, input, false)
            .await
            .map(|_| ())
    }
}

pub(crate) fn signed(statement: &Reconfiguration, by: &[u8]) -> Vec<GovernanceSignature> {
    by.iter()
        .map(|&number| governor(number).sign_reconfiguration(statement))
        .collect()
}

/// Every setting that there is, so that each can be changed where it stands.
fn base(dir: &Path, issuer: &Issuer) -> Table {
    let governance: Vec<String> = quorum().keys().iter().map(ToString::to_string).collect();
    let text = format!(
        "listen = \"127.0.0.1:0\"\ndata_dir = {data:?}\n\
         [attestation]\nroot = {root:?}\nstatuses = [\"UpToDate\"]\nadvisories = []\n\
         [time]\nmode = \"host\"\nskew = 30\n\
         [roles]\nowner = \"vault:owner\"\nmanager = \"vault:manager\"\nauditor = \"vault:auditor\"\n\
         [constellation]\nid = \"{CONSTELLATION}\"\ngovernance = {governance:?}\nthreshold = 2\n\
         [registry]\nannounce = []\nendpoint = \"vault.test:1\"\n\
         [limits]\nconnections = 1024\nhandshakes = 64\nhandshake_seconds = 10\n\
         connection_seconds = 3600\nrequest_seconds = 30\nstreams = 128\nmemory_mib = 256\n\
         cached_tokens = 16384\nsnapshot_records = 8192\nsegment_mib = 16\n\
         [rates]\ncalls = 50000\nuses = 20000\ncreations = 1000\npages = 500\n\
         policy_bytes = 4194304\n[quotas]\nkeys = 1000000\nshare_mib = 64\ntext_mib = 256\n\
         vault_keys = 4000000\nvault_share_mib = 512\nvault_text_mib = 1024\n\
         [log]\nlevel = \"warn\"\n\
         [[issuers]]\nurl = {url:?}\naudience = {audience:?}\njwks_uri = {jwks:?}\n\
         roots = {ca:?}\ntyp = [\"at+jwt\"]\ngrants = [\"vault:owner\", \"vault:auditor\"]\n\
         role_claim = \"roles\"\nmax_key_age = 3600\n",
        data = dir.join("data"),
        root = dir.join("root.der"),
        url = issuer.url(),
        audience = issuer.audience(),
        jwks = issuer.jwks_uri(),
        ca = dir.join("issuer.pem"),
    );
    text.parse().unwrap()
}

/// The value at a path of the configuration tree, such as `issuers[0].url`.
pub(crate) fn at<'a>(config: &'a mut Table, path: &str) -> &'a mut Value {
    let (parents, leaf) = path.rsplit_once('.').unwrap_or(("", path));
    let mut table = config;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        let (name, index) = match parent.split_once('[') {
            Some((name, rest)) => (name, Some(rest.trim_end_matches(']'))),
            None => (parent, None),
        };
        let value = table
            .get_mut(name)
            .unwrap_or_else(|| panic!("no {name} in the file"));
        let value = match index {
            Some(index) => &mut value[index.parse::<usize>().unwrap()],
            None => value,
        };
        table = value.as_table_mut().unwrap();
    }
    table
        .get_mut(leaf)
        .unwrap_or_else(|| panic!("{path} is in the tree, but not in the file of this test"))
}
