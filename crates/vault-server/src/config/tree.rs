//! The leaves of the two configuration trees, whose roots are in every quote.

use super::{Material, ServerConfig, TrustedIssuer, TypSetting};
use ratls::config_tree::{ConfigTree, ConfigTreeError, Part};
use vault_encoding::{Canonical, sha256};

type Entry = (String, Canonical);

/// What carries trust. Files enter by the hashes of what they hold.
pub(crate) fn trust(
    config: &ServerConfig,
    material: &Material,
) -> Result<ConfigTree, ConfigTreeError> {
    let mut entries = vec![
        entry(
            "attestation.advisories",
            set(&config.attestation.advisories),
        ),
        entry("attestation.root", text(material.root.fingerprint())),
        entry("attestation.statuses", set(&config.attestation.statuses)),
        entry("roles.auditor", text(&config.roles.auditor)),
        entry("roles.manager", text(&config.roles.manager)),
        entry("roles.owner", text(&config.roles.owner)),
        entry("time.mode", text(&config.time.mode)),
        entry("time.skew", text(config.time.skew)),
    ];
    for (index, issuer) in material.issuers.iter().enumerate() {
        entries.extend(issuer_entries(&format!("issuers[{index}]"), issuer));
    }
    ConfigTree::new(Part::Trust, entries)
}

/// What carries none.
pub(crate) fn operational(config: &ServerConfig) -> Result<ConfigTree, ConfigTreeError> {
    let limits = &config.limits;
    ConfigTree::new(
        Part::Operational,
        [
            entry("limits.cached_tokens", text(limits.cached_tokens)),
            entry("limits.connection_seconds", text(limits.connection_seconds)),
            entry("limits.connections", text(limits.connections)),
            entry("limits.handshake_seconds", text(limits.handshake_seconds)),
            entry("limits.handshakes", text(limits.handshakes)),
            entry("limits.memory_mib", text(limits.memory_mib)),
            entry("limits.request_seconds", text(limits.request_seconds)),
            entry("limits.snapshot_records", text(limits.snapshot_records)),
            entry("limits.streams", text(limits.streams)),
            entry("listen", text(config.listen)),
            entry("log.level", text(&config.log.level)),
        ],
    )
}

fn issuer_entries(at: &str, issuer: &TrustedIssuer) -> Vec<Entry> {
    let config = &issuer.config;
    let roots = issuer.roots.iter().map(|root| text(sha256(root)));
    let types = config.typ.iter().map(|typ| text(typ_name(*typ)));
    [
        ("audience", text(&config.audience)),
        ("grants", set(&config.grants)),
        ("jwks_uri", text(&config.jwks_uri)),
        ("max_key_age", text(config.max_key_age)),
        ("role_claim", text(&config.role_claim)),
        ("roots", Canonical::set(roots)),
        ("typ", Canonical::set(types)),
        ("url", text(&config.url)),
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
            (
                "listen",
                "attestation.advisories = [\"INTEL-SA-00001\"]\nlisten",
            ),
        ] {
            let changed = roots(|toml| toml.replacen(from, to, 1));
            assert_ne!(changed.0, base.0, "{to}");
            assert_eq!(changed.1, base.1, "{to}");
        }
        let changed = roots(|toml| format!("log.level = \"debug\"\n{toml}"));
        assert_eq!(changed.0, base.0);
        assert_ne!(changed.1, base.1);
    }
}
