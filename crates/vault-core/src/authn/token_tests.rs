//! T-JWT: tokens that must be refused, each with its reason, and each beside an accepted token
//! that differs in the one thing that is wrong.

use super::*;
use crate::authn::jwks::Algorithm;
use crate::authn::token_testing::*;
use aws_lc_rs::hmac;
use vault_encoding::text::base64url;

/// What is wrong, the refused token, its reason, and the accepted twin.
struct Row {
    name: String,
    token: Vec<u8>,
    reason: TokenError,
    twin: Vec<u8>,
}

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    fn row(&mut self, name: impl Into<String>, token: Vec<u8>, reason: TokenError, twin: Vec<u8>) {
        self.0.push(Row {
            name: name.into(),
            token,
            reason,
            twin,
        });
    }

    /// Rows whose header differs, under a signature that stands.
    fn header(&mut self, reason: TokenError, headers: &[&str]) {
        for header in headers {
            self.row(
                *header,
                signed(
                    header.as_bytes(),
                    claims().as_bytes(),
                    key(Algorithm::Es256),
                ),
                reason,
                good(Algorithm::Es256),
            );
        }
    }

    /// Rows whose claims have `find` replaced; the twin has `fine` in its place.
    fn claim(&mut self, reason: TokenError, find: &str, fine: &str, wrong: &[&str]) {
        let with = |text: &str| {
            let changed = claims().replace(find, text);
            assert_ne!(changed, claims(), "{find} stands in the claims");
            signed(
                header(Algorithm::Es256).as_bytes(),
                changed.as_bytes(),
                key(Algorithm::Es256),
            )
        };
        for text in wrong {
            self.row(format!("{find} -> {text}"), with(text), reason, with(fine));
        }
    }

    fn check(self, least: usize) {
        let issuers = issuers();
        for row in &self.0 {
            assert_eq!(
                verify_token(&row.token, &issuers, now()),
                Err(row.reason),
                "{}",
                row.name
            );
            let twin = verify_token(&row.twin, &issuers, now());
            assert!(twin.is_ok(), "twin of {}: {twin:?}", row.name);
        }
        assert!(self.0.len() >= least, "{} rows", self.0.len());
    }
}

fn with_signature(token: &[u8], change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let text = std::str::from_utf8(token).unwrap();
    let (signed, signature) = text.rsplit_once('.').unwrap();
    let mut bytes = text::unbase64url(signature).unwrap();
    change(&mut bytes);
    format!("{signed}.{}", base64url(&bytes)).into_bytes()
}

/// A token that names an HMAC and is tagged under the issuer's public key.
fn tagged(alg: &str, kid: &str, secret: &[u8]) -> Vec<u8> {
    let header = format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#);
    let signed = format!(
        "{}.{}",
        base64url(header.as_bytes()),
        base64url(claims().as_bytes())
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret),
        signed.as_bytes(),
    );
    format!("{signed}.{}", base64url(tag.as_ref())).into_bytes()
}

#[test]
fn signatures_that_do_not_stand_are_refused_for_every_algorithm() {
    let mut table = Table::default();
    for (algorithm, key) in keys() {
        let (name, good) = (algorithm.name(), good(*algorithm));
        let mut bad = |what: &str, token: Vec<u8>| {
            let name = format!("{name}: {what}");
            table.row(name, token, TokenError::BadSignature, good.clone());
        };
        bad("empty", with_signature(&good, Vec::clear));
        bad("first bit", with_signature(&good, |bytes| bytes[0] ^= 0x80));
        bad(
            "last bit",
            with_signature(&good, |bytes| *bytes.last_mut().unwrap() ^= 1),
        );
        bad(
            "one byte short",
            with_signature(&good, |bytes| {
                bytes.pop();
            }),
        );
        bad(
            "one byte more",
            with_signature(&good, |bytes| bytes.push(0)),
        );
        bad("zeros", with_signature(&good, |bytes| bytes.fill(0)));
        bad(
            "twice",
            with_signature(&good, |bytes| bytes.extend_from_within(..)),
        );
        let other = Key::generate(*algorithm);
        let (header, claims) = (header(*algorithm), claims());
        bad(
            "another key",
            signed(header.as_bytes(), claims.as_bytes(), &other),
        );
        let text = std::str::from_utf8(&good).unwrap();
        let parts: Vec<_> = text.split('.').collect();
        let mallory = base64url(claims.replace("alice", "mallory").as_bytes());
        bad(
            "other claims",
            format!("{}.{mallory}.{}", parts[0], parts[2]).into_bytes(),
        );
        let spaced = base64url(header.replace(',', ", ").as_bytes());
        bad(
            "other header",
            format!("{spaced}.{}.{}", parts[1], parts[2]).into_bytes(),
        );
        let _ = key;
    }
    table.check(40);
}

