//! The leaves of the two configuration trees, whose roots are in every quote.

use super::{
    AttestationConfig, ConstellationConfig, IssuerConfig, LimitsConfig, LogConfig, Material,
    QuotasConfig, RatesConfig, RegistryConfig, RolesConfig, ServerConfig, TimeConfig,
    TrustedIssuer, TypSetting,
};
use ratls::config_tree::{ConfigTree, ConfigTreeError, Part};
use vault_encoding::{Canonical, sha256};

type Entry = (String, Canonical);

/// What carries trust. Files enter by the hashes of what they hold. Destructures everything that
/// a file may say, so that a new setting has no home until somebody decides about it.
pub(crate) fn trust(
    config: &ServerConfig,
    material: &Material,
) -> Result<ConfigTree, ConfigTreeError> {
    let ServerConfig {
        attestation,
        time: TimeConfig { mode, skew },
        roles,
        constellation,
        // By what they name: `material`.
        issuers: _,
        // Operational, or where the host keeps its files.
        listen: _,
        data_dir: _,
        registry: _,
        limits: _,
        rates: _,
        quotas: _,
        log: _,
    } = config;
    let AttestationConfig {
        root: _,
        statuses,
        advisories,
    } = attestation;
    let RolesConfig {
        owner,
        manager,
        auditor,
    } = roles;
    let mut entries = vec![
        entry("attestation.advisories", set(advisories)),
        entry("attestation.root", text(material.root.fingerprint())),
        entry("attestation.statuses", set(statuses)),
        entry("roles.auditor", text(auditor)),
        entry("roles.manager", text(manager)),
        entry("roles.owner", text(owner)),
        entry("time.mode", text(mode)),
        entry("time.skew", text(skew)),
    ];
    if let Some(ConstellationConfig {
        id,
        governance,
        threshold,
    }) = constellation
    {
        entries.extend([
            entry("constellation.governance", set(governance)),
            entry("constellation.id", text(id)),
            entry("constellation.threshold", text(threshold)),
        ]);
    }
    for (index, issuer) in material.issuers.iter().enumerate() {
        entries.extend(issuer_entries(&format!("issuers[{index}]"), issuer));
    }
    ConfigTree::new(Part::Trust, entries)
}

/// What carries none.
pub(crate) fn operational(config: &ServerConfig) -> Result<ConfigTree, ConfigTreeError> {
    let LimitsConfig {
        connections,
        handshakes,
        handshake_seconds,
        connection_seconds,
        request_seconds,
        streams,
        memory_mib,
        cached_tokens,
        snapshot_records,
        segment_mib,
    } = &config.limits;
    let RatesConfig {
        calls,
        uses,
        creations,
        pages,
        policy_bytes,
    } = &config.rates;
    let RegistryConfig { announce, endpoint } = &config.registry;
    let LogConfig { level } = &config.log;
    let entries = [
        entry("limits.cached_tokens", text(cached_tokens)),
        entry("limits.connection_seconds", text(connection_seconds)),
        entry("limits.connections", text(connections)),
        entry("limits.handshake_seconds", text(handshake_seconds)),
        entry("limits.handshakes", text(handshakes)),
        entry("limits.memory_mib", text(memory_mib)),
        entry("limits.request_seconds", text(request_seconds)),
        entry("limits.segment_mib", text(segment_mib)),
        entry("limits.snapshot_records", text(snapshot_records)),
        entry("limits.streams", text(streams)),
        entry("listen", text(config.listen)),
        entry("log.level", text(level)),
        entry("rates.calls", text(calls)),
        entry("rates.creations", text(creations)),
        entry("rates.pages", text(pages)),
        entry("rates.policy_bytes", text(policy_bytes)),
        entry("rates.uses", text(uses)),
        entry("registry.announce", set(announce)),
        entry(
            "registry.endpoint",
            text(endpoint.as_deref().unwrap_or_default()),
        ),
    ];
    ConfigTree::new(
        Part::Operational,
        entries.into_iter().chain(quota_entries(&config.quotas)),
    )
}

fn quota_entries(quotas: &QuotasConfig) -> [Entry; 6] {
    let QuotasConfig {
        keys,
        share_mib,
        text_mib,
        vault_keys,
        vault_share_mib,
        vault_text_mib,
    } = quotas;
    [
        entry("quotas.keys", text(keys)),
        entry("quotas.share_mib", text(share_mib)),
        entry("quotas.text_mib", text(text_mib)),
        entry("quotas.vault_keys", text(vault_keys)),
        entry("quotas.vault_share_mib", text(vault_share_mib)),
        entry("quotas.vault_text_mib", text(vault_text_mib)),
    ]
}

