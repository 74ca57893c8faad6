//! Listens to every broker there is, for as long as it is polled. A broker that cannot be heard is
//! tried again; nothing is asked of the API server but the watch of the brokers' addresses.

use std::{
    collections::HashMap, convert::Infallible, net::SocketAddr, path::PathBuf, time::Duration,
};

use api_types::AgentId;
use backon::{BackoffBuilder, ExponentialBuilder};
use daemon::{
    chain, clock,
    dial::{InvalidDnsNameError, Peer},
    tls::{Certificates, RELOAD_INTERVAL, TlsError},
};
use futures::{
    StreamExt, TryStreamExt,
    future::{AbortHandle, Abortable, BoxFuture},
    stream::FuturesUnordered,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::{
    Api, Client,
    runtime::{WatchStreamExt, reflector::store, watcher},
};
use terminal_proto::v1::{
    AgentActivity, AgentIdentity, WatchActivityRequest,
    terminal_broker_client::TerminalBrokerClient, watch_activity_response::Event,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Activities, BrokerUrl, Hearing,
    channel::connect,
    endpoints::{Security, endpoints},
};
use crate::metrics::Metrics;

/// The waits before a broker that cannot be heard is tried again.
const RETRY_WAITS: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// How often it is looked whether there are certificates by now.
const CERTIFICATES_WAIT: Duration = Duration::from_secs(30);

/// Which brokers, and how they are reached.
#[derive(Clone, Debug)]
pub struct Brokers {
    pub url: BrokerUrl,
    /// What their certificates must be for.
    pub name: String,
    /// Where the URL does not say it.
    pub namespace: String,
    pub tls_dir: Option<PathBuf>,
}

/// Why a broker is not heard.
#[derive(Debug, thiserror::Error)]
enum HearError {
    #[error("cannot connect")]
    Connect(#[from] tonic::transport::Error),
    #[error("the call failed")]
    Call(#[from] Box<tonic::Status>),
    #[error("the broker ended the call")]
    Ended,
    #[error("the broker's message is not understood")]
    Message,
    #[error(transparent)]
    TooMany(#[from] super::ledger::TooMany),
}

/// Why there is nothing to show to brokers.
#[derive(Debug, thiserror::Error)]
enum SecurityError {
    #[error("--tls-dir is not set")]
    NoFolder,
    #[error("--broker-name is not a DNS name")]
    Name(#[from] InvalidDnsNameError),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// Never ends by itself.
pub async fn listen(activities: Activities, brokers: Brokers, client: Client, metrics: &Metrics) {
    let (peer, renewal) = security(&activities, &brokers, metrics).await;
    let addresses = follow_all(activities, brokers, client, peer);
    futures::future::join(renewal, addresses).await;
}

/// Waits until there are certificates, where they are needed: an installation may get them later.
async fn security(
    activities: &Activities,
    brokers: &Brokers,
    metrics: &Metrics,
) -> (Option<Peer>, BoxFuture<'static, ()>) {
    let mut reported = String::new();
    loop {
        let error = match certificates(brokers, metrics).await {
            Ok(found) => {
                activities.update(|ledger| ledger.hearing(Hearing::Possible));
                return found;
            }
            Err(error) => chain(&error),
        };
        activities.update(|ledger| ledger.hearing(Hearing::Impossible));
        if error != reported {
            tracing::warn!(error, "cannot listen to terminal brokers: no agent falls asleep");
            reported = error;
        }
        sleep(CERTIFICATES_WAIT).await;
    }
}

async fn certificates(
    brokers: &Brokers,
    metrics: &Metrics,
) -> Result<(Option<Peer>, BoxFuture<'static, ()>), SecurityError> {
    if brokers.url.security == Security::None {
        return Ok((None, Box::pin(std::future::ready(()))));
    }
    let folder = brokers.tls_dir.as_ref().ok_or(SecurityError::NoFolder)?;
    let (certificates, reload) = Certificates::load(folder).await?;
    let peer = Peer::named(&brokers.name, certificates.clone())?;
    metrics.report_certificates(&certificates);
    // It ends with the future that polls it.
    let renewal = reload.run(RELOAD_INTERVAL, CancellationToken::new());
    Ok((Some(peer), Box::pin(renewal)))
}

async fn follow_all(activities: Activities, brokers: Brokers, client: Client, peer: Option<Peer>) {
    let namespace = brokers.url.namespace.as_ref().unwrap_or(&brokers.namespace);
    let slices: Api<EndpointSlice> = Api::namespaced(client, namespace);
    let of_service = format!("kubernetes.io/service-name={}", brokers.url.service);
    let (cache, writer) = store();
    let config = watcher::Config::default().labels(&of_service);
    let mut changes = watcher(slices, config).default_backoff().reflect(writer).boxed();

    let mut calls = FuturesUnordered::new();
    let mut open: HashMap<SocketAddr, AbortHandle> = HashMap::new();
    loop {
        let change = tokio::select! {
            biased;
            change = changes.next() => change,
            // One that was aborted.
            Some(_) = calls.next(), if !calls.is_empty() => continue,
        };
        match change {
            Some(Ok(watcher::Event::Init | watcher::Event::InitApply(_))) => continue,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "the watch of the brokers' addresses failed; retrying");
                continue;
            }
            // A watch does not end.
            None => return,
        }
        let listed = endpoints(&cache.state(), brokers.url.port);
        activities.update(|ledger| ledger.list(&listed, clock::now()));
        open.retain(|address, call| {
            let stays = listed.contains_key(address);
            if !stays {
                call.abort();
            }
            stays
        });
        for address in listed.into_keys() {
            open.entry(address).or_insert_with(|| {
                let (abort, registration) = AbortHandle::new_pair();
                let call = follow(activities.clone(), address, peer.clone());
                calls.push(Abortable::new(call, registration));
                abort
            });
        }
    }
}

/// Listens to one broker until it is aborted.
async fn follow(activities: Activities, address: SocketAddr, peer: Option<Peer>) {
    let waits = || {
        let (first, longest) = RETRY_WAITS;
        let waits = ExponentialBuilder::default().with_min_delay(first).with_max_delay(longest);
        waits.with_jitter().without_max_times().build()
    };
    let mut next = waits();
    loop {
        let mut heard = false;
        let Err(error) = hear(&activities, address, peer.clone(), &mut heard).await;
        activities.update(|ledger| ledger.lost(address));
        if heard {
            next = waits();
        }
        let wait = next.next().unwrap_or(RETRY_WAITS.1);
        tracing::info!(%address, error = chain(&error), ?wait, "a terminal broker is not heard; retrying");
        sleep(wait).await;
    }
}

/// One call. `heard` is set once it has said something.
async fn hear(
    activities: &Activities,
    address: SocketAddr,
    peer: Option<Peer>,
    heard: &mut bool,
) -> Result<Infallible, HearError> {
    let mut broker = TerminalBrokerClient::new(connect(address, peer).await?);
    let call = broker.watch_activity(WatchActivityRequest {}).await.map_err(Box::new)?;
    let mut events = call.into_inner();
    while let Some(event) = events.try_next().await.map_err(Box::new)? {
        // What a newer broker says beside what is known here.
        let Some(event) = event.event else { continue };
        match event {
            Event::Snapshot(snapshot) => {
                let terminals = snapshot.agents.into_iter().map(terminals);
                let terminals = terminals.collect::<Option<_>>().ok_or(HearError::Message)?;
                activities.update(|ledger| ledger.snapshot(address, terminals, clock::now()));
                tracing::debug!(%address, "listening to a terminal broker");
                *heard = true;
            }
            // Before the snapshot nothing else is understood.
            _ if !*heard => return Err(HearError::Message),
            Event::Activity(activity) => {
                let (agent, count) = terminals(activity).ok_or(HearError::Message)?;
                activities.update(|ledger| ledger.change(address, agent, count, clock::now()))?;
            }
            Event::Wake(agent) => {
                let agent = identity(agent);
                tracing::info!(%address, agent = ?agent, "a visitor asks for an agent");
                activities.update(|ledger| ledger.wake(agent, clock::now()));
            }
        }
    }
    Err(HearError::Ended)
}

fn terminals(activity: AgentActivity) -> Option<(AgentId, u32)> {
    Some((identity(activity.agent?), activity.terminals))
}

fn identity(agent: AgentIdentity) -> AgentId {
    AgentId { namespace: agent.namespace, name: agent.name, uid: agent.uid }
}
