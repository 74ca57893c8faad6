//! What proxies say of a request, where they are trusted; and a word in the log where they are not,
//! since all visitors then look like one. It judges no visit.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use share::ClientAddress;

use crate::{client_address::TrustedProxies, origin::OwnAddress};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The trusted proxies, and whether another one was seen.
#[derive(Debug)]
pub(super) struct ProxyCheck {
    trusted: TrustedProxies,
    warned: AtomicBool,
}

impl ProxyCheck {
    pub(super) fn new(trusted: TrustedProxies) -> Self {
        Self { trusted, warned: AtomicBool::new(false) }
    }

    pub(super) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted.contain(peer)
    }

    /// The client behind `peer`.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> ClientAddress {
        if headers.contains_key(FORWARDED_FOR)
            && !self.trusts(peer)
            && !self.warned.swap(true, Relaxed)
        {
            tracing::warn!(
                %peer,
                "X-Forwarded-For from a peer that is not in --trusted-proxies is ignored: if that \
                 peer is a proxy of yours, all its visitors are taken for one client"
            );
        }
        let hops: Vec<&[u8]> =
            headers.get_all(FORWARDED_FOR).iter().map(HeaderValue::as_bytes).collect();
        self.trusted.client(peer, hops.into_iter())
    }
}

/// The gateway's address as a trusted proxy was asked for it; `host` where it does not say.
pub(super) fn own_address<'a>(headers: &'a HeaderMap, host: Option<&'a str>) -> OwnAddress<'a> {
    let forwarded = text(headers, &FORWARDED_HOST);
    OwnAddress { host: forwarded.or(host), scheme: text(headers, &FORWARDED_PROTO) }
}

/// A header as text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
