//! Who asks: as far as a mailbox can tell, an address.

use http::HeaderMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

const FORWARDED: &str = "x-forwarded-for";

/// An IPv4 address, or the 64 bits of an IPv6 one that name a network: its hosts choose the rest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Source(IpAddr);

impl Source {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
            v4 => v4,
        })
    }
}

/// Who holds a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Peer {
    /// Who asks.
    Client(Source),
    /// The proxy that was configured: it says who asks.
    Proxy(Source),
}

impl Peer {
    pub(crate) fn of(address: IpAddr, proxy: Option<IpAddr>) -> Self {
        let source = Source::of(address);
        match proxy.is_some_and(|proxy| proxy.to_canonical() == address.to_canonical()) {
            true => Self::Proxy(source),
            false => Self::Client(source),
        }
    }

    /// Who asks in a request with these headers. What stands before the last address came from the
    /// client, and a header that is no proxy's is whoever's. A proxy that does not say is the source.
    pub(crate) fn source(self, headers: &HeaderMap) -> Source {
        match self {
            Self::Client(source) => source,
            Self::Proxy(source) => forwarded(headers).map_or(source, Source::of),
        }
    }
}

/// The address that was added last, with or without a port.
pub(crate) fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let added = headers.get_all(FORWARDED).iter().next_back()?;
    let last = added.to_str().ok()?.rsplit(',').next()?.trim();
    let with_port = || last.parse::<SocketAddr>().map(|found| found.ip());
    last.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_network_is_one_source() {
        let of = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:2"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }

    #[test]
    fn only_the_proxy_says_who_asks_and_only_what_it_added_counts() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        let (proxy, client) = (at("10.0.0.1"), at("10.0.0.2"));
        let asked = |from, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED, HeaderValue::from_static(line));
            }
            Peer::of(from, Some(proxy)).source(&headers)
        };
        let told = Source::of(at("192.0.2.7"));
        for lines in [
            &["192.0.2.7"][..],
            &["198.51.100.1, 192.0.2.7"],
            &["198.51.100.1,x", "192.0.2.7"],
            &["192.0.2.7:4711"],
            &["::ffff:192.0.2.7"],
        ] {
            assert_eq!(asked(proxy, lines), told, "{lines:?}");
            assert_eq!(asked(client, lines), Source::of(client), "{lines:?}");
        }
        assert_eq!(asked(at("::ffff:10.0.0.1"), &["192.0.2.7"]), told);
        let network = Source::of(at("2001:db8::9"));
        for lines in [&["2001:db8::1"][..], &["[2001:db8::1]:443"]] {
            assert_eq!(asked(proxy, lines), network);
        }
        for lines in [&[][..], &[""], &["192.0.2.7, unknown"], &["192.0.2.7,"]] {
            assert_eq!(asked(proxy, lines), Source::of(proxy), "{lines:?}");
        }
        let none = Peer::of(proxy, None);
        assert_eq!(none, Peer::Client(Source::of(proxy)));
    }
}
