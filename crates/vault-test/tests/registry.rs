//! Vaults announce themselves; a registry that goes and comes costs nothing but its list.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tee_sim::SimRoot;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vault_client::registry::{Listing, RegistryClient};
use vault_policy::VaultId;
use vault_registry::{Registry, RegistryConfig};
use vault_test::issuer::{Client as IssuerClient, Issuer, IssuerConfig};
use vault_test::process::VaultProcess;

/// Ends a test that would hang.
const LONG: Duration = Duration::from_secs(60);

struct Running {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Running {
    /// A registry with the shortest TTL, over the root of the simulator's folder.
    async fn start(sim: &Path, listen: &str) -> Self {
        let root = SimRoot::open_or_create(sim).unwrap();
        let file = sim.join("registry-root.der");
        std::fs::write(&file, root.root_der()).unwrap();
        let text = format!(
            "listen = {listen:?}\nttl_seconds = 3\nattestation.root = {file:?}\n\
             limits.dial_seconds = 5\n"
        );
        let config = RegistryConfig::from_toml(&text).unwrap();
        let registry = Registry::bind(&config).await.unwrap();
        let address = registry.addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(registry.serve(async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            serving,
        }
    }

    async fn end(self) {
        self.stop.send(()).unwrap();
        self.serving.await.unwrap();
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn issuer() -> Issuer {
    let owner = IssuerClient::new("owner", "secret", &["vault:owner"]);
    Issuer::start(IssuerConfig::new(vec![owner])).await.unwrap()
}

/// A vault that announces itself to these registries, and does not run yet.
fn vault(dir: &Path, name: &str, issuer: &Issuer, registries: &[String]) -> VaultProcess {
    let home = dir.join(name);
    std::fs::create_dir(&home).unwrap();
    let sections = format!("\n[registry]\nannounce = {registries:?}\n");
    let program = env!("CARGO_BIN_EXE_sim-vault");
    let mut vault =
        VaultProcess::prepare_with(&[program], &home, issuer, &dir.join("sim"), &sections).unwrap();
    vault.enclave(name, "sim-vault");
    vault
}

fn start(vault: &mut VaultProcess) -> (VaultId, String) {
    let ready = tokio::task::block_in_place(|| vault.start()).unwrap();
    (ready.pins.vault_id, ready.addr.clone())
}

fn client(registries: &[String]) -> RegistryClient {
    RegistryClient::new(registries.to_vec(), Duration::from_secs(5))
}

/// Asks until the answer is as it must become.
async fn until(registries: &[String], is: impl Fn(&Listing) -> bool) -> Listing {
    let asking = async {
        let mut pause = tokio::time::interval(Duration::from_millis(50));
        loop {
            pause.tick().await;
            let listing = client(registries).list().await;
            if is(&listing) {
                return listing;
            }
        }
    };
    within(asking).await
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(LONG, future).await.expect("in time")
}

fn lists(listing: &Listing, vault: VaultId, endpoint: &str) -> bool {
    listing.endpoints(&vault).any(|listed| listed == endpoint)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vaults_are_listed_while_they_run_and_found_again_where_they_start_again() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let registry = Running::start(&dir.path().join("sim"), "127.0.0.1:0").await;
    let urls = [registry.url()];
    let mut one = vault(dir.path(), "one", &issuer, &urls);
    let mut two = vault(dir.path(), "two", &issuer, &urls);
    let ((first, at), (second, _)) = (start(&mut one), start(&mut two));
    let known = [first, second];
    let both = until(&urls, |listing| listing.missing(&known).is_empty()).await;
    assert!(lists(&both, first, &at));
    let entry = both.entries.iter().find(|entry| entry.vault_id == first);
    let pins = &one.ready().unwrap().pins;
    assert_eq!(entry.map(|entry| entry.measurement), pins.measurement);
    assert_eq!(entry.map(|entry| entry.platform_id), pins.platform_id);
    one.kill().unwrap();
    let left = until(&urls, |listing| listing.missing(&known) == [first]).await;
    assert_eq!(left.entries.len(), 1);
    let (same, elsewhere) = start(&mut one);
    assert_eq!(same, first);
    until(&urls, |listing| lists(listing, first, &elsewhere)).await;
    registry.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_vault_serves_without_its_registries_and_is_listed_when_one_comes_back_empty() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let sim = dir.path().join("sim");
    let registry = Running::start(&sim, "127.0.0.1:0").await;
    let address = registry.address.to_string();
    let urls = [registry.url()];
    registry.end().await;
    let mut one = vault(dir.path(), "one", &issuer, &urls);
    let (id, endpoint) = start(&mut one);
    let client_of_vault = one.client(&issuer, "owner").await.unwrap();
    client_of_vault.whoami().await.unwrap();
    let nothing = client(&urls).list().await;
    assert_eq!(nothing.failures.len(), 1);
    for _ in 0..2 {
        let registry = Running::start(&sim, &address).await;
        until(&urls, |listing| lists(listing, id, &endpoint)).await;
        registry.end().await;
    }
    client_of_vault.whoami().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_registries_are_one_list_and_one_that_fails_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let issuer = issuer().await;
    let sim = dir.path().join("sim");
    let (here, there) = (
        Running::start(&sim, "127.0.0.1:0").await,
        Running::start(&sim, "127.0.0.1:0").await,
    );
    let mut one = vault(dir.path(), "one", &issuer, &[here.url(), there.url()]);
    let mut two = vault(dir.path(), "two", &issuer, &[there.url()]);
    let ((first, _), (second, _)) = (start(&mut one), start(&mut two));
    let urls = [here.url(), there.url(), "http://127.0.0.1:1".to_owned()];
    let known = [first, second];
    let all = until(&urls, |listing| listing.missing(&known).is_empty()).await;
    assert_eq!(all.entries.len(), 2);
    assert_eq!(all.failures.len(), 1);
    assert_eq!(all.failures[0].0, urls[2]);
    until(&urls[..1], |listing| listing.missing(&known) == [second]).await;
}
