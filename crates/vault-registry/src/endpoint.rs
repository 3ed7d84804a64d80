//! Host and port, in the one form that is listed.

use std::fmt;

/// Longest endpoint: a host name of 255 bytes, a colon, five digits, and a byte to spare.
const LONGEST: usize = 262;

/// `host:port`, printable, with a port. Nothing is known of who answers there.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// `None` unless it is a name, an IPv4 address or an IPv6 address in brackets, with a port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port_fine = port.len() <= 5
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port != 0);
        let fine = text.len() <= LONGEST && port_fine && is_host(host);
        fine.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => {
            let address = rest.strip_suffix(']');
            address.is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok())
        }
        None => {
            let name = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            !host.is_empty() && host.bytes().all(name)
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_with_a_port_are_endpoints() {
        for fine in [
            "127.0.0.1:1",
            "[::1]:65535",
            "vault-1.example.com:7443",
            "a_b:80",
        ] {
            assert_eq!(Endpoint::parse(fine).unwrap().as_str(), fine);
        }
        let longest = format!("{}:65535", "a".repeat(LONGEST - 6));
        assert!(Endpoint::parse(&longest).is_some());
    }

    #[test]
    fn whatever_else_is_refused() {
        let too_long = format!("{}:65535", "a".repeat(LONGEST - 5));
        for wrong in [
            "",
            ":",
            "a",
            "a:",
            ":1",
            "a:0",
            "a:65536",
            "a:+1",
            "a:000001",
            "::1:1",
            "[::1:1",
            "[a]:1",
            "a b:1",
            "a\n:1",
            "http://a:1",
            "a:1/",
            "u@a:1",
            "ä:1",
            "\u{1b}[2J:1",
            &too_long,
        ] {
            assert_eq!(Endpoint::parse(wrong), None, "{wrong:?}");
        }
    }
}
