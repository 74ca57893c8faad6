//! Whose visit it is: the peer's address, or what trusted proxies say of it. Pure.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use api_types::network::canonical;
use ipnetwork::IpNetwork;
use share::verdict::{Denial, Grant, Networks, Share, judge};
use time::OffsetDateTime;

/// The address that a visit is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    /// Never an IPv4-mapped IPv6 address.
    pub ip: IpAddr,
    pub certainty: Certainty,
}

/// Whether the proxies' account could be followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Known,
    /// A hop in X-Forwarded-For was not an address: `ip` is the last hop before it.
    Malformed,
}

/// Walks X-Forwarded-For from the right, as long as the hops are trusted proxies;
/// the first that is not is the client. `forwarded_for` holds the header's values
/// in their order; they count only where the peer itself is trusted.
pub fn client_address<'a>(
    peer: IpAddr,
    trusted: &[IpNetwork],
    forwarded_for: impl DoubleEndedIterator<Item = &'a [u8]>,
) -> ClientAddress {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    let mut ip = canonical(peer);

    for hop in forwarded_for.rev().flat_map(|value| value.rsplit(|byte| *byte == b',')) {
        if !is_trusted(ip) {
            break;
        }
        match parse_hop(hop) {
            Some(hop) => ip = canonical(hop),
            None => return ClientAddress { ip, certainty: Certainty::Malformed },
        }
    }
    ClientAddress { ip, certainty: Certainty::Known }
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

/// The verdict on a visit. Whoever cannot be located is outside every list.
pub fn judge_visit(
    share: Option<&Share>,
    client: ClientAddress,
    now: OffsetDateTime,
) -> Result<Grant, Denial> {
    let verdict = judge(share, client.ip, now);
    let has_list = share.is_some_and(|share| matches!(share.allowed, Networks::Only(_)));
    match (verdict, client.certainty) {
        (Err(denial @ (Denial::Unknown | Denial::Expired)), _) => Err(denial),
        (_, Certainty::Malformed) if has_list => Err(Denial::Network),
        (verdict, _) => verdict,
    }
}

#[cfg(test)]
mod tests;
