//! Proofs that must be refused, each with its reason, and each beside an accepted proof that
//! differs in the one thing that is wrong.

use super::*;
use crate::authn::jwks::Algorithm;
use crate::authn::token::{SenderError, verify_token};
use crate::authn::token_testing::*;
use aws_lc_rs::hmac;
use vault_encoding::text::base64url;
use vault_encoding::{Json, Limits, sha256};
use vault_policy::SenderConstraint;

const VAULT: VaultId = VaultId(Hash([0xab; 32]));
const PATH: &str = "/enclavevaults.v1.CryptoService/Sign";
const LIMITS: Limits = Limits {
    bytes: 1024,
    depth: 2,
    nodes: 16,
};

fn nonce() -> Nonce {
    NonceKey::new(&[9; 32]).nonce(1)
}

/// The thumbprint of RFC 7638, from the JWK's text.
fn jkt(algorithm: Algorithm) -> Hash {
    let jwk = format!("{{{}}}", key(algorithm).jwk());
    let json = Json::parse(jwk.as_bytes(), LIMITS).unwrap();
    let text = |name| json.get(name).unwrap().as_text().unwrap().to_owned();
    let canonical = match algorithm {
        Algorithm::Es256 => format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            text("x"),
            text("y")
        ),
        _ => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text("x")),
    };
    sha256(canonical.as_bytes())
}

/// A token that is bound to the key of this algorithm.
fn token(algorithm: Algorithm) -> VerifiedToken {
    let jkt = base64url(jkt(algorithm).as_bytes());
    let cnf = format!(r#""sub":"alice","cnf":{{"jkt":"{jkt}"}}"#);
    let claims = claims().replace(r#""sub":"alice""#, &cnf);
    let issuer = key(Algorithm::EdDsa);
    let text = signed(
        header(Algorithm::EdDsa).as_bytes(),
        claims.as_bytes(),
        issuer,
    );
    verify_token(&text, &issuers(), now()).unwrap()
}

fn proof_header(algorithm: Algorithm) -> String {
    format!(
        r#"{{"typ":"dpop+jwt","alg":"{}","jwk":{{{}}}}}"#,
        algorithm.name(),
        key(algorithm).jwk()
    )
}

fn proof_claims(algorithm: Algorithm) -> String {
    format!(
        r#"{{"jti":"one","htm":"POST","htu":"https://{VAULT}{PATH}","iat":{NOW},"ath":"{}","nonce":"{}"}}"#,
        base64url(token(algorithm).hash().as_bytes()),
        nonce().as_str()
    )
}

fn good_proof(algorithm: Algorithm) -> Vec<u8> {
    signed(
        proof_header(algorithm).as_bytes(),
        proof_claims(algorithm).as_bytes(),
        key(algorithm),
    )
}

fn verify(proof: &[u8], algorithm: Algorithm) -> Result<VerifiedProof, ProofError> {
    let nonce = nonce();
    let call = ProvenCall {
        vault: &VAULT,
        method: "POST",
        path: PATH,
        nonce: &nonce,
    };
    verify_proof(proof, &call, &token(algorithm))
}

/// What is wrong, the refused proof, its reason, and the accepted twin.
#[derive(Default)]
struct Table(Vec<(String, Vec<u8>, ProofError, Vec<u8>)>);

impl Table {
    fn header(&mut self, reason: ProofError, header: &str) {
        let proof = signed(
            header.as_bytes(),
            proof_claims(Algorithm::Es256).as_bytes(),
            key(Algorithm::Es256),
        );
        self.row(header, proof, reason, good_proof(Algorithm::Es256));
    }

    /// Rows whose claims have `find` replaced; the twin has `fine` in its place.
    fn claim(&mut self, reason: ProofError, find: &str, fine: &str, wrong: &[&str]) {
        let with = |text: &str| {
            let claims = proof_claims(Algorithm::Es256);
            let changed = claims.replace(find, text);
            assert!(claims.contains(find), "{find} stands in the claims");
            signed(
                proof_header(Algorithm::Es256).as_bytes(),
                changed.as_bytes(),
                key(Algorithm::Es256),
            )
        };
        for text in wrong {
            self.row(&format!("{find} -> {text}"), with(text), reason, with(fine));
        }
    }

    fn row(&mut self, name: &str, proof: Vec<u8>, reason: ProofError, twin: Vec<u8>) {
        self.0.push((name.to_owned(), proof, reason, twin));
    }

    fn check(self, least: usize) {
        for (name, proof, reason, twin) in &self.0 {
            let refused = verify(proof, Algorithm::Es256);
            assert_eq!(refused.err(), Some(*reason), "{name}");
            let twin = verify(twin, Algorithm::Es256);
            assert!(twin.is_ok(), "twin of {name}: {twin:?}");
        }
        assert!(self.0.len() >= least, "{} rows", self.0.len());
    }
}

#[test]
fn a_good_proof_of_either_algorithm_makes_a_constrained_token_once() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa] {
        let mut replays = Replays::default();
        let proof = good_proof(algorithm);
        let fresh = replays.admit(verify(&proof, algorithm).unwrap()).unwrap();
        let used = token(algorithm).with_proof(&fresh).unwrap();
        assert_eq!(used.facts().constraint, SenderConstraint::Dpop);
        assert_eq!(used.facts().subject, "alice");
        let again = replays.admit(verify(&proof, algorithm).unwrap());
        assert_eq!(again.err(), Some(ProofError::Replayed));
    }
}

