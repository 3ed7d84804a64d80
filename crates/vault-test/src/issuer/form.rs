//! `application/x-www-form-urlencoded` and HTTP Basic, as far as a token request needs them.

use base64::Engine;
use std::collections::BTreeMap;

/// The members of a form; `None` if a name stands twice or an escape is broken.
pub(crate) fn parse(text: &str) -> Option<BTreeMap<String, String>> {
    let mut members = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if members.insert(unescape(name)?, unescape(value)?).is_some() {
            return None;
        }
    }
    Some(members)
}

/// Id and secret of an `Authorization: Basic` header.
pub(crate) fn basic(header: &str) -> Option<(String, String)> {
    let encoded = header.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(encoded)
        .ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((unescape(id)?, unescape(secret)?))
}

fn unescape(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
                let value = digit(bytes.next())? * 16 + digit(bytes.next())?;
                out.push(u8::try_from(value).ok()?);
            }
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_unescaped_and_doubles_refused() {
        let form = parse("a=b%20c&d=%2B+&e").unwrap();
        assert_eq!(form["a"], "b c");
        assert_eq!(form["d"], "+ ");
        assert_eq!(form["e"], "");
        assert_eq!(parse("a=1&a=2"), None);
        assert_eq!(parse("a=%4"), None);
    }

    #[test]
    fn basic_credentials_are_id_and_secret() {
        let header = "Basic YWxpY2U6cyUzQXA=";
        assert_eq!(basic(header), Some(("alice".into(), "s:p".into())));
        assert_eq!(basic("Bearer x"), None);
    }
}
