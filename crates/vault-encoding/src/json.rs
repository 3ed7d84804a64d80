//! A strict, bounded JSON reader (RFC 8259): no duplicate names, no trailing bytes, no
//! unpaired surrogates, nothing beyond the limits.

use std::collections::BTreeMap;
use std::fmt;

/// Parsed JSON. A number is kept as its text, so that nothing is rounded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    List(Vec<Json>),
    /// An object; its names are unique.
    Map(BTreeMap<String, Json>),
}

/// Bounds of one text. Memory is bounded by a small multiple of `bytes`.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Length of the text.
    pub bytes: usize,
    /// Nesting of arrays and objects.
    pub depth: usize,
    /// Values, names not counted.
    pub nodes: usize,
}

/// Why a text is refused; offsets are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum JsonError {
    /// Longer than the limit.
    TooLong,
    /// Nested deeper than the limit.
    TooDeep,
    /// More values than the limit.
    TooManyNodes,
    /// Not UTF-8.
    NotUtf8,
    /// The text ends in the middle of a value.
    Truncated,
    /// A byte that cannot stand there.
    Unexpected(usize),
    /// A name that its object has already.
    DuplicateName(usize),
    /// Bytes behind the value.
    TrailingBytes(usize),
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("JSON is longer than allowed"),
            Self::TooDeep => f.write_str("JSON is nested deeper than allowed"),
            Self::TooManyNodes => f.write_str("JSON holds more values than allowed"),
            Self::NotUtf8 => f.write_str("JSON is not UTF-8"),
            Self::Truncated => f.write_str("JSON ends early"),
            Self::Unexpected(at) => write!(f, "unexpected character in JSON at byte {at}"),
            Self::DuplicateName(at) => write!(f, "duplicate name in JSON at byte {at}"),
            Self::TrailingBytes(at) => write!(f, "bytes behind the JSON value at byte {at}"),
        }
    }
}

impl std::error::Error for JsonError {}

impl Json {
    /// Reads one JSON text.
    pub fn parse(bytes: &[u8], limits: Limits) -> Result<Self, JsonError> {
        if bytes.len() > limits.bytes {
            return Err(JsonError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| JsonError::NotUtf8)?;
        let mut reader = Reader {
            text,
            at: 0,
            nodes: limits.nodes,
        };
        let value = reader.value(limits.depth)?;
        reader.skip_space();
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err(JsonError::TrailingBytes(reader.at)),
        }
    }

