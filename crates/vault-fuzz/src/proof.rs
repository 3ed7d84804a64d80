//! DPoP proofs. Even inputs are proofs as they come; odd ones are a header and claims that are
//! signed with the client's key, so that what lies behind the signature is reached. `%ath` and
//! `%nonce` stand for what the proof must name.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use vault_core::authn::dpop::{NonceKey, ProofError, ProvenCall, Replays, verify_proof};
use vault_core::authn::jwks::KeySet;
use vault_core::authn::token::{
    IssuerRules, IssuerSet, SenderError, TokenType, VerifiedToken, verify_token,
};
use vault_encoding::text::base64url;
use vault_encoding::{Hash, sha256};
use vault_policy::{SenderConstraint, UnixSeconds, VaultId, VaultTime};

const ISSUER: &str = "https://i";
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

static KEY: LazyLock<Ed25519KeyPair> =
    LazyLock::new(|| Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed"));

/// A token that is bound to [`KEY`].
static TOKEN: LazyLock<VerifiedToken> = LazyLock::new(|| {
    let x = base64url(KEY.public_key().as_ref());
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    let jkt = base64url(sha256(jwk.as_bytes()).as_bytes());
    let rules = IssuerRules {
        url: ISSUER.into(),
        audience: "a".into(),
        types: BTreeSet::from([TokenType::Absent]),
        role_claim: "roles".into(),
        roles: BTreeSet::new(),
    };
    let jwks = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","kid":"k","x":"{x}"}}]}}"#
    );
    let set = Arc::new(KeySet::parse(jwks.as_bytes()).expect("a key set"));
    let issuers = IssuerSet::new([rules]).with_keys(ISSUER, set, UnixSeconds(u64::MAX));
    let claims = format!(
        r#"{{"iss":"{ISSUER}","sub":"s","aud":"a","exp":1700000300,"iat":1700000000,"cnf":{{"jkt":"{jkt}"}}}}"#
    );
    let token = sign(br#"{"alg":"EdDSA","kid":"k"}"#, claims.as_bytes());
    let now = VaultTime::Known { lo: NOW, hi: NOW };
    verify_token(token.as_bytes(), &issuers, now).expect("a token")
});

fn sign(header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let signature = base64url(KEY.sign(signed.as_bytes()).as_ref());
    format!("{signed}.{signature}")
}

/// One input.
pub fn run(data: &[u8]) {
    let nonce = NonceKey::new(&[7; 32]).nonce(1);
    let call = ProvenCall {
        vault: &VaultId(Hash([0; 32])),
        method: "POST",
        path: "/s/m",
        nonce: &nonce,
    };
    let Some((mode, body)) = data.split_first() else {
        return;
    };
    if mode % 2 == 0 {
        assert!(
            verify_proof(body, &call, &TOKEN).is_err(),
            "nobody signed this"
        );
        return;
    }
    let mut parts = body.splitn(2, |byte| *byte == b'\n');
    let (header, claims) = (
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    let ath = base64url(TOKEN.hash().as_bytes());
    let claims = String::from_utf8_lossy(claims)
        .replace("%ath", &ath)
        .replace("%nonce", nonce.as_str());
    let proof = sign(header, claims.as_bytes());
    let verify = || verify_proof(proof.as_bytes(), &call, &TOKEN);
    let (Ok(one), Ok(two)) = (verify(), verify()) else {
        return;
    };
    let mut replays = Replays::default();
    let fresh = replays.admit(one).expect("the first");
    assert_eq!(replays.admit(two).err(), Some(ProofError::Replayed));
    match TOKEN.with_proof(&fresh) {
        Ok(used) => assert_eq!(used.facts().constraint, SenderConstraint::Dpop),
        Err(error) => assert_eq!(error, SenderError::OtherKey),
    }
}
