//! Networks that a share link may be used from. Admission refuses what is
//! malformed; this is the same judgement for what reaches a program otherwise.

use std::net::IpAddr;

pub use ipnetwork::IpNetwork;

/// Why an entry of `allowedIPs` is no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    #[error(
        "{0:?} is neither an IP address nor a network in CIDR notation, such as 203.0.113.0/24"
    )]
    Malformed(String),
    /// An IPv4 client is matched as IPv4, so such an entry would never match.
    #[error("{0:?} is an IPv4 address written as IPv6; write it as IPv4")]
    Mapped(String),
}

/// The network that `entry` names: CIDR notation, or a bare address for itself
/// alone (/32 or /128). Host bits are allowed, and have no effect.
pub fn parse_allowed(entry: &str) -> Result<IpNetwork, NetworkError> {
    let malformed = || NetworkError::Malformed(entry.to_owned());
    let (address, prefix) = match entry.split_once('/') {
        Some((address, prefix)) => (address, Some(parse_prefix(prefix).ok_or_else(malformed)?)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().map_err(|_| malformed())?;
    if canonical(address) != address {
        return Err(NetworkError::Mapped(entry.to_owned()));
    }
    let longest = if address.is_ipv4() { 32 } else { 128 };
    IpNetwork::new(address, prefix.unwrap_or(longest)).map_err(|_| malformed())
}

/// Decimal digits without sign or leading zero, as the API server reads them.
fn parse_prefix(text: &str) -> Option<u8> {
    let prefix: u8 = text.parse().ok()?;
    (prefix.to_string() == text).then_some(prefix)
}

/// An address as it is compared: IPv4-mapped IPv6 (`::ffff:203.0.113.9`) is IPv4.
pub fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_network() {
        let cases = [
            ("203.0.113.0/24", Some("203.0.113.0/24")),
            ("203.0.113.9/24", Some("203.0.113.9/24")),
            ("203.0.113.9", Some("203.0.113.9/32")),
            ("2001:db8::1", Some("2001:db8::1/128")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("", None),
            ("office", None),
            ("203.0.113.0/33", None),
            ("203.0.113.0/08", None),
            ("203.0.113.0/+8", None),
            ("203.0.113.0/", None),
            ("203.0.113.0/255.255.255.0", None),
            ("203.0.113", None),
            ("203.0.113.09", None),
            (" 203.0.113.9", None),
            ("fe80::1%eth0", None),
            ("::ffff:203.0.113.9", None),
            ("::ffff:203.0.113.0/120", None),
        ];
        for (entry, expected) in cases {
            let network = parse_allowed(entry).ok().map(|network| network.to_string());
            assert_eq!(network.as_deref(), expected, "{entry:?}");
        }
    }

    #[test]
    fn an_ipv4_address_in_ipv6_clothes_says_how_to_write_it() {
        let error = parse_allowed("::ffff:203.0.113.9").unwrap_err();
        assert_eq!(error, NetworkError::Mapped("::ffff:203.0.113.9".into()));
        assert!(error.to_string().contains("write it as IPv4"));
    }

    #[test]
    fn a_mapped_client_is_an_ipv4_client() {
        let client = canonical("::ffff:203.0.113.9".parse().unwrap());
        assert!(parse_allowed("203.0.113.0/24").unwrap().contains(client));
    }
}
