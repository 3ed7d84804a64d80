//! The vaults that a command may call: those of the manifest, or those that the configuration
//! lists.

use crate::client_key;
use crate::config::{Config, VaultEntry, invalid};
use crate::context::{Connected, Context};
use crate::waiting;
use std::sync::Arc;
use std::time::Duration;
use vault_client::constellation::{Outcomes, each, gather};
use vault_client::token::TokenSource;
use vault_client::{
    Client, ClientConfig, Constellation, ConstellationConfig, HeadStore, Result, VaultPins,
};
use vault_policy::VaultId;

/// How long the other vaults have for an answer, once one has the key.
const PATIENCE: Duration = Duration::from_secs(2);

/// The vaults, and how they are reached.
pub(crate) struct Fleet<'a> {
    context: &'a Context,
    kind: Kind,
    selected: Vec<VaultId>,
    heads: HeadStore,
}

enum Kind {
    Listed(Vec<Listed>),
    Constellation(Constellation),
}

/// A vault that the configuration lists.
struct Listed {
    pins: VaultPins,
    config: ClientConfig,
}

impl<'a> Fleet<'a> {
    /// The vaults that configuration and flags name, called with these tokens.
    pub(crate) async fn open(
        context: &'a Context,
        config: &Config,
        tokens: Option<Arc<dyn TokenSource>>,
    ) -> Result<Self> {
        let kind = match context.manifest(config) {
            Some(path) => {
                let wanted = constellation(context, config, path, tokens)?;
                let constellation = Constellation::open(wanted).await?;
                context.watch(&constellation);
                Kind::Constellation(constellation)
            }
            None => Kind::Listed(listed(context, config, tokens)?),
        };
        let mut fleet = Self {
            context,
            kind,
            selected: Vec::new(),
            heads: HeadStore::new(config.state_dir()?),
        };
        fleet.selected = fleet.select(&context.global.vault)?;
        Ok(fleet)
    }

    /// All vaults, in the order of manifest or configuration.
    pub(crate) fn all(&self) -> Vec<VaultId> {
        match &self.kind {
            Kind::Listed(vaults) => vaults.iter().map(|vault| vault.pins.vault_id).collect(),
            Kind::Constellation(constellation) => constellation.vault_ids(),
        }
    }

    /// The vaults that the flags select; all, if they select none.
    pub(crate) fn selected(&self) -> &[VaultId] {
        &self.selected
    }

    /// The vaults that the flags name; none, if they name none.
    pub(crate) fn named(&self) -> &[VaultId] {
        match self.context.global.vault.is_empty() {
            true => &[],
            false => &self.selected,
        }
    }

    /// What is remembered of the vaults.
    pub(crate) fn heads(&self) -> &HeadStore {
        &self.heads
    }

    pub(crate) fn constellation(&self) -> Option<&Constellation> {
        match &self.kind {
            Kind::Constellation(constellation) => Some(constellation),
            Kind::Listed(_) => None,
        }
    }

