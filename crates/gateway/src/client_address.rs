//! Whose visit it is: the peer's address, or what trusted proxies say of it. Pure: it judges
//! nobody.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnetwork::IpNetwork;
use share::ClientAddress;

/// The proxies whose account of a client counts.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNetwork>);

impl TrustedProxies {
    pub fn new(networks: Vec<IpNetwork>) -> Self {
        Self(networks)
    }

    pub fn contain(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(peer))
    }

    /// Walks X-Forwarded-For from the right, as long as the hops are trusted proxies; the first
    /// that is not is the client. `forwarded_for` holds the header's values in their order; they
    /// count only where the peer itself is trusted.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> ClientAddress {
        let mut client = peer;
        for hop in forwarded_for.rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
            if !self.contain(client) {
                break;
            }
            match parse_hop(hop) {
                Some(hop) => client = hop,
                None => return ClientAddress::malformed(client),
            }
        }
        ClientAddress::known(client)
    }
}

/// An address, with a port as some proxies append one.
fn parse_hop(hop: &[u8]) -> Option<IpAddr> {
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let bracketed = || hop.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    hop.parse()
        .ok()
        .or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
        .or_else(|| bracketed().map(IpAddr::V6))
}

#[cfg(test)]
mod tests;
