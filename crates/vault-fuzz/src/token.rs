//! Access tokens. Even inputs are tokens as they come; odd ones are a header and claims that are
//! signed with the issuer's key, so that what lies behind the signature is reached.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use vault_core::authn::jwks::KeySet;
use vault_core::authn::token::{Confirmation, IssuerRules, IssuerSet, TokenType, verify_token};
use vault_encoding::text::base64url;
use vault_policy::{UnixSeconds, VaultTime};

const ISSUER: &str = "https://i";
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));

static ISSUERS: LazyLock<IssuerSet> = LazyLock::new(|| {
    let x = base64url(KEY.public_key().as_ref());
    let jwks = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"{x}"}}]}}"#
    );
    let rules = IssuerRules {
        url: ISSUER.into(),
        audience: "a".into(),
        types: BTreeSet::from([TokenType::AccessToken, TokenType::Jwt, TokenType::Absent]),
        role_claim: "roles".into(),
        roles: BTreeSet::from(["r".into()]),
    };
    let set = Arc::new(KeySet::parse(jwks.as_bytes()).expect("a key set"));
    IssuerSet::new([rules]).with_keys(ISSUER, set, UnixSeconds(u64::MAX))
});

/// One input.
pub fn run(data: &[u8]) {
    let now = VaultTime::Known { lo: NOW, hi: NOW };
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    if mode % 2 == 0 {
        assert!(
            verify_token(body, &ISSUERS, now).is_err(),
            "nobody signed this"
        );
        return;
    }
    let mut parts = body.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(KEY.sign(signed.as_bytes()).as_ref());
    let token = format!("{signed}.{signature}");
    let Ok(verified) = verify_token(token.as_bytes(), &ISSUERS, now) else {
        return;
    };
    let used = verified.as_bearer(None);
    assert_eq!(used.is_ok(), verified.confirmation() == Confirmation::None);
    if let Ok(proof) = used {
        assert_eq!(proof.facts().issuer, ISSUER);
        assert!(proof.facts().expires_at > NOW);
        assert!(proof.facts().roles.iter().all(|role| role == "r"));
    }
}