#[test]
fn an_algorithm_is_that_of_the_key_and_never_none_or_an_hmac() {
    let mut table = Table::default();
    for (named, _) in keys() {
        for (held, key) in keys().iter().filter(|(held, _)| held != named) {
            let (alg, kid) = (named.name(), held.name());
            let header = format!(r#"{{"alg":"{alg}","kid":"{kid}","typ":"at+jwt"}}"#);
            table.row(
                format!("{alg} under a key for {kid}"),
                signed(header.as_bytes(), claims().as_bytes(), key),
                TokenError::AlgorithmMismatch,
                good(*held),
            );
        }
    }
    for (held, key) in keys() {
        for alg in ["HS256", "HS384", "HS512"] {
            table.row(
                format!("{alg} over the public key of {}", held.name()),
                tagged(alg, held.name(), &key.public()),
                TokenError::AlgorithmNotAllowed,
                good(*held),
            );
        }
        table.row(
            format!("a tag under {} that calls itself a signature", held.name()),
            tagged(held.name(), held.name(), &key.public()),
            TokenError::BadSignature,
            good(*held),
        );
        let header = format!(r#"{{"alg":"none","kid":"{}","typ":"at+jwt"}}"#, held.name());
        let unsigned = with_signature(
            &signed(header.as_bytes(), claims().as_bytes(), key),
            Vec::clear,
        );
        table.row(
            "none",
            unsigned,
            TokenError::AlgorithmNotAllowed,
            good(*held),
        );
    }
    table.header(
        TokenError::AlgorithmNotAllowed,
        &[
            r#"{"alg":"None","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"NONE","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"es256","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256 ","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256\u0000","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256K","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES384","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES512","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"RS384","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"PS512","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"RSA1_5","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ECDH-ES","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"kid":"ES256","typ":"at+jwt"}"#,
        ],
    );
    table.check(44);
}

#[test]
fn a_header_has_its_three_members_and_nothing_else() {
    let mut table = Table::default();
    table.header(
        TokenError::HeaderNotAllowed,
        &[
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","jku":"https://evil.test/jwks"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","jwk":{}}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","x5u":"https://evil.test/c"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","x5c":[]}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","x5t":"AA"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","x5t#S256":"AA"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","crit":["exp"]}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","crit":[]}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","b64":false}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","cty":"JWT"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","zip":"DEF"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","enc":"A256GCM"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","iss":"x"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","Alg":"none"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt","":""}"#,
        ],
    );
    table.header(
        TokenError::DuplicateName,
        &[
            r#"{"alg":"ES256","alg":"none","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"none","kid":"ES256","typ":"at+jwt","alg":"ES256"}"#,
            r#"{"alg":"ES256","\u0061lg":"none","kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"ES256","kid":"RS256","typ":"at+jwt"}"#,
        ],
    );
    table.header(
        TokenError::HeaderMalformed,
        &[
            "",
            "null",
            r#""ES256""#,
            r#"["ES256","ES256","at+jwt"]"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt"}{}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt""#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+jwt",}"#,
            r#"{alg:"ES256","kid":"ES256","typ":"at+jwt"}"#,
            r#"{'alg':'ES256','kid':'ES256','typ':'at+jwt'}"#,
            "\u{feff}{\"alg\":\"ES256\",\"kid\":\"ES256\",\"typ\":\"at+jwt\"}",
            r#"{"alg":null,"kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":["ES256"],"kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":256,"kid":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":5,"typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":null,"typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":1}"#,
        ],
    );
    table.header(
        TokenError::TypeNotAllowed,
        &[
            r#"{"alg":"ES256","kid":"ES256"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":""}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"JWT"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"at+JWT"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"AT+JWT"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"application/at+jwt"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"dpop+jwt"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"logout+jwt"}"#,
            r#"{"alg":"ES256","kid":"ES256","typ":"id_token"}"#,
        ],
    );
    table.header(
        TokenError::KidMissing,
        &[
            r#"{"alg":"ES256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"","typ":"at+jwt"}"#,
        ],
    );
    table.header(
        TokenError::UnknownKey,
        &[
            r#"{"alg":"ES256","kid":"es256","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"dropped","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"../../etc/passwd","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"' OR 1=1 --","typ":"at+jwt"}"#,
            r#"{"alg":"ES256","kid":"https://evil.test/key","typ":"at+jwt"}"#,
        ],
    );
    table.check(51);
}

#[test]
fn claims_are_required_and_of_their_json_type() {
    let mut table = Table::default();
    let (exp, iat) = (
        format!(r#""exp":{}"#, NOW + 300),
        format!(r#""iat":{}"#, NOW - 10),
    );
    let later = format!(r#""exp":{}"#, NOW + 299);
    for (claim, text, fine) in [
        (
            Claim::Iss,
            r#""iss":"https://issuer.test","#.to_owned(),
            r#""iss": "https://issuer.test","#.to_owned(),
        ),
        (
            Claim::Sub,
            r#""sub":"alice","#.to_owned(),
            r#""sub":"bob","#.to_owned(),
        ),
        (
            Claim::Aud,
            r#""aud":"vaults","#.to_owned(),
            r#""aud":["vaults"],"#.to_owned(),
        ),
        (Claim::Exp, format!("{exp},"), format!("{later},")),
        (Claim::Iat, format!("{iat},"), format!(r#""iat":{NOW},"#)),
    ] {
        table.claim(TokenError::ClaimMissing(claim), &text, &fine, &[""]);
    }
    for (claim, text, fine) in [
        (Claim::Exp, &exp, &later),
        (Claim::Iat, &iat, &iat.replace("-", "")),
    ] {
        let name = claim.name();
        let fine = if claim == Claim::Iat {
            format!(r#""iat":{NOW}"#)
        } else {
            fine.clone()
        };
        let wrong: Vec<String> = [
            "\"never\"",
            "\"1800000300\"",
            "\"\"",
            "null",
            "true",
            "[]",
            "{}",
            "[1800000300]",
            "1e400",
            "-1e400",
            "18e8",
            "1800000300.0",
            "1800000300.5",
            "-1",
            "-0",
            "18446744073709551616",
        ]
        .iter()
        .map(|value| format!(r#""{name}":{value}"#))
        .collect();
        let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
        table.claim(TokenError::ClaimType(claim), text, &fine, &wrong);
    }
    let nbf = |value: &str| format!(r#"{iat},"nbf":{value}"#);
    let wrong: Vec<String> = ["\"0\"", "null", "1e3", "-5", "[]", "false"]
        .map(nbf)
        .to_vec();
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    table.claim(TokenError::ClaimType(Claim::Nbf), &iat, &nbf("0"), &wrong);
    table.claim(
        TokenError::ClaimType(Claim::Iss),
        r#""iss":"https://issuer.test""#,
        r#""iss" : "https://issuer.test""#,
        &[
            r#""iss":["https://issuer.test"]"#,
            r#""iss":null"#,
            r#""iss":{}"#,
            r#""iss":1"#,
        ],
    );
    table.claim(
        TokenError::ClaimType(Claim::Sub),
        r#""sub":"alice""#,
        r#""sub":"42""#,
        &[
            r#""sub":["alice"]"#,
            r#""sub":null"#,
            r#""sub":42"#,
            r#""sub":true"#,
        ],
    );
    table.claim(
        TokenError::ClaimType(Claim::Aud),
        r#""aud":"vaults""#,
        r#""aud":["other","vaults"]"#,
        &[
            r#""aud":null"#,
            r#""aud":{"vaults":true}"#,
            r#""aud":["vaults",1]"#,
            r#""aud":[["vaults"]]"#,
            r#""aud":7"#,
        ],
    );
    table.claim(
        TokenError::ClaimType(Claim::Roles),
        r#""roles":["vault:owner"]"#,
        r#""roles":[]"#,
        &[
            r#""roles":"vault:owner""#,
            r#""roles":{"vault:owner":true}"#,
            r#""roles":[1]"#,
            r#""roles":null"#,
            r#""roles":[["vault:owner"]]"#,
        ],
    );
    table.check(60);
}

#[test]
fn lists_of_audiences_and_roles_are_bounded() {
    let mut table = Table::default();
    let list = |first: &str, count: usize| {
        let others = (1..count).map(|number| format!(r#","x{number}""#));
        format!("[{first}{}]", others.collect::<String>())
    };
    for (claim, find, first, most) in [
        (Claim::Aud, r#""aud":"vaults""#, r#""vaults""#, 16),
        (
            Claim::Roles,
            r#""roles":["vault:owner"]"#,
            r#""vault:owner""#,
            256,
        ),
    ] {
        let with = |count| format!(r#""{}":{}"#, claim.name(), list(first, count));
        let reason = TokenError::ClaimType(claim);
        table.claim(reason, find, &with(most), &[&with(most + 1)]);
    }
    table.check(2);
}

#[test]
fn claims_say_the_right_thing() {
    let mut table = Table::default();
    table.claim(
        TokenError::UnknownIssuer,
        r#""iss":"https://issuer.test""#,
        r#""iss":  "https://issuer.test""#,
        &[
            r#""iss":"https://issuer.test/""#,
            r#""iss":"https://ISSUER.test""#,
            r#""iss":"http://issuer.test""#,
            r#""iss":"https://issuer.test:443""#,
            r#""iss":"https://evil.test""#,
        ],
    );
    table.claim(
        TokenError::WrongAudience,
        r#""aud":"vaults""#,
        r#""aud":["vaults","other"]"#,
        &[
            r#""aud":"other""#,
            r#""aud":"vault""#,
            r#""aud":"vaults ""#,
            r#""aud":"Vaults""#,
            r#""aud":"""#,
            r#""aud":[]"#,
            r#""aud":["vault","s"]"#,
        ],
    );
    let long = format!(r#""sub":"{}""#, "a".repeat(257));
    let fits = format!(r#""sub":"{}""#, "a".repeat(256));
    table.claim(
        TokenError::ClaimNotAllowed(Claim::Sub),
        r#""sub":"alice""#,
        &fits,
        &[
            &long,
            r#""sub":"""#,
            r#""sub":"a\u0000b""#,
            r#""sub":"a\nb""#,
            r#""sub":"e\u0301""#,
            r#""sub":"\u0085""#,
        ],
    );
    let (exp, iat) = (
        format!(r#""exp":{}"#, NOW + 300),
        format!(r#""iat":{}"#, NOW - 10),
    );
    table.claim(
        TokenError::Expired,
        &exp,
        &format!(r#""exp":{}"#, NOW + 31),
        &[
            &format!(r#""exp":{}"#, NOW + 30),
            &format!(r#""exp":{NOW}"#),
            r#""exp":0"#,
            r#""exp":1"#,
        ],
    );
    table.claim(
        TokenError::NotYetValid,
        &iat,
        &format!(r#""iat":{}"#, NOW + 30),
        &[
            &format!(r#""iat":{}"#, NOW + 31),
            r#""iat":18446744073709551615"#,
        ],
    );
    table.claim(
        TokenError::NotYetValid,
        &iat,
        &format!(r#"{iat},"nbf":{NOW}"#),
        &[&format!(r#"{iat},"nbf":{}"#, NOW + 31)],
    );
    let hash = base64url(&[7; 32]);
    let cnf = |members: &str| format!(r#"{iat},"cnf":{members}"#);
    let bound = |name: &str| cnf(&format!(r#"{{"{name}":"{hash}"}}"#));
    for fine in [bound("jkt"), bound("x5t#S256")] {
        table.claim(
            TokenError::ConfirmationUnsupported,
            &iat,
            &fine,
            &[
                &cnf("null"),
                &cnf("[]"),
                &cnf("{}"),
                &cnf(&format!(r#""{hash}""#)),
                &cnf(r#"{"jkt":"AA"}"#),
                &cnf(r#"{"jkt":7}"#),
                &cnf(&format!(r#"{{"jkt":"{hash}="}}"#)),
                &cnf(&format!(r#"{{"jkt":["{hash}"]}}"#)),
                &cnf(&format!(r#"{{"jkt":"{}"}}"#, base64url(&[7; 33]))),
                &cnf(&format!(r#"{{"jkt":"{}"}}"#, base64url(&[7; 31]))),
                &cnf(&format!(r#"{{"jkt":"{hash}","x5t#S256":"{hash}"}}"#)),
                &cnf(&format!(r#"{{"jkt":"{hash}","kid":"a"}}"#)),
                &bound("JKT"),
                &bound("x5t"),
                &bound("x5t#s256"),
                &bound("jwk"),
                &bound("kid"),
            ],
        );
    }
    table.claim(
        TokenError::DuplicateName,
        &exp,
        &format!(r#""exp":{}"#, NOW + 100),
        &[
            &format!(r#"{exp},"exp":{}"#, NOW + 99_999),
            &format!(r#"{exp},"sub":"mallory""#),
            &format!(r#"{exp},"roles":["vault:manager"]"#),
            &format!(r#"{exp},"\u0065xp":0"#),
            &format!(r#"{exp},"other":{{"a":1,"a":2}}"#),
        ],
    );
    let deep = format!(r#"{exp},"x":{}{}"#, "[".repeat(9), "]".repeat(9));
    let many = format!(r#"{exp},"x":[{}0]"#, "0,".repeat(400));
    let objects = format!(r#"{exp},"x":[{}0]"#, "{\"a\":0},".repeat(200));
    let fine = format!(r#"{exp},"x":{}{}"#, "[".repeat(7), "]".repeat(7));
    table.claim(
        TokenError::ClaimsMalformed,
        &exp,
        &fine,
        &[
            &deep,
            &many,
            &objects,
            r#""exp":01"#,
            r#""exp":+1"#,
            r#""exp":NaN"#,
            r#""exp":Infinity"#,
            r#""exp":"#,
            r#""exp":0x10"#,
        ],
    );
    table.check(39);
}

#[test]
fn what_is_not_a_compact_token_is_refused() {
    let mut table = Table::default();
    let es256 = good(Algorithm::Es256);
    let text = String::from_utf8(es256.clone()).unwrap();
    let parts: Vec<_> = text.split('.').collect();
    let mut refuse = |token: Vec<u8>| {
        let name = String::from_utf8_lossy(&token).into_owned();
        table.row(name, token, TokenError::NotCompact, es256.clone());
    };
    for token in [
        String::new(),
        ".".into(),
        "Bearer".into(),
        format!(" {text}"),
        format!("{text} "),
        format!("{text}\n"),
        format!("{text}="),
        format!("{text}.{}", parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}..{}.{}", parts[0], parts[1], parts[2]),
        format!("{}==.{}.{}", parts[0], parts[1], parts[2]),
        text.replace('.', ","),
        format!("{}+.{}.{}", parts[0], parts[1], parts[2]),
    ] {
        refuse(token.into_bytes());
    }
    refuse(vec![0xff; 40]);
    let long = claims().replace("alice", &"a".repeat(LONGEST));
    table.row(
        "too long",
        signed(
            header(Algorithm::Es256).as_bytes(),
            long.as_bytes(),
            key(Algorithm::Es256),
        ),
        TokenError::TooLong,
        es256.clone(),
    );
    let bounded = |length| verify_token(&vec![b'a'; length], &issuers(), now()).err();
    assert_eq!(bounded(LONGEST), Some(TokenError::NotCompact));
    assert_eq!(bounded(LONGEST + 1), Some(TokenError::TooLong));
    for claims in ["", "null", "[]", r#""x""#, "{", "{}{}", "{\"a\":\"\u{1}\"}"] {
        table.row(
            format!("claims {claims}"),
            signed(
                header(Algorithm::Es256).as_bytes(),
                claims.as_bytes(),
                key(Algorithm::Es256),
            ),
            TokenError::ClaimsMalformed,
            es256.clone(),
        );
    }
    table.check(22);
}

/// What a server does: looks into the cache, else verifies and remembers.
fn cached(
    cache: &mut TokenCache,
    token: &[u8],
    issuers: &IssuerSet,
    now: VaultTime,
) -> Result<VerifiedToken, TokenError> {
    if let Some(verified) = cache.get(token, issuers, now) {
        return Ok(verified);
    }
    let verified = verify_token(token, issuers, now)?;
    cache.remember(&verified, issuers);
    Ok(verified)
}

#[test]
fn only_a_configured_issuer_is_claimed() {
    let issuers = issuers();
    let token = good(Algorithm::Es256);
    assert_eq!(claimed_issuer(&token, &issuers).as_deref(), Some(URL));
    let broken = with_signature(&token, Vec::clear);
    assert_eq!(claimed_issuer(&broken, &issuers).as_deref(), Some(URL));
    assert_eq!(claimed_issuer(b"a.b.c", &issuers), None);
    let other = claims().replace(URL, "https://evil.test");
    let header = header(Algorithm::Es256);
    let token = signed(header.as_bytes(), other.as_bytes(), key(Algorithm::Es256));
    assert_eq!(claimed_issuer(&token, &issuers), None);
}

#[test]
fn each_issuer_uses_the_types_of_its_setting_only() {
    use crate::authn::jwks::KeySet;
    use std::sync::Arc;
    let set = Arc::new(KeySet::parse(jwks().as_bytes()).unwrap());
    let settings = [
        (TokenType::AccessToken, r#","typ":"at+jwt""#),
        (TokenType::Jwt, r#","typ":"JWT""#),
        (TokenType::Absent, ""),
    ];
    for (allowed, _) in settings {
        let issuers =
            IssuerSet::new([rules([allowed])]).with_keys(URL, set.clone(), UnixSeconds(NOW + 600));
        for (shown, member) in settings {
            let header = format!(r#"{{"alg":"ES256","kid":"ES256"{member}}}"#);
            let token = signed(
                header.as_bytes(),
                claims().as_bytes(),
                key(Algorithm::Es256),
            );
            let result = verify_token(&token, &issuers, now()).map(|_| ());
            let expected = match shown == allowed {
                true => Ok(()),
                false => Err(TokenError::TypeNotAllowed),
            };
            assert_eq!(result, expected, "{allowed:?} {shown:?}");
        }
    }
}

#[test]
fn a_token_grants_only_the_roles_that_its_issuer_may_grant() {
    let claims = claims().replace(
        r#"["vault:owner"]"#,
        r#"["vault:manager","vault:owner","root","vault:owner"]"#,
    );
    let token = signed(
        header(Algorithm::EdDsa).as_bytes(),
        claims.as_bytes(),
        key(Algorithm::EdDsa),
    );
    let verified = verify_token(&token, &issuers(), now()).unwrap();
    let proof = verified.as_bearer(None).unwrap();
    let roles: Vec<_> = proof.facts().roles.iter().map(String::as_str).collect();
    assert_eq!(roles, ["vault:owner"]);
    assert_eq!(proof.facts().subject, "alice");
    assert_eq!(proof.facts().issuer, URL);
    assert_eq!(proof.facts().expires_at, UnixSeconds(NOW + 300));
}

#[test]
fn keys_that_are_missing_or_too_old_and_unknown_time_refuse() {
    let token = good(Algorithm::Es256);
    let fresh = issuers();
    let none = IssuerSet::new([rules([TokenType::AccessToken])]);
    assert!(verify_token(&token, &fresh, now()).is_ok());
    assert_eq!(
        verify_token(&token, &none, now()),
        Err(TokenError::KeysStale)
    );
    let late = VaultTime::Known {
        lo: UnixSeconds(NOW),
        hi: UnixSeconds(NOW + 600),
    };
    assert_eq!(
        verify_token(&token, &fresh, late),
        Err(TokenError::KeysStale)
    );
    assert_eq!(
        verify_token(&token, &fresh, VaultTime::Unknown),
        Err(TokenError::TimeUnknown)
    );
}

#[test]
fn the_cache_is_bounded_and_forgets_when_keys_change_or_end() {
    let issuers = issuers();
    let mut cache = TokenCache::new(2);
    let token = good(Algorithm::Es256);
    cached(&mut cache, &token, &issuers, now()).unwrap();
    assert!(cache.get(&token, &issuers, now()).is_some());
    assert!(!cache.is_empty());
    let expired = VaultTime::Known {
        lo: UnixSeconds(NOW),
        hi: UnixSeconds(NOW + 300),
    };
    assert!(cache.get(&token, &issuers, expired).is_none());
    assert_eq!(
        cached(&mut cache, &token, &issuers, expired),
        Err(TokenError::Expired)
    );
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        cached(&mut cache, &good(algorithm), &issuers, now()).unwrap();
    }
    assert_eq!(cache.len(), 2);
    assert!(cache.get(&token, &issuers, now()).is_none());
    let other = crate::authn::jwks::KeySet::parse(
        format!(
            r#"{{"keys":[{{"kid":"next",{}}}]}}"#,
            key(Algorithm::Es256).jwk()
        )
        .as_bytes(),
    )
    .unwrap();
    let rotated = issuers.with_keys(URL, std::sync::Arc::new(other), UnixSeconds(NOW + 600));
    assert!(
        cache
            .get(&good(Algorithm::Rs256), &rotated, now())
            .is_none()
    );
    assert_eq!(
        cached(&mut cache, &token, &rotated, now()),
        Err(TokenError::UnknownKey)
    );
    assert!(cache.is_empty());
}

#[test]
fn refused_tokens_are_not_remembered() {
    let issuers = issuers();
    let mut cache = TokenCache::new(2);
    let bad = with_signature(&good(Algorithm::Es256), |bytes| bytes[0] ^= 1);
    assert_eq!(
        cached(&mut cache, &bad, &issuers, now()),
        Err(TokenError::BadSignature)
    );
    assert!(cache.is_empty());
}