#[test]
fn headers_that_are_not_those_of_a_proof_are_refused() {
    let mut table = Table::default();
    let good = proof_header(Algorithm::Es256);
    let jwk = key(Algorithm::Es256).jwk();
    let mut changed = |reason, find: &str, with: &str| {
        assert!(good.contains(find), "{find}");
        table.header(reason, &good.replace(find, with));
    };
    for typ in [
        "",
        "JWT",
        "at+jwt",
        "DPOP+JWT",
        "application/dpop+jwt",
        "dpop+jwt ",
    ] {
        changed(ProofError::TypeNotAllowed, "dpop+jwt", typ);
    }
    changed(ProofError::TypeNotAllowed, r#""typ":"dpop+jwt","#, "");
    for typ in ["null", "1", r#"["dpop+jwt"]"#] {
        changed(ProofError::HeaderMalformed, r#""dpop+jwt""#, typ);
    }
    for alg in [
        "none", "HS256", "RS256", "PS256", "ES384", "es256", "Ed25519", "",
    ] {
        changed(
            ProofError::AlgorithmNotAllowed,
            r#""alg":"ES256""#,
            &format!(r#""alg":"{alg}""#),
        );
    }
    changed(ProofError::AlgorithmNotAllowed, r#""alg":"ES256","#, "");
    changed(
        ProofError::KeyNotAllowed,
        r#""alg":"ES256""#,
        r#""alg":"EdDSA""#,
    );
    for more in [
        r#""kid":"a""#,
        r#""jku":"https://evil.test""#,
        r#""x5u":"https://evil.test""#,
        r#""x5c":[]"#,
        r#""crit":["b64"]"#,
        r#""b64":false"#,
        r#""cty":"JWT""#,
    ] {
        changed(
            ProofError::HeaderNotAllowed,
            r#""alg":"ES256""#,
            &format!(r#""alg":"ES256",{more}"#),
        );
    }
    changed(
        ProofError::DuplicateName,
        r#""alg":"ES256""#,
        r#""alg":"ES256","alg":"ES256""#,
    );
    changed(ProofError::KeyMissing, &format!(r#","jwk":{{{jwk}}}"#), "");
    for value in ["null", "[]", r#""key""#] {
        changed(ProofError::HeaderMalformed, &format!("{{{jwk}}}"), value);
    }
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        changed(
            ProofError::KeyPrivate,
            r#""kty":"EC""#,
            &format!(r#""kty":"EC","{secret}":"AA""#),
        );
    }
    let x = base64url(&[1; 32]);
    for (find, with) in [
        (r#""kty":"EC""#, r#""kty":"OKP""#.to_owned()),
        (r#""kty":"EC""#, r#""kty":"oct""#.to_owned()),
        (r#""kty":"EC","#, String::new()),
        (r#""crv":"P-256""#, r#""crv":"P-384""#.to_owned()),
        (r#""crv":"P-256""#, r#""crv":"p-256""#.to_owned()),
        (r#""crv":"P-256""#, r#""crv":null"#.to_owned()),
        (r#""kty":"EC""#, r#""kty":"EC","kid":"a""#.to_owned()),
        (r#""kty":"EC""#, r#""kty":"EC","use":"sig""#.to_owned()),
        // Not on the curve, not of its length, not one encoding.
        (
            jwk.as_str(),
            format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{x}""#),
        ),
        (
            jwk.as_str(),
            format!(r#""kty":"EC","crv":"P-256","x":"AA","y":"{x}""#),
        ),
        (
            jwk.as_str(),
            format!(r#""kty":"EC","crv":"P-256","x":"{x}=","y":"{x}""#),
        ),
        (
            jwk.as_str(),
            format!(r#""kty":"EC","crv":"P-256","x":"{x}""#),
        ),
        (
            jwk.as_str(),
            format!(r#""kty":"EC","crv":"P-256","x":7,"y":"{x}""#),
        ),
    ] {
        changed(ProofError::KeyNotAllowed, find, &with);
    }
    table.header(ProofError::HeaderMalformed, "");
    table.header(ProofError::HeaderMalformed, "[]");
    let long = good.replace('{', &format!("{{{}", " ".repeat(1024)));
    table.header(ProofError::HeaderMalformed, &long);
    table.check(50);
}

#[test]
fn claims_that_are_not_about_this_call_are_refused() {
    let mut table = Table::default();
    let other = VaultId(Hash([0xac; 32]));
    let htu = format!(r#""htu":"https://{VAULT}{PATH}""#);
    let uri = |text: &str| format!(r#""htu":"{text}""#);
    let spaced = htu.replace(':', ": ").replace("https: ", "https:");
    let wrong: Vec<String> = [
        format!("https://{other}{PATH}"),
        format!("https://{VAULT}/enclavevaults.v1.CryptoService/Reconstruct"),
        format!("https://{VAULT}{PATH}/"),
        format!("https://{VAULT}{PATH}?a=b"),
        format!("https://{VAULT}{PATH}#a"),
        format!("https://{VAULT}:443{PATH}"),
        format!("http://{VAULT}{PATH}"),
        format!("HTTPS://{VAULT}{PATH}"),
        format!("https://{}{PATH}", VAULT.to_string().to_uppercase()),
        format!("https://{VAULT}"),
        format!("https://{VAULT}{}", PATH.to_lowercase()),
        format!("https://user@{VAULT}{PATH}"),
        PATH.to_owned(),
        String::new(),
    ]
    .iter()
    .map(|text| uri(text))
    .collect();
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    table.claim(ProofError::WrongUri, &htu, &spaced, &wrong);
    let htm = r#""htm":"POST""#;
    table.claim(
        ProofError::WrongMethod,
        htm,
        r#""htm": "POST""#,
        &[
            r#""htm":"GET""#,
            r#""htm":"post""#,
            r#""htm":"""#,
            r#""htm":"POST ""#,
        ],
    );
    let ath = format!(
        r#""ath":"{}""#,
        base64url(token(Algorithm::Es256).hash().as_bytes())
    );
    let another = format!(r#""ath":"{}""#, base64url(&[1; 32]));
    let padded = format!("{}=\"", ath.trim_end_matches('"'));
    table.claim(
        ProofError::WrongToken,
        &ath,
        &ath.replace(':', ": "),
        &[
            &another,
            r#""ath":"""#,
            &padded.replace(r#""ath":""#, r#""ath":" "#),
        ],
    );
    let mine = format!(r#""nonce":"{}""#, nonce().as_str());
    let of = |nonce: &Nonce| format!(r#""nonce":"{}""#, nonce.as_str());
    let connection = of(&NonceKey::new(&[9; 32]).nonce(2));
    let boot = of(&NonceKey::new(&[8; 32]).nonce(1));
    table.claim(
        ProofError::WrongNonce,
        &mine,
        &mine.replace(':', ": "),
        &[&connection, &boot, r#""nonce":"""#],
    );
    let without = format!(r#","nonce":"{}""#, nonce().as_str());
    table.claim(ProofError::NonceMissing, &without, &without, &[""]);
    table.claim(
        ProofError::DuplicateName,
        htm,
        htm,
        &[r#""htm":"POST","htm":"POST""#],
    );
    table.check(26);
}

#[test]
fn claims_are_required_bounded_and_of_their_type() {
    let mut table = Table::default();
    let claims = proof_claims(Algorithm::Es256);
    let member = |claim: Claim| {
        let start = claims.find(&format!(r#""{}":"#, claim.name())).unwrap();
        let rest = &claims[start..];
        let end = rest.find([',', '}']).unwrap();
        rest[..end].to_owned()
    };
    for claim in [Claim::Jti, Claim::Htm, Claim::Htu, Claim::Iat, Claim::Ath] {
        let text = member(claim);
        table.claim(
            ProofError::ClaimMissing(claim),
            &format!("{text},"),
            &format!("{text}, "),
            &[""],
        );
        let name = claim.name();
        let wrong: Vec<String> = ["null", "true", "[]", "{}", "[\"x\"]"]
            .iter()
            .map(|value| format!(r#""{name}":{value}"#))
            .collect();
        let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
        table.claim(ProofError::ClaimType(claim), &text, &text, &wrong);
    }
    let iat = member(Claim::Iat);
    table.claim(
        ProofError::ClaimType(Claim::Iat),
        &iat,
        r#""iat":0"#,
        &[
            r#""iat":-1"#,
            r#""iat":1.5"#,
            r#""iat":1e3"#,
            r#""iat":"1""#,
            r#""iat":18446744073709551616"#,
        ],
    );
    let nonce = member(Claim::Nonce);
    table.claim(
        ProofError::ClaimType(Claim::Nonce),
        &nonce,
        &nonce,
        &[r#""nonce":null"#, r#""nonce":7"#],
    );
    let jti = |length: usize| format!(r#""jti":"{}""#, "a".repeat(length));
    table.claim(
        ProofError::ClaimNotAllowed(Claim::Jti),
        r#""jti":"one""#,
        &jti(128),
        &[&jti(0), &jti(129)],
    );
    let many = format!(r#""jti":"one","x":[{}0]"#, "0,".repeat(40));
    let deep = format!(r#""jti":"one","x":{}{}"#, "[".repeat(9), "]".repeat(9));
    table.claim(
        ProofError::ClaimsMalformed,
        r#""jti":"one""#,
        r#""jti":"one","x":[0]"#,
        &[&many, &deep, r#""jti":one"#],
    );
    table.check(38);
}

#[test]
fn signatures_that_do_not_stand_and_texts_that_are_no_proofs_are_refused() {
    let mut table = Table::default();
    let good = good_proof(Algorithm::Es256);
    let text = String::from_utf8(good.clone()).unwrap();
    let (unsigned, signature) = text.rsplit_once('.').unwrap();
    let (head, _) = unsigned.split_once('.').unwrap();
    let mut row = |name: &str, proof: Vec<u8>, reason| table.row(name, proof, reason, good.clone());
    let by_other = signed(
        proof_header(Algorithm::Es256).as_bytes(),
        proof_claims(Algorithm::Es256).as_bytes(),
        &Key::generate(Algorithm::Es256),
    );
    row("another key's", by_other, ProofError::BadSignature);
    row(
        "none",
        format!("{unsigned}.").into(),
        ProofError::BadSignature,
    );
    let of_other_claims = proof_claims(Algorithm::Es256).replace("one", "two");
    let swapped = format!(
        "{head}.{}.{signature}",
        base64url(of_other_claims.as_bytes())
    );
    row("other claims", swapped.into(), ProofError::BadSignature);
    let secret = key(Algorithm::Es256).public();
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &secret),
        unsigned.as_bytes(),
    );
    let tagged = format!("{unsigned}.{}", base64url(tag.as_ref()));
    row("an HMAC", tagged.into(), ProofError::BadSignature);
    for (name, proof) in [
        ("nothing", String::new()),
        ("one part", "a".into()),
        ("two parts", unsigned.to_owned()),
        ("four parts", format!("{text}.{signature}")),
        ("padded", format!("{text}=")),
        ("spaced", format!(" {text}")),
        ("a line feed", format!("{text}\n")),
        ("two proofs", format!("{text},{text}")),
    ] {
        row(name, proof.into(), ProofError::NotCompact);
    }
    row("not UTF-8", vec![0xff; 9], ProofError::NotCompact);
    row("too long", vec![b'a'; LONGEST + 1], ProofError::TooLong);
    row("long", vec![b'a'; LONGEST], ProofError::NotCompact);
    table.check(15);
}

#[test]
fn a_proof_is_good_for_one_key_one_token_one_method_and_one_call() {
    let proof = good_proof(Algorithm::EdDsa);
    let mut replays = Replays::default();
    let fresh = replays
        .admit(verify(&proof, Algorithm::EdDsa).unwrap())
        .unwrap();
    let other = token(Algorithm::Es256);
    assert_eq!(other.with_proof(&fresh), Err(SenderError::OtherToken));
    // The right token, and the proof by a key that it is not bound to.
    let claims = proof_claims(Algorithm::Es256);
    let by_other = signed(
        proof_header(Algorithm::EdDsa).as_bytes(),
        claims.as_bytes(),
        key(Algorithm::EdDsa),
    );
    let fresh = Replays::default()
        .admit(verify(&by_other, Algorithm::Es256).unwrap())
        .unwrap();
    assert_eq!(
        token(Algorithm::Es256).with_proof(&fresh),
        Err(SenderError::OtherKey)
    );
    let plain = verify_token(&good(Algorithm::Es256), &issuers(), now()).unwrap();
    let claims = proof_claims(Algorithm::Es256).replace(
        &base64url(token(Algorithm::Es256).hash().as_bytes()),
        &base64url(plain.hash().as_bytes()),
    );
    let of_plain = signed(
        proof_header(Algorithm::Es256).as_bytes(),
        claims.as_bytes(),
        key(Algorithm::Es256),
    );
    let nonce = nonce();
    let mut call = ProvenCall {
        vault: &VAULT,
        method: "POST",
        path: PATH,
        nonce: &nonce,
    };
    let verified = verify_proof(&of_plain, &call, &plain).unwrap();
    let fresh = Replays::default().admit(verified).unwrap();
    assert_eq!(plain.with_proof(&fresh), Err(SenderError::NotBound));
    call.method = "GET";
    let refused = verify_proof(&proof, &call, &token(Algorithm::EdDsa));
    assert_eq!(refused.err(), Some(ProofError::WrongMethod));
}

/// The example of RFC 9449, section 7.1, and its thumbprint of section 6.1.
#[test]
fn the_thumbprint_is_that_of_the_standard() {
    let header = br#"{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}}"#;
    let header = Header::parse(header).unwrap();
    let expected = text::unbase64url("0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I").unwrap();
    assert_eq!(header.thumbprint.as_bytes().as_slice(), expected);
}