    /// The value of a member, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Self::Map(members) => members.get(name),
            _ => None,
        }
    }

    /// The string, if this is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, if this is one without sign, point or exponent and fits.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(digits) => digits.parse().ok(),
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    nodes: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, JsonError> {
        let byte = self.peek().ok_or(JsonError::Truncated)?;
        self.at += 1;
        Ok(byte)
    }

    fn unexpected<T>(&self) -> Result<T, JsonError> {
        match self.peek() {
            None => Err(JsonError::Truncated),
            Some(_) => Err(JsonError::Unexpected(self.at)),
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), JsonError> {
        for byte in wanted.bytes() {
            if self.peek() != Some(byte) {
                return self.unexpected();
            }
            self.at += 1;
        }
        Ok(())
    }

    fn value(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.skip_space();
        self.nodes = self.nodes.checked_sub(1).ok_or(JsonError::TooManyNodes)?;
        match self.peek() {
            Some(b'{') => self.map(depth.checked_sub(1).ok_or(JsonError::TooDeep)?),
            Some(b'[') => self.list(depth.checked_sub(1).ok_or(JsonError::TooDeep)?),
            Some(b'"') => self.string().map(Json::Text),
            Some(b't') => self.expect("true").map(|()| Json::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Json::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Json::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.unexpected(),
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.expect("[")?;
        let mut items = Vec::new();
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return self.unexpected(),
            }
        }
        self.at += 1;
        Ok(Json::List(items))
    }

    fn map(&mut self, depth: usize) -> Result<Json, JsonError> {
        self.expect("{")?;
        let mut members = BTreeMap::new();
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Map(members));
        }
        loop {
            self.skip_space();
            let start = self.at;
            let name = self.string()?;
            if members.contains_key(&name) {
                return Err(JsonError::DuplicateName(start));
            }
            self.skip_space();
            self.expect(":")?;
            let value = self.value(depth)?;
            members.insert(name, value);
            self.skip_space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return self.unexpected(),
            }
        }
        self.at += 1;
        Ok(Json::Map(members))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.expect("\"")?;
        let mut out = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            // The run ends at an ASCII byte or at the end: a character boundary both ways.
            out.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                _ => return self.unexpected(),
            }
        }
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        let at = self.at;
        Ok(match self.next()? {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(at),
            _ => return Err(JsonError::Unexpected(at)),
        })
    }

    fn unicode_escape(&mut self, at: usize) -> Result<char, JsonError> {
        let first = self.four_hex_digits()?;
        let scalar = if (0xd800..0xdc00).contains(&first) {
            self.expect("\\u")?;
            let second = self.four_hex_digits()?;
            if !(0xdc00..0xe000).contains(&second) {
                return Err(JsonError::Unexpected(at));
            }
            0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
        } else {
            first
        };
        char::from_u32(scalar).ok_or(JsonError::Unexpected(at))
    }

    fn four_hex_digits(&mut self) -> Result<u32, JsonError> {
        let mut value = 0;
        for _ in 0..4 {
            let at = self.at;
            let digit = char::from(self.next()?)
                .to_digit(16)
                .ok_or(JsonError::Unexpected(at))?;
            value = value * 16 + digit;
        }
        Ok(value)
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            _ => return self.unexpected(),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Json::Number(
            self.text.get(start..self.at).unwrap_or_default().to_owned(),
        ))
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return self.unexpected();
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        bytes: 256,
        depth: 3,
        nodes: 20,
    };

    fn parse(text: &str) -> Result<Json, JsonError> {
        Json::parse(text.as_bytes(), LIMITS)
    }

    #[test]
    fn reads_every_kind_of_value() {
        let json = parse(r#" {"a":[null,true,false,-0.5e+3,"x\n\u00e9\ud83d\ude00"],"b":{}} "#);
        let json = json.unwrap();
        assert_eq!(json.get("b"), Some(&Json::Map(BTreeMap::new())));
        let Some(Json::List(items)) = json.get("a") else {
            panic!("{json:?}")
        };
        assert_eq!(items[3], Json::Number("-0.5e+3".into()));
        assert_eq!(items[4].as_text(), Some("x\né😀"));
    }

    #[test]
    fn refuses_what_rfc_8259_does_not_allow() {
        for text in [
            "",
            "01",
            "+1",
            "1.",
            ".5",
            "1e",
            "nul",
            "[1,]",
            "[,]",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":1,}",
            "'a'",
            "\"\t\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "[1",
            "{",
            "\"a",
            "1 2",
            "NaN",
            "\u{feff}1",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Json::parse(&[b'"', 0xff, b'"'], LIMITS),
            Err(JsonError::NotUtf8)
        );
    }

    #[test]
    fn refuses_duplicate_names_also_when_escaped_differently() {
        assert_eq!(
            parse(r#"{"a":1,"\u0061":2}"#),
            Err(JsonError::DuplicateName(7))
        );
    }

    #[test]
    fn holds_every_limit_at_both_ends() {
        assert!(parse("[[[]]]").is_ok());
        assert_eq!(parse("[[[[]]]]"), Err(JsonError::TooDeep));
        let twenty = format!("[{}1]", "1,".repeat(18));
        assert!(parse(&twenty).is_ok());
        assert_eq!(
            parse(&format!("[{}1]", "1,".repeat(19))),
            Err(JsonError::TooManyNodes)
        );
        assert!(parse(&format!("\"{}\"", "a".repeat(254))).is_ok());
        assert_eq!(
            parse(&format!("\"{}\"", "a".repeat(255))),
            Err(JsonError::TooLong)
        );
    }

    #[test]
    fn whole_numbers_have_one_spelling() {
        assert_eq!(
            parse("18446744073709551615").unwrap().as_u64(),
            Some(u64::MAX)
        );
        for text in ["18446744073709551616", "1.0", "1e2", "-1", "\"1\""] {
            assert_eq!(parse(text).unwrap().as_u64(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Json::parse(&bytes, LIMITS);
        }
    }
}
