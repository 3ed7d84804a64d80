//! JCS (RFC 8785) restricted to strings, arrays and objects.

use crate::json::{Json, JsonError, Limits};
use std::collections::BTreeMap;
use std::fmt;

/// A value that has one canonical text: no numbers, booleans or nulls.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Canonical {
    /// A string.
    Text(String),
    /// An array, in its given order.
    List(Vec<Canonical>),
    /// An object.
    Map(BTreeMap<String, Canonical>),
}

/// Why a text is not canonical.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CanonicalError {
    /// It is not strict JSON within the limits.
    Json(JsonError),
    /// It holds a number, a boolean or null.
    ForbiddenType,
    /// It is JSON, but not its own canonical text.
    NotCanonical,
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::ForbiddenType => {
                f.write_str("canonical JSON holds only strings, arrays, objects")
            }
            Self::NotCanonical => f.write_str("the text is not in canonical form"),
        }
    }
}

impl std::error::Error for CanonicalError {}

impl Canonical {
    /// A string.
    pub fn text(value: impl fmt::Display) -> Self {
        Self::Text(value.to_string())
    }

    /// An object of the given members; a repeated name keeps the last value.
    pub fn map<const N: usize>(members: [(&str, Canonical); N]) -> Self {
        Self::Map(
            members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        )
    }

    /// An array in the given order.
    pub fn list(items: impl IntoIterator<Item = Canonical>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A set: its members sorted by their canonical bytes, without duplicates.
    pub fn set(items: impl IntoIterator<Item = Canonical>) -> Self {
        let sorted: BTreeMap<Vec<u8>, Canonical> = items
            .into_iter()
            .map(|item| (item.to_bytes(), item))
            .collect();
        Self::List(sorted.into_values().collect())
    }

    /// The value of a member, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Canonical> {
        match self {
            Self::Map(members) => members.get(name),
            Self::Text(_) | Self::List(_) => None,
        }
    }

    /// The string, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// The one text of this value.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    /// Reads a canonical text and refuses every other spelling of the same value.
    pub fn from_bytes(bytes: &[u8], limits: Limits) -> Result<Self, CanonicalError> {
        let json = Json::parse(bytes, limits).map_err(CanonicalError::Json)?;
        let value = Self::from_json(json)?;
        if value.to_bytes() == bytes {
            Ok(value)
        } else {
            Err(CanonicalError::NotCanonical)
        }
    }

    /// Takes parsed JSON that holds only strings, arrays and objects.
    pub fn from_json(json: Json) -> Result<Self, CanonicalError> {
        match json {
            Json::Text(text) => Ok(Self::Text(text)),
            Json::List(items) => items
                .into_iter()
                .map(Self::from_json)
                .collect::<Result<_, _>>()
                .map(Self::List),
            Json::Map(members) => members
                .into_iter()
                .map(|(name, value)| Ok((name, Self::from_json(value)?)))
                .collect::<Result<_, _>>()
                .map(Self::Map),
            Json::Null | Json::Bool(_) | Json::Number(_) => Err(CanonicalError::ForbiddenType),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Text(text) => write_string(text, out),
            Self::List(items) => {
                out.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Map(members) => write_map(members, out),
        }
    }
}

/// RFC 8785, 3.2.3: members sorted by the UTF-16 code units of their names.
fn write_map(members: &BTreeMap<String, Canonical>, out: &mut Vec<u8>) {
    let mut sorted: Vec<_> = members.iter().collect();
    if members.keys().any(|name| !name.is_ascii()) {
        sorted.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    }
    out.push(b'{');
    for (index, (name, value)) in sorted.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        value.write(out);
    }
    out.push(b'}');
}

/// RFC 8785, 3.2.2.2: the shortest escapes, lower-case hex, everything else as UTF-8.
fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            control if control < ' ' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        bytes: 1 << 20,
        depth: 16,
        nodes: 10_000,
    };

    #[test]
    fn sorts_members_by_utf_16_code_units_as_rfc_8785_shows() {
        let text = r#"{"€":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","😀":"Emoji: Grinning Face","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis"}"#;
        let value = Canonical::from_json(Json::parse(text.as_bytes(), LIMITS).unwrap()).unwrap();
        let written = String::from_utf8(value.to_bytes()).unwrap();
        let order: Vec<_> = ["\\r", "1", "\u{80}", "ö", "€", "😀", "\u{fb33}"]
            .iter()
            .map(|name| written.find(&format!("\"{name}\":")).unwrap())
            .collect();
        assert!(order.is_sorted(), "{written}");
    }

    #[test]
    fn refuses_every_spelling_but_the_canonical_one() {
        for text in [
            r#"{"a": "b"}"#,
            r#"{"b":"","a":""}"#,
            r#"["\u0061"]"#,
            r#"["\/"]"#,
            " []",
        ] {
            assert_eq!(
                Canonical::from_bytes(text.as_bytes(), LIMITS),
                Err(CanonicalError::NotCanonical),
                "{text}"
            );
        }
        for text in ["1", "true", "null", r#"{"a":[1]}"#] {
            assert_eq!(
                Canonical::from_bytes(text.as_bytes(), LIMITS),
                Err(CanonicalError::ForbiddenType)
            );
        }
    }

    fn any_canonical() -> impl Strategy<Value = Canonical> {
        let text = "\\PC{0,6}|[\\x00-\\x1f\"\\\\]{0,4}".prop_map(Canonical::Text);
        text.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Canonical::List),
                proptest::collection::btree_map("\\PC{0,4}", inner, 0..5).prop_map(Canonical::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_canonical()) {
            prop_assert_eq!(Canonical::from_bytes(&value.to_bytes(), LIMITS), Ok(value));
        }
    }
}
