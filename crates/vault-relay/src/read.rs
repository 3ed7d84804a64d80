//! Bodies: strict JSON within bounds, kept as its one canonical text. What a bundle or an answer
//! says is not for the relay to judge; that it is one, is.

use crate::post::{Posting, RequestId};
use crate::refused::Refused;
use bytes::Bytes;
use vault_encoding::{Canonical, Hash, Json, Limits, text};

/// Longest bundle.
pub(crate) const BUNDLE: usize = 512 << 10;
/// Longest answer: one OIDC approval for each of 16 vaults.
pub(crate) const ANSWER: usize = 64 << 10;
/// Longest body of a posting: the bundle, mailboxes, and a byte for each that JSON may escape.
pub(crate) const POSTING: usize = BUNDLE + (16 << 10);
/// Mailboxes of one request: one for each credential of the managers asked.
pub(crate) const MAILBOXES: usize = 64;
/// How long a request lives whose poster does not say.
const AN_HOUR: u64 = 3600;

const BUNDLE_FORMAT: &str = "enclave-vaults/approval-bundle/v1";
const ANSWER_FORMAT: &str = "enclave-vaults/approval-answer/v1";

/// `{"mailboxes":[HEX32…],"bundle":{…},"ttl":SECONDS}`.
pub(crate) fn posting(body: &[u8]) -> Result<Posting, Refused> {
    let Json::Map(mut members) = json(body, POSTING)? else {
        return Err(Refused::Body("a request is an object"));
    };
    let mailboxes = mailboxes(members.remove("mailboxes"))?;
    let bundle = members.remove("bundle");
    let bundle = bundle.ok_or(Refused::Body("the bundle is missing"))?;
    let ttl = match members.remove("ttl") {
        None => AN_HOUR,
        Some(ttl) => ttl
            .as_u64()
            .filter(|ttl| *ttl > 0)
            .ok_or(Refused::Body("ttl is a whole number of seconds, from 1"))?,
    };
    if !members.is_empty() {
        return Err(Refused::Body("a request has mailboxes, bundle and ttl"));
    }
    Ok(Posting {
        mailboxes,
        bundle: canonical(bundle, BUNDLE_FORMAT, BUNDLE)?,
        ttl,
    })
}

/// An answer, in its canonical text.
pub(crate) fn answer(body: &[u8]) -> Result<Bytes, Refused> {
    canonical(json(body, ANSWER)?, ANSWER_FORMAT, ANSWER)
}

/// A request's id in a path.
pub(crate) fn request_id(segment: &str) -> Option<RequestId> {
    let bytes = text::unbase32(segment)?;
    bytes.try_into().ok().map(RequestId)
}

/// Distinct, and at least one.
fn mailboxes(value: Option<Json>) -> Result<Vec<Hash>, Refused> {
    const PROBLEM: Refused = Refused::Body("mailboxes are 1 to 64 distinct hashes in hex");
    let Some(Json::List(items)) = value else {
        return Err(PROBLEM);
    };
    let read = |item: &Json| item.as_text().and_then(Hash::from_hex);
    let found: Option<Vec<Hash>> = items.iter().map(read).collect();
    let mut found = found.ok_or(PROBLEM)?;
    found.sort_unstable();
    let count = found.len();
    found.dedup();
    match found.len() == count && (1..=MAILBOXES).contains(&count) {
        true => Ok(found),
        false => Err(PROBLEM),
    }
}

fn json(body: &[u8], bytes: usize) -> Result<Json, Refused> {
    let limits = Limits {
        bytes,
        depth: 8,
        nodes: 1024,
    };
    Json::parse(body, limits).map_err(|_| Refused::Body("not strict JSON within the bounds"))
}

