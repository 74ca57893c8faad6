//! The gateway's way to the terminal brokers: all replicas behind one name, a few HTTP/2
//! connections to them, and the least busy one for each opening. It repeats no opening by itself;
//! whoever opens keeps in [`Tried`] where it has been.

mod channel;
mod choice;
mod pool;
mod replica;
mod reported;

use std::{error::Error, fmt, path::Path, sync::Arc, time::Duration};

use daemon::{
    dial::{InvalidDnsNameError, Peer},
    tls::{Certificates, RELOAD_INTERVAL, TlsError},
    traces,
};
use futures::{FutureExt, Stream};
use http::{HeaderMap, Uri};
use hyper::body::Incoming;
use terminal_proto::{
    Messages, attach,
    v1::{AttachRequest, AttachResponse, WakeRequest},
};
use tokio::{net::lookup_host, time::timeout};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::TaskTracker,
};
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tracing::Span;

pub use self::pool::Tried;
use self::{
    channel::Connector,
    pool::{Outcome, Pick, Pool, Resolver},
    replica::Session,
};
use crate::spans;

/// How long a broker may leave an opening unanswered while there is another one to try: longer
/// than opening a terminal takes, and short enough for a second try within a viewer's patience.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);

/// Why there is no way to the brokers.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("the broker's address is not a URL")]
    Url(#[source] http::uri::InvalidUri),
    #[error("the broker's address must be http:// or https:// with a host")]
    Address,
    #[error("the broker's name is not a DNS name")]
    Name(#[source] InvalidDnsNameError),
    #[error("a broker at an https:// address needs --tls-dir")]
    NoTls,
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl BrokerError {
    /// A stable word for metrics and alerts.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Url(_) | Self::Address => "address",
            Self::Name(_) | Self::NoTls | Self::Tls(_) => "tls",
        }
    }
}

/// The brokers. A clone uses the same connections.
#[derive(Clone)]
pub struct Broker {
    origin: Uri,
    pool: Arc<Pool>,
    certificates: Option<Certificates>,
    /// Ends what follows the certificates.
    _end: Arc<DropGuard>,
}

/// An open stream, counted among its broker's until it is dropped.
#[derive(Debug)]
pub struct Attached {
    pub responses: Messages<AttachResponse, Incoming>,
    /// Of this attempt, until its first response.
    pub(crate) attempt: Span,
    _session: Session,
}

impl Broker {
    /// Prepares for the brokers at `url` whose certificates are for `name`. Its host is a headless
    /// Service, or an IP address. `tls_dir` holds `ca.crt`, `tls.crt` and `tls.key` and is
    /// followed; an `http://` URL needs none. Nothing is resolved or connected yet.
    pub async fn new(url: &str, name: &str, tls_dir: Option<&Path>) -> Result<Self, BrokerError> {
        let origin: Uri = url.parse().map_err(BrokerError::Url)?;
        let (host, port) = destination(&origin).ok_or(BrokerError::Address)?;
        let resolver: Resolver = Box::new(move || {
            let host = host.clone();
            async move { Ok(lookup_host((host.as_str(), port)).await?.collect()) }.boxed()
        });

        let (tasks, end) = (TaskTracker::new(), CancellationToken::new());
        let (peer, certificates) = match tls_dir {
            _ if origin.scheme_str() == Some("http") => (None, None),
            None => return Err(BrokerError::NoTls),
            Some(folder) => {
                let (certificates, reload) = Certificates::load(folder).await?;
                let peer = Peer::named(name, certificates.clone()).map_err(BrokerError::Name)?;
                tasks.spawn(reload.run(RELOAD_INTERVAL, end.clone()));
                (Some(peer), Some(certificates))
            }
        };
        let brokers = Self::of(origin, Connector { peer, tasks }, resolver, end);
        Ok(Self { certificates, ..brokers })
    }

    fn of(origin: Uri, connector: Connector, resolver: Resolver, end: CancellationToken) -> Self {
        let pool = Arc::new(Pool::new(connector, resolver));
        Self { origin, pool, certificates: None, _end: Arc::new(end.drop_guard()) }
    }

