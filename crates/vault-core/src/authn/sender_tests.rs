//! T-STOLEN, the pure part: who may use a token that was verified.

use super::token::*;
use super::token_testing::*;
use crate::authn::jwks::Algorithm;
use vault_encoding::Hash;
use vault_encoding::text::base64url;
use vault_policy::{SenderConstraint, VaultId};

const VAULT: VaultId = VaultId(Hash([0xab; 32]));

/// A token with `find` in its claims replaced, verified at [`VAULT`].
fn verified(find: &str, text: &str) -> Result<VerifiedToken, TokenError> {
    let changed = claims().replace(find, text);
    assert_ne!(changed, claims(), "{find} stands in the claims");
    let key = key(Algorithm::EdDsa);
    let token = signed(header(Algorithm::EdDsa).as_bytes(), changed.as_bytes(), key);
    verify_token(&token, &issuers().at_vault(VAULT), now())
}

fn bound(name: &str, hash: [u8; 32]) -> VerifiedToken {
    let cnf = format!(r#""sub":"alice","cnf":{{"{name}":"{}"}}"#, base64url(&hash));
    verified(r#""sub":"alice""#, &cnf).unwrap()
}

fn constraint(token: &VerifiedToken) -> SenderConstraint {
    token.as_bearer(None).unwrap().facts().constraint
}

#[test]
fn a_token_bound_to_a_certificate_needs_that_certificate_on_the_connection() {
    let token = bound("x5t#S256", [1; 32]);
    assert_eq!(
        token.confirmation(),
        Confirmation::Certificate(Hash([1; 32]))
    );
    let proof = token.as_bearer(Some(&Hash([1; 32]))).unwrap();
    assert_eq!(proof.facts().constraint, SenderConstraint::Certificate);
    assert_eq!(
        token.as_bearer(Some(&Hash([2; 32]))),
        Err(SenderError::OtherCertificate)
    );
    assert_eq!(token.as_bearer(None), Err(SenderError::CertificateRequired));
}

#[test]
fn a_token_bound_to_a_key_is_no_bearer_token_whatever_the_connection_shows() {
    let token = bound("jkt", [1; 32]);
    for certificate in [None, Some(Hash([1; 32]))] {
        assert_eq!(
            token.as_bearer(certificate.as_ref()),
            Err(SenderError::ProofRequired)
        );
    }
}

#[test]
fn a_plain_token_is_not_made_better_by_a_certificate() {
    let token = verified(r#""sub":"alice""#, r#""sub":"bob""#).unwrap();
    assert_eq!(constraint(&token), SenderConstraint::None);
    let proof = token.as_bearer(Some(&Hash([1; 32]))).unwrap();
    assert_eq!(proof.facts().constraint, SenderConstraint::None);
}

#[test]
fn an_audience_binds_only_if_this_vault_is_all_of_it() {
    let id = VAULT.to_string();
    let other = VaultId(Hash([0xac; 32])).to_string();
    let with = |aud: String| verified(r#""aud":"vaults""#, &format!(r#""aud":{aud}"#));
    for aud in [format!(r#""{id}""#), format!(r#"["{id}"]"#)] {
        let token = with(aud).unwrap();
        assert_eq!(constraint(&token), SenderConstraint::Audience);
    }
    for aud in [
        format!(r#"["{id}","vaults"]"#),
        format!(r#"["vaults","{id}"]"#),
        r#"["vaults"]"#.to_owned(),
    ] {
        let token = with(aud).unwrap();
        assert_eq!(constraint(&token), SenderConstraint::None);
    }
    for aud in [
        format!(r#""{other}""#),
        format!(r#"["{id}","{other}"]"#),
        format!(r#"["{id}","{id}"]"#),
        format!(r#""{}""#, id.to_uppercase()),
        format!(r#""https://{id}""#),
        format!(r#""{id} ""#),
        r#""""#.to_owned(),
    ] {
        assert_eq!(with(aud.clone()), Err(TokenError::WrongAudience), "{aud}");
    }
}

#[test]
fn an_issuer_without_a_vault_takes_no_vault_for_its_audience() {
    let claims = claims().replace("vaults", &VAULT.to_string());
    let key = key(Algorithm::EdDsa);
    let token = signed(header(Algorithm::EdDsa).as_bytes(), claims.as_bytes(), key);
    assert_eq!(
        verify_token(&token, &issuers(), now()),
        Err(TokenError::WrongAudience)
    );
}

#[test]
fn a_bound_token_for_this_vault_alone_still_needs_its_key() {
    let cnf = format!(
        r#""aud":"{VAULT}","cnf":{{"jkt":"{}"}}"#,
        base64url(&[1; 32])
    );
    let token = verified(r#""aud":"vaults""#, &cnf).unwrap();
    assert_eq!(token.as_bearer(None), Err(SenderError::ProofRequired));
}

#[test]
fn the_cache_holds_no_outcome_of_the_constraint() {
    let issuers = issuers().at_vault(VAULT);
    let cnf = format!(
        r#""sub":"alice","cnf":{{"x5t#S256":"{}"}}"#,
        base64url(&[1; 32])
    );
    let claims = claims().replace(r#""sub":"alice""#, &cnf);
    let key = key(Algorithm::EdDsa);
    let text = signed(header(Algorithm::EdDsa).as_bytes(), claims.as_bytes(), key);
    let token = verify_token(&text, &issuers, now()).unwrap();
    assert!(token.as_bearer(Some(&Hash([1; 32]))).is_ok());
    let mut cache = TokenCache::new(2);
    cache.remember(&token, &issuers);
    let kept = cache.get(&text, &issuers, now()).unwrap();
    assert_eq!(kept.as_bearer(None), Err(SenderError::CertificateRequired));
}
