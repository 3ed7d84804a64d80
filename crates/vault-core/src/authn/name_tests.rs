//! The names of reasons are part of the protocol: whoever parses refusals relies on them.

use super::dpop::{self, ProofError};
use super::jwks::Algorithm;
use super::token::{self, TokenError};

#[test]
fn each_reason_to_refuse_a_token_has_its_name() {
    use TokenError as E;
    for (reason, name) in [
        (E::TooLong, "too_long"),
        (E::NotCompact, "not_compact"),
        (E::HeaderMalformed, "header_malformed"),
        (E::HeaderNotAllowed, "header_not_allowed"),
        (E::AlgorithmNotAllowed, "algorithm_not_allowed"),
        (E::KidMissing, "kid_missing"),
        (E::ClaimsMalformed, "claims_malformed"),
        (E::DuplicateName, "duplicate_name"),
        (E::UnknownIssuer, "unknown_issuer"),
        (E::TypeNotAllowed, "type_not_allowed"),
        (E::KeysStale, "keys_stale"),
        (E::UnknownKey, "unknown_key"),
        (E::AlgorithmMismatch, "algorithm_mismatch"),
        (E::BadSignature, "bad_signature"),
        (E::WrongAudience, "wrong_audience"),
        (E::ConfirmationUnsupported, "confirmation_unsupported"),
        (E::Expired, "expired"),
        (E::NotYetValid, "not_yet_valid"),
        (E::TimeUnknown, "time_unknown"),
    ] {
        assert_eq!((reason.name(), reason.to_string().as_str()), (name, name));
    }
}

#[test]
fn each_reason_to_refuse_a_proof_has_its_name() {
    use ProofError as E;
    for (reason, name) in [
        (E::TooLong, "too_long"),
        (E::NotCompact, "not_compact"),
        (E::HeaderMalformed, "header_malformed"),
        (E::HeaderNotAllowed, "header_not_allowed"),
        (E::DuplicateName, "duplicate_name"),
        (E::TypeNotAllowed, "type_not_allowed"),
        (E::AlgorithmNotAllowed, "algorithm_not_allowed"),
        (E::KeyMissing, "key_missing"),
        (E::KeyPrivate, "key_private"),
        (E::KeyNotAllowed, "key_not_allowed"),
        (E::BadSignature, "bad_signature"),
        (E::ClaimsMalformed, "claims_malformed"),
        (E::WrongMethod, "wrong_method"),
        (E::WrongUri, "wrong_uri"),
        (E::WrongToken, "wrong_token"),
        (E::NonceMissing, "nonce_missing"),
        (E::WrongNonce, "wrong_nonce"),
        (E::Replayed, "replayed"),
    ] {
        assert_eq!((reason.name(), reason.to_string().as_str()), (name, name));
    }
}

#[test]
fn a_reason_about_a_claim_names_it() {
    use token::Claim as T;
    for (claim, name) in [
        (T::Iss, "iss"),
        (T::Sub, "sub"),
        (T::Aud, "aud"),
        (T::Exp, "exp"),
        (T::Iat, "iat"),
        (T::Nbf, "nbf"),
        (T::Roles, "roles"),
    ] {
        let said = |reason: TokenError| reason.to_string();
        let missing = said(TokenError::ClaimMissing(claim));
        assert_eq!(missing, format!("claim_missing {name}"));
        assert_eq!(
            said(TokenError::ClaimType(claim)),
            format!("claim_type {name}")
        );
        let not_allowed = said(TokenError::ClaimNotAllowed(claim));
        assert_eq!(not_allowed, format!("claim_not_allowed {name}"));
    }
    use dpop::Claim as P;
    for (claim, name) in [
        (P::Jti, "jti"),
        (P::Htm, "htm"),
        (P::Htu, "htu"),
        (P::Iat, "iat"),
        (P::Ath, "ath"),
        (P::Nonce, "nonce"),
    ] {
        let said = |reason: ProofError| reason.to_string();
        let missing = said(ProofError::ClaimMissing(claim));
        assert_eq!(missing, format!("claim_missing {name}"));
        assert_eq!(
            said(ProofError::ClaimType(claim)),
            format!("claim_type {name}")
        );
        let not_allowed = said(ProofError::ClaimNotAllowed(claim));
        assert_eq!(not_allowed, format!("claim_not_allowed {name}"));
    }
}

/// A client answers these two with the nonce that it was told, and gives up on all others.
#[test]
fn only_what_lacks_this_connections_nonce_may_be_sent_again_with_it() {
    use ProofError as E;
    assert!(E::NonceMissing.asks_for_nonce());
    assert!(E::WrongNonce.asks_for_nonce());
    for other in [E::Replayed, E::BadSignature, E::WrongToken, E::WrongUri] {
        assert!(!other.asks_for_nonce(), "{other}");
    }
}

#[test]
fn algorithms_have_the_names_of_the_standard_and_no_others() {
    for (algorithm, name) in [
        (Algorithm::Es256, "ES256"),
        (Algorithm::EdDsa, "EdDSA"),
        (Algorithm::Rs256, "RS256"),
        (Algorithm::Ps256, "PS256"),
    ] {
        assert_eq!(algorithm.name(), name);
        assert_eq!(Algorithm::from_name(name), Some(algorithm));
    }
    for name in ["none", "HS256", "es256", ""] {
        assert_eq!(Algorithm::from_name(name), None, "{name}");
    }
}
