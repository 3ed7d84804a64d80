//! Which vault a folder holds, before any client knows it: what its operator reads from its
//! console and carries to whoever signs the manifest.

use crate::boot::Roots;
use crate::channel::{self, Says};
use crate::config::{Material, ServerConfig, operational, trust};
use crate::root::open_root;
use crate::sealed::Configured;
use anyhow::{Context, bail};
use std::fmt;
use vault_encoding::Hash;
use vault_encoding::text::hex;
use vault_governance::ConstellationId;
use vault_policy::{Measurement, PlatformId, VaultId};
use vault_tee::Platform;

/// Everything that a manifest says of a member, but who operates it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fingerprint {
    /// Hash of its identity key.
    pub vault_id: VaultId,
    /// The machine.
    pub platform_id: PlatformId,
    /// The build.
    pub measurement: Measurement,
    /// Root of the trust configuration.
    pub trust_root: Hash,
    /// Root of the other one; it may change.
    pub operational_root: Hash,
    /// The constellation, if the configuration names one.
    pub constellation: Option<ConstellationId>,
}

/// The fingerprint of the vault of this configuration. A folder that holds nothing gets its vault
/// here, sealed as at any first boot. The log is not looked at: opening it would displace a vault
/// that runs on it. Refused while the configuration is not the one that is sealed: such a vault is
/// locked, and belongs into no manifest.
pub fn identity(config: &ServerConfig, platform: &dyn Platform) -> anyhow::Result<Fingerprint> {
    config.check()?;
    let material = Material::load(config)?;
    let roots = roots(config, &material)?;
    let anchor = config.anchor()?;
    let constellation = anchor.as_ref().map(|anchor| anchor.constellation);
    let configured = Configured {
        trust_root: roots.trust,
        governance: anchor,
    };
    let root = match open_root(&config.data_dir, &configured, platform)? {
        Ok(root) => root,
        Err(locked) => bail!("locked: {}", locked.told()),
    };
    if let Err(locked) = root.sealed.admit(&configured) {
        bail!("locked: {}", locked.told());
    }
    let says = Says::new(&root.identity, roots, [0; 16]);
    let platform_id = channel::platform_id(platform, &says, &material)
        .context("this machine's evidence does not lead to the configured root")?;
    Ok(Fingerprint {
        vault_id: root.identity.vault_id(),
        platform_id,
        measurement: Measurement(Hash(platform.measurement())),
        trust_root: roots.trust,
        operational_root: roots.operational,
        constellation,
    })
}

/// The roots of a configuration's two trees, as a vault started with it shows them. Reads the
/// certificates that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConfigRoots {
    /// Of what carries trust: what governance signs for.
    pub trust: Hash,
    /// Of what carries none.
    pub operational: Hash,
}

/// The roots of this configuration. Needs no TEE.
pub fn config_roots(config: &ServerConfig) -> anyhow::Result<ConfigRoots> {
    config.check()?;
    let Roots { trust, operational } = roots(config, &Material::load(config)?)?;
    Ok(ConfigRoots { trust, operational })
}

fn roots(config: &ServerConfig, material: &Material) -> anyhow::Result<Roots> {
    Ok(Roots {
        trust: trust(config, material)?.root(),
        operational: operational(config)?.root(),
    })
}

impl Fingerprint {
    /// One line of JSON: the members by their names, hashes as lower-case hex, `constellation`
    /// null where there is none.
    pub fn to_json(&self) -> String {
        let Self {
            vault_id,
            platform_id,
            measurement,
            trust_root,
            operational_root,
            constellation,
        } = self;
        serde_json::json!({
            "vault_id": vault_id.to_string(),
            "platform_id": platform_id.to_string(),
            "measurement": measurement.to_string(),
            "trust_root": trust_root.to_string(),
            "operational_root": operational_root.to_string(),
            "constellation": constellation.map(|id| id.to_string()),
        })
        .to_string()
    }
}

/// For people, who compare it with what they are told by another way.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let constellation = self
            .constellation
            .map_or_else(|| "none".to_owned(), |id| groups(&id.0));
        for (name, value) in [
            ("vault id", groups(&self.vault_id.0)),
            ("platform id", groups(&self.platform_id.0)),
            ("measurement", groups(&self.measurement.0)),
            ("trust root", groups(&self.trust_root)),
            ("constellation", constellation),
        ] {
            writeln!(f, "{name:>13}  {value}")?;
        }
        Ok(())
    }
}

/// Sixteen groups of four digits.
fn groups(hash: &Hash) -> String {
    let groups: Vec<String> = hash.0.chunks(2).map(hex).collect();
    groups.join(" ")
}
