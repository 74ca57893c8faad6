//! Who visits: the address that a visit is judged by, and which link of which agent is used. Pure.

use std::net::IpAddr;

use api_types::{AgentId, LinkName, TokenLookup, network::canonical};

/// Who uses which link of which agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub agent: AgentId,
    pub link: TokenLookup,
    /// `None` is the default link.
    pub link_name: Option<LinkName>,
    pub client: ClientAddress,
}

/// The address that a visit is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress {
    /// Never an IPv4-mapped IPv6 address.
    pub ip: IpAddr,
    pub certainty: Certainty,
}

/// Whether the proxies' account of the client could be followed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    Known,
    /// A hop in X-Forwarded-For was not an address: `ip` is the last hop before it.
    Malformed,
}

impl ClientAddress {
    pub fn known(ip: IpAddr) -> Self {
        Self { ip: canonical(ip), certainty: Certainty::Known }
    }

    pub fn malformed(last_known_hop: IpAddr) -> Self {
        Self { ip: canonical(last_known_hop), certainty: Certainty::Malformed }
    }
}