    /// The vault whose id begins like this.
    pub(crate) fn find(&self, id: &str) -> Result<VaultId> {
        let all = self.all();
        let mut found = all.iter().filter(|vault| vault.to_string().starts_with(id));
        let place = match &self.kind {
            Kind::Listed(_) => "configuration",
            Kind::Constellation(_) => "manifest",
        };
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(*one),
            (None, _) => Err(invalid(format_args!("the {place} names no vault {id}"))),
            (Some(_), Some(_)) => Err(invalid(format_args!("several vaults begin with {id}"))),
        }
    }

    fn select(&self, named: &[String]) -> Result<Vec<VaultId>> {
        if named.is_empty() {
            return Ok(self.all());
        }
        let mut selected = Vec::new();
        for id in named {
            let vault = self.find(id)?;
            if !selected.contains(&vault) {
                selected.push(vault);
            }
        }
        Ok(selected)
    }

    /// The one vault that is meant.
    pub(crate) fn one(&self) -> Result<VaultId> {
        match self.selected() {
            [one] => Ok(*one),
            [] => Err(invalid("the configuration names no vault")),
            _ => Err(invalid("several vaults: say which with --vault ID")),
        }
    }

    /// An attested connection to one of them.
    pub(crate) async fn connect(&self, vault: &VaultId) -> Result<Connected> {
        let client = match &self.kind {
            Kind::Listed(vaults) => {
                let found = vaults.iter().find(|listed| listed.pins.vault_id == *vault);
                let listed = found.ok_or_else(|| invalid(format_args!("no vault {vault}")))?;
                Client::connect(listed.config.clone()).await?
            }
            Kind::Constellation(constellation) => {
                let client = constellation.client(vault).await?;
                self.context.note_refused(constellation, &[*vault]);
                client
            }
        };
        let peer = client.peer().await?;
        if peer.evidence.claims().simulated {
            self.context.note_simulated();
        }
        Ok(Connected { client, peer })
    }

    /// Where a vault is said to be, as far as that is known without asking anybody.
    pub(crate) async fn endpoint(&self, vault: &VaultId) -> Option<String> {
        match &self.kind {
            Kind::Listed(vaults) => {
                let found = vaults.iter().find(|listed| listed.pins.vault_id == *vault);
                found.map(|listed| listed.config.endpoint.clone())
            }
            Kind::Constellation(constellation) => {
                let found = constellation.found_at(vault).await;
                found.map(|hint| hint.endpoint)
            }
        }
    }

    /// Connects to the first of the selected vaults, in their order, that can be reached. What
    /// could not be is said.
    pub(crate) async fn first(&self) -> Result<Connected> {
        let connected = self
            .any(self.selected(), async |connected| Ok(connected))
            .await;
        let error = connected.error(1);
        let mut found = None;
        for outcome in connected {
            match outcome.result {
                Ok(connected) if found.is_none() => found = Some(connected),
                Ok(_) => {}
                Err(error) => self.context.note_failure(&outcome.vault_id, &error),
            }
        }
        match (found, error) {
            (Some(found), _) => Ok(found),
            (None, Some(error)) => Err(error),
            (None, None) => Err(invalid("the configuration names no vault")),
        }
    }

    /// Calls these vaults, all at once, and waits for all of them.
    pub(crate) async fn each<T, F>(&self, vaults: &[VaultId], call: F) -> Outcomes<T>
    where
        F: AsyncFn(Connected) -> Result<T>,
    {
        let call = &call;
        let asked = each(vaults, |vault| async move {
            call(self.connect(&vault).await?).await
        });
        waiting::show(self.context, "waiting for vaults", asked).await
    }

    /// Calls these vaults, all at once. Once one has answered, the others have a moment left.
    pub(crate) async fn any<T, F>(&self, vaults: &[VaultId], call: F) -> Outcomes<T>
    where
        F: AsyncFn(Connected) -> Result<T>,
    {
        let one =
            |answered: &[(usize, Result<T>)]| answered.iter().any(|(_, result)| result.is_ok());
        self.until(vaults, one, call).await
    }

    /// Calls these vaults, all at once. Once there are `enough` answers, the others have a moment
    /// left.
    pub(crate) async fn until<T, F>(
        &self,
        vaults: &[VaultId],
        enough: impl Fn(&[(usize, Result<T>)]) -> bool,
        call: F,
    ) -> Outcomes<T>
    where
        F: AsyncFn(Connected) -> Result<T>,
    {
        let call = &call;
        let asked = gather(vaults, PATIENCE, enough, |vault| async move {
            call(self.connect(&vault).await?).await
        });
        waiting::show(self.context, "waiting for vaults", asked).await
    }
}

fn constellation(
    context: &Context,
    config: &Config,
    manifest: &std::path::Path,
    tokens: Option<Arc<dyn TokenSource>>,
) -> Result<ConstellationConfig> {
    let entry = config.constellation.as_ref().ok_or_else(|| {
        invalid("a manifest is held to [constellation]: id, governance, threshold")
    })?;
    let heads = HeadStore::new(config.state_dir()?);
    let trust = context.trust(config)?;
    let mut wanted = ConstellationConfig::new(entry.anchor()?, manifest, trust, heads)
        .timeout(context.timeout());
    wanted.registries = context.registries(config).to_vec();
    for vault in &config.vaults {
        wanted
            .endpoints
            .push((pins(vault)?.vault_id, vault.endpoint.clone()));
    }
    wanted.tokens = tokens;
    wanted.caller = context.caller.clone();
    wanted.certificate = client_key::held(context, config)?;
    Ok(wanted)
}

fn listed(
    context: &Context,
    config: &Config,
    tokens: Option<Arc<dyn TokenSource>>,
) -> Result<Vec<Listed>> {
    let trust = context.trust(config)?;
    let heads = HeadStore::new(config.state_dir()?);
    let certificate = client_key::held(context, config)?;
    let listed = |vault: &VaultEntry| {
        let pins = pins(vault)?;
        let mut wanted =
            ClientConfig::new(&vault.endpoint, pins.clone(), trust.clone(), heads.clone())
                .timeout(context.timeout());
        wanted.tokens = tokens.clone();
        wanted.caller = context.caller.clone();
        wanted.certificate = certificate.clone();
        Ok(Listed {
            pins,
            config: wanted,
        })
    };
    config.vaults.iter().map(listed).collect()
}

fn pins(vault: &VaultEntry) -> Result<VaultPins> {
    fn parse<T: std::str::FromStr<Err = vault_policy::IdError>>(text: &str) -> Result<T> {
        text.parse().map_err(invalid)
    }
    let trust_root = vault.trust_root.as_deref().map(|text| {
        vault_encoding::Hash::from_hex(text).ok_or_else(|| invalid("trust_root is not 32 bytes"))
    });
    Ok(VaultPins {
        vault_id: parse(&vault.vault_id)?,
        platform_id: vault.platform_id.as_deref().map(parse).transpose()?,
        measurement: vault.measurement.as_deref().map(parse).transpose()?,
        trust_root: trust_root.transpose()?,
    })
}
