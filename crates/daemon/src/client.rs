//! Pure: which addresses are taken for one client. It must not decide what a client may do.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

/// Whom limits take for one client: an IPv4 address (an IPv4-mapped IPv6 address is one too), or
/// an IPv6 /64, since one household or machine has a whole /64 to choose addresses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(IpAddr);

impl From<IpAddr> for ClientKey {
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
            ip @ IpAddr::V4(_) => ip,
        })
    }
}

impl fmt::Display for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(ip) => write!(f, "{ip}"),
            IpAddr::V6(ip) => write!(f, "{ip}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ip: &str) -> String {
        ClientKey::from(ip.parse::<IpAddr>().unwrap()).to_string()
    }

    #[test]
    fn an_ipv6_client_is_its_slash_64_and_an_ipv4_client_its_address() {
        assert_eq!(key("192.0.2.7"), "192.0.2.7");
        assert_eq!(key("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(key("2001:db8:0:1:aaaa::1"), "2001:db8:0:1::/64");
        assert_eq!(key("2001:db8:0:1:bbbb::2"), key("2001:db8:0:1::"));
        assert_ne!(key("2001:db8:0:2::1"), key("2001:db8:0:1::1"));
    }
}