fn issuer_entries(at: &str, issuer: &TrustedIssuer) -> Vec<Entry> {
    let IssuerConfig {
        url,
        audience,
        jwks_uri,
        roots: _,
        typ,
        grants,
        role_claim,
        max_key_age,
    } = &issuer.config;
    let roots = issuer.roots.iter().map(|root| text(sha256(root)));
    let types = typ.iter().map(|typ| text(typ_name(*typ)));
    [
        ("audience", text(audience)),
        ("grants", set(grants)),
        ("jwks_uri", text(jwks_uri)),
        ("max_key_age", text(max_key_age)),
        ("role_claim", text(role_claim)),
        ("roots", Canonical::set(roots)),
        ("typ", Canonical::set(types)),
        ("url", text(url)),
    ]
    .map(|(name, value)| (format!("{at}.{name}"), value))
    .to_vec()
}

fn typ_name(typ: TypSetting) -> &'static str {
    match typ {
        TypSetting::AtJwt => "at+jwt",
        TypSetting::Jwt => "JWT",
        TypSetting::Absent => "absent",
    }
}

fn entry(path: &str, value: Canonical) -> Entry {
    (path.to_owned(), value)
}

fn text(value: impl std::fmt::Display) -> Canonical {
    Canonical::text(value)
}

fn set(names: &[String]) -> Canonical {
    Canonical::set(names.iter().map(Canonical::text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"
        listen = "127.0.0.1:0"
        data_dir = "d"
        attestation.root = "intel"
        [[issuers]]
        url = "https://a.test"
        audience = "vaults"
        jwks_uri = "https://a.test/jwks"
        roots = "PEM"
        grants = ["vault:owner"]
    "#;

    fn roots(changed: impl Fn(&str) -> String) -> (String, String) {
        let authority = rcgen_free_certificate();
        let toml = changed(BASE).replace("\"PEM\"", &format!("'''{authority}'''"));
        let config = ServerConfig::from_toml(&toml).unwrap();
        let material = Material::load(&config).unwrap();
        (
            trust(&config, &material).unwrap().root().to_string(),
            operational(&config).unwrap().root().to_string(),
        )
    }

    /// Any certificate will do; only its hash matters here.
    fn rcgen_free_certificate() -> String {
        let der = ratls::TrustRoot::intel();
        let body = base64(der.der());
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    fn base64(bytes: &[u8]) -> String {
        let mut text = vault_encoding::text::base64url(bytes)
            .replace('-', "+")
            .replace('_', "/");
        while !text.len().is_multiple_of(4) {
            text.push('=');
        }
        text
    }

    fn constellation(id: &str, key: &str, threshold: u8) -> String {
        let (id, key) = (id.repeat(32), key.repeat(32));
        format!(
            "constellation = {{ id = \"{id}\", governance = [\"{key}\", \"{}\"], threshold = {threshold} }}\nlisten",
            "44".repeat(32)
        )
    }

    #[test]
    fn constellation_quorum_and_threshold_are_trust_each() {
        let root = |line: &str| roots(|toml| toml.replacen("listen", line, 1)).0;
        let all = [
            root("listen"),
            root(&constellation("11", "22", 1)),
            root(&constellation("12", "22", 1)),
            root(&constellation("11", "23", 1)),
            root(&constellation("11", "22", 2)),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn every_trust_setting_changes_the_trust_root_and_no_operational_one_does() {
        let base = roots(str::to_owned);
        for (from, to) in [
            ("vaults", "vault"),
            ("https://a.test/jwks", "https://a.test/keys"),
            ("[\"vault:owner\"]", "[\"vault:owner\",\"vault:auditor\"]"),
            ("grants", "role_claim = \"groups\"\ngrants"),
            ("grants", "max_key_age = 5\ngrants"),
            ("grants", "typ = [\"JWT\"]\ngrants"),
            ("listen", "time.skew = 5\nlisten"),
            ("listen", "roles.owner = \"o\"\nlisten"),
            ("listen", &constellation("11", "22", 1)),
            (
                "listen",
                "attestation.advisories = [\"INTEL-SA-00001\"]\nlisten",
            ),
        ] {
            let changed = roots(|toml| toml.replacen(from, to, 1));
            assert_ne!(changed.0, base.0, "{to}");
            assert_eq!(changed.1, base.1, "{to}");
        }
        for added in [
            "log.level = \"debug\"",
            "registry.endpoint = \"vault.test:1\"",
            "rates.uses = 5",
            "rates.policy_bytes = 5",
            "quotas.text_mib = 5",
            "quotas.vault_keys = 5",
            "registry.announce = [\"http://127.0.0.1:1\"]",
        ] {
            let changed = roots(|toml| format!("{added}\n{toml}"));
            assert_eq!(changed.0, base.0, "{added}");
            assert_ne!(changed.1, base.1, "{added}");
        }
    }
}
