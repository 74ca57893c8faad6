//! How often a client's requests may fail, and a link be used. A valid token is bounded by its
//! link's limits alone, whatever others do from the same address. It counts in memory,
//! which is bounded: a refused request costs nothing but its answer.

use std::{num::NonZeroU32, time::Duration};

use api_types::TokenLookup;
use daemon::ClientKey;
use governor::Quota;
use tokio::time::Instant;

mod table;

use table::{Bucket, Table};

/// How much one client, and one link, may do.
#[derive(Clone, Debug)]
pub struct RequestLimits {
    /// Failed requests of one client, and as many for files of the page.
    pub client: Rate,
    /// Wrong tokens of one client a minute, and at once.
    pub wrong_tokens: NonZeroU32,
    /// How long a client that tried more is turned away, unless its token is valid.
    pub lockout: Duration,
    /// Requests with one link's token.
    pub link: Rate,
    /// Terminals opened through one link.
    pub openings: Rate,
}

/// A rate, and what may come at once after a pause.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_minute: NonZeroU32,
    pub burst: NonZeroU32,
}

impl Rate {
    fn quota(self) -> Quota {
        Quota::per_minute(self.per_minute).allow_burst(self.burst)
    }
}

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Assets,
    FailedRequests,
    WrongTokens,
    LinkRequests,
    LinkOpenings,
}

impl Limit {
    /// A label for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Assets => "assets",
            Self::FailedRequests => "failed_requests",
            Self::WrongTokens => "wrong_tokens",
            Self::LinkRequests => "link_requests",
            Self::LinkOpenings => "link_openings",
        }
    }
}

/// A refusal, and when trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub limit: Limit,
    pub retry_after: Duration,
}

/// What a wrong token comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongToken {
    Counted,
    /// One too many: the client is locked out from now on.
    LocksOut(Refused),
    LockedOut(Refused),
}

/// The state of all clients and links.
pub struct Limits {
    lockout: Duration,
    clients: Table<ClientKey, Client>,
    links: Table<TokenLookup, Link>,
}

struct Client {
    assets: Bucket,
    failed: Bucket,
    wrong_tokens: Bucket,
    locked_until: Option<Instant>,
}

struct Link {
    requests: Bucket,
    openings: Bucket,
}

impl Limits {
    pub fn new(limits: &RequestLimits) -> Self {
        let [client, link, openings] =
            [limits.client, limits.link, limits.openings].map(Rate::quota);
        let wrong_tokens = Quota::per_minute(limits.wrong_tokens);
        let clients = Table::new(limits.lockout, move |now| Client {
            assets: Bucket::new(client, now),
            failed: Bucket::new(client, now),
            wrong_tokens: Bucket::new(wrong_tokens, now),
            locked_until: None,
        });
        let links = Table::new(Duration::ZERO, move |now| Link {
            requests: Bucket::new(link, now),
            openings: Bucket::new(openings, now),
        });
        Self { lockout: limits.lockout, clients, links }
    }

    /// Counts a file of the page.
    pub fn asset(&self, client: ClientKey) -> Result<(), Refused> {
        self.clients.with(client, |client, now| client.assets.take(Limit::Assets, now))
    }

    /// Counts a request that failed for another reason than its token.
    pub fn failed(&self, client: ClientKey) -> Result<(), Refused> {
        self.clients.with(client, |client, now| client.failed.take(Limit::FailedRequests, now))
    }

    /// Counts a token that opens nothing.
    pub fn wrong_token(&self, client: ClientKey) -> WrongToken {
        let refused = |retry_after| Refused { limit: Limit::WrongTokens, retry_after };
        self.clients.with(client, |client, now| {
            if let Some(until) = client.locked_until.filter(|until| *until > now) {
                return WrongToken::LockedOut(refused(until - now));
            }
            if client.wrong_tokens.take(Limit::WrongTokens, now).is_ok() {
                return WrongToken::Counted;
            }
            client.locked_until = Some(now + self.lockout);
            WrongToken::LocksOut(refused(self.lockout))
        })
    }

    /// Counts a request with a known link's token.
    pub fn link_request(&self, link: TokenLookup) -> Result<(), Refused> {
        self.links.with(link, |link, now| link.requests.take(Limit::LinkRequests, now))
    }

    /// Counts a terminal that is about to open through a link.
    pub fn link_opening(&self, link: TokenLookup) -> Result<(), Refused> {
        self.links.with(link, |link, now| link.openings.take(Limit::LinkOpenings, now))
    }
}

#[cfg(test)]
mod tests;