fn canonical(json: Json, format: &str, longest: usize) -> Result<Bytes, Refused> {
    let value = Canonical::from_json(json)
        .map_err(|_| Refused::Body("bundles and answers hold strings, arrays and objects"))?;
    if value.get("format").and_then(Canonical::as_text) != Some(format) {
        return Err(Refused::Body("a format that this relay does not carry"));
    }
    let bytes = value.to_bytes();
    match bytes.len() <= longest {
        true => Ok(bytes.into()),
        false => Err(Refused::TooLong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAILBOX: &str = "0000000000000000000000000000000000000000000000000000000000000001";

    fn body(mailboxes: &str, bundle: &str, rest: &str) -> String {
        format!("{{\"mailboxes\":{mailboxes},\"bundle\":{bundle}{rest}}}")
    }

    #[test]
    fn a_posting_is_read_and_its_bundle_kept_in_canonical_form() {
        let bundle = format!("{{ \"x\": [\"\\u0061\"], \"format\": \"{BUNDLE_FORMAT}\" }}");
        let found = posting(body(&format!("[\"{MAILBOX}\"]"), &bundle, "").as_bytes()).unwrap();
        assert_eq!(found.ttl, AN_HOUR);
        assert_eq!(found.mailboxes.len(), 1);
        let expected = format!("{{\"format\":\"{BUNDLE_FORMAT}\",\"x\":[\"a\"]}}");
        assert_eq!(found.bundle, expected);
    }

    #[test]
    fn hostile_json_is_refused() {
        let one = format!("[\"{MAILBOX}\"]");
        let fine = format!("{{\"format\":\"{BUNDLE_FORMAT}\"}}");
        assert!(posting(body(&one, &fine, ",\"ttl\":5").as_bytes()).is_ok());
        let deep = format!(
            "{{\"format\":\"{BUNDLE_FORMAT}\",\"x\":{}{}}}",
            "[".repeat(9),
            "]".repeat(9)
        );
        let wide = format!(
            "{{\"format\":\"{BUNDLE_FORMAT}\",\"x\":[{}\"\"]}}",
            "\"\",".repeat(2000)
        );
        let many = format!("[{}\"{MAILBOX}\"]", format!("\"{MAILBOX}\",").repeat(64));
        for wrong in [
            String::new(),
            "[]".into(),
            "{}".into(),
            format!("{} {{}}", body(&one, &fine, "")),
            body("[]", &fine, ""),
            body("{}", &fine, ""),
            body("[\"00\"]", &fine, ""),
            body(&format!("[\"{MAILBOX}\",\"{MAILBOX}\"]"), &fine, ""),
            body(&many, &fine, ""),
            body(&one, "{}", ""),
            body(
                &one,
                "{\"format\":\"enclave-vaults/approval-answer/v1\"}",
                "",
            ),
            body(
                &one,
                &format!("{{\"format\":\"{BUNDLE_FORMAT}\",\"x\":1}}"),
                "",
            ),
            body(
                &one,
                &format!("{{\"format\":\"{BUNDLE_FORMAT}\",\"x\":null}}"),
                "",
            ),
            body(&one, &deep, ""),
            body(&one, &wide, ""),
            body(&one, &fine, ",\"bundle\":{}"),
            body(&one, &fine, ",\"surprise\":\"\""),
            body(&one, &fine, ",\"ttl\":0"),
            body(&one, &fine, ",\"ttl\":-1"),
            body(&one, &fine, ",\"ttl\":1e3"),
            body(&one, &fine, ",\"ttl\":\"60\""),
            body(&one, &fine, ",\"ttl\":18446744073709551616"),
        ] {
            assert!(posting(wrong.as_bytes()).is_err(), "{wrong:.200}");
        }
        assert!(posting(&[0xff]).is_err());
    }

    #[test]
    fn the_longest_bundle_and_answer_are_taken_and_none_longer() {
        let text = |format: &str, length: usize| {
            let short = format!("{{\"format\":\"{format}\",\"x\":\"\"}}").len();
            format!(
                "{{\"format\":\"{format}\",\"x\":\"{}\"}}",
                "x".repeat(length - short)
            )
        };
        assert_eq!(
            answer(text(ANSWER_FORMAT, ANSWER).as_bytes())
                .unwrap()
                .len(),
            ANSWER
        );
        assert!(answer(text(ANSWER_FORMAT, ANSWER + 1).as_bytes()).is_err());
        let whole = |length| {
            body(
                &format!("[\"{MAILBOX}\"]"),
                &text(BUNDLE_FORMAT, length),
                "",
            )
        };
        assert_eq!(
            posting(whole(BUNDLE).as_bytes()).unwrap().bundle.len(),
            BUNDLE
        );
        assert_eq!(
            posting(whole(BUNDLE + 1).as_bytes()).err(),
            Some(Refused::TooLong)
        );
    }

    #[test]
    fn ids_have_one_text() {
        let id = RequestId([7; 16]);
        let text = text::base32(&id.0);
        assert_eq!(request_id(&text), Some(id));
        for wrong in [
            "",
            "a",
            &text[1..],
            &text.to_uppercase(),
            &format!("{text}a"),
        ] {
            assert_eq!(request_id(wrong), None);
        }
    }
}