    /// Opens one viewer of a terminal at a replica that is not in `tried`, if there is one, and
    /// adds it there; the contract is in terminal.proto. Where a connection cannot be had or
    /// breaks, or no answer comes, the status is UNAVAILABLE. The broker is told that it is a part
    /// of `visit`.
    pub async fn attach(
        &self,
        requests: impl Stream<Item = AttachRequest> + Unpin + Send + 'static,
        tried: &mut Tried,
        visit: &Span,
    ) -> Result<Attached, Status> {
        let Pick { address, channel, session } = self.pool.pick(tried).await?;
        let attempt = spans::attach(visit, address);
        let (outcome, responses) = match channel.clone().await {
            None => (Outcome::Broken, Err(Status::unavailable("cannot connect to the broker"))),
            Some(ready) => {
                let mut call = attach::request(&self.origin, requests);
                traces::inject(&attempt, call.headers_mut());
                let responses = ready.attach(call);
                let patience = self.untried(tried).then_some(ANSWER_DEADLINE);
                answer(responses, patience).await
            }
        };
        self.pool.note(address, &channel, outcome);
        let responses = responses.inspect_err(|status| spans::refused(&attempt, status.code()))?;
        Ok(Attached { responses, attempt, _session: session })
    }

    /// Asks one replica after the other to wake an agent, until one of them did or says that it must
    /// not; the contract is in terminal.proto. A replica may have no controller that listens to it,
    /// which says nothing of its terminals.
    pub async fn wake(&self, request: WakeRequest, visit: &Span) -> Result<(), Status> {
        let mut tried = Tried::default();
        loop {
            let woken = self.wake_at_one(request.clone(), &mut tried, visit).await;
            match woken {
                Err(status) if !is_final(&status) && self.untried(&tried) => {}
                woken => return woken,
            }
        }
    }

    async fn wake_at_one(
        &self,
        request: WakeRequest,
        tried: &mut Tried,
        visit: &Span,
    ) -> Result<(), Status> {
        let Pick { address, channel, session: _session } = self.pool.pick(tried).await?;
        let attempt = spans::wake(visit, address);
        let Some(ready) = channel.clone().await else {
            self.pool.note(address, &channel, Outcome::Broken);
            return Err(Status::unavailable("cannot connect to the broker"));
        };
        let (mut call, mut headers) = (Request::new(request), HeaderMap::new());
        traces::inject(&attempt, &mut headers);
        *call.metadata_mut() = MetadataMap::from_headers(headers);
        let (outcome, woken) = answer(ready.wake(self.origin.clone(), call), None).await;
        if outcome == Outcome::Broken {
            self.pool.note(address, &channel, outcome);
        }
        woken.inspect_err(|status| spans::refused(&attempt, status.code()))
    }

    /// Whether there is a replica that this opening has not tried.
    pub fn untried(&self, tried: &Tried) -> bool {
        self.pool.untried(tried)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Broker").field(&self.origin).finish()
    }
}

/// What the broker says; what the connection says of itself is UNAVAILABLE.
async fn answer<T>(
    answer: impl Future<Output = Result<T, Status>>,
    patience: Option<Duration>,
) -> (Outcome, Result<T, Status>) {
    let answered = match patience {
        Some(patience) => timeout(patience, answer).await,
        None => Ok(answer.await),
    };
    match answered {
        Err(_) => (Outcome::Broken, Err(Status::unavailable("the broker does not answer"))),
        // A status that a broker sent has no cause.
        Ok(Err(status)) if status.source().is_some() => {
            tracing::debug!(error = status.message(), "a connection to a broker broke");
            (Outcome::Broken, Err(Status::unavailable("the connection to the broker broke")))
        }
        Ok(Err(status)) if status.code() == Code::Unavailable => {
            (Outcome::Unavailable, Err(status))
        }
        Ok(answered) => (Outcome::Answered, answered),
    }
}

/// Whether another replica would say the same of a wish to wake an agent.
fn is_final(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::FailedPrecondition | Code::PermissionDenied | Code::InvalidArgument
    )
}

/// Host and port of an origin.
fn destination(origin: &Uri) -> Option<(String, u16)> {
    let default = match origin.scheme_str()? {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    // An IPv6 address stands in brackets.
    let host = origin.host()?.trim_matches(['[', ']']);
    Some((host.to_owned(), origin.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests;
