//! Gateway and broker, each on a thread with a runtime of its own as in its process, so that one can be killed.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use api_types::{Agent, AgentId, ShareToken, Target};
use clap::Parser;
use daemon::{
    Daemon,
    tls::{Certificates, MAX_HANDSHAKES},
};
use fixtures::{Authority, Cable, demo, shared};
use futures::{FutureExt, future::BoxFuture};
use gateway::gateway::Gateway;
use kube::runtime::events::Reporter;
use prometheus_client::metrics::counter::Counter;
use share::Links;
use tempfile::TempDir;
use terminal_broker::target::{FindError, FindPod};
use tokio::{
    runtime::Handle,
    sync::{RwLock, oneshot},
};
use tokio_util::sync::CancellationToken;

use crate::{api::ApiServer, program::Program, telemetry::Telemetry};

/// Longer than anything takes that is not meant to wait.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// How soon the pod is empty, whatever broke: 25 s of silence, and a few to leave.
pub(crate) const LEFT_ALONE: Duration = Duration::from_secs(30);
/// How soon a guest is told: a broker counts whole intervals of its pings, and so notices after 25 to 30 s.
pub(crate) const NOTICED: Duration = Duration::from_secs(35);

pub(crate) const BROKER: &str = "kubeopencode-terminal-broker";
pub(crate) const GATEWAY: &str = "kubeopencode-server";

/// One of the programs, on its thread.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) daemon: Daemon,
    links: Links,
    runtime: Handle,
    killed: CancellationToken,
    ended: oneshot::Receiver<()>,
}

impl Running {
    /// With links of its own, which know [`demo`]. `serve` says on its sender where it listens.
    async fn start<F, Fut>(program: &'static str, telemetry: Option<Telemetry>, serve: F) -> Self
    where
        F: FnOnce(Daemon, Links, oneshot::Sender<SocketAddr>) -> Fut + Send + 'static,
        Fut: Future<Output = ()>,
    {
        let (listens, address) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let (daemon, killed) = (Daemon::new(program), CancellationToken::new());
        let links = Links::with([demo()]);
        let (its_daemon, its_links, its_end) = (daemon.clone(), links.clone(), killed.clone());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handle = runtime.handle().clone();
        std::thread::spawn(move || {
            let recorded = telemetry.and_then(|telemetry| telemetry.record(program));
            runtime.block_on(its_end.run_until_cancelled(async {
                serve(its_daemon.clone(), its_links, listens).await;
                its_daemon.tasks.close();
                its_daemon.tasks.wait().await;
                if let Some((traces, _recording)) = recorded {
                    traces.end().await;
                }
            }));
            // As a process that dies: every socket is closed here.
            drop(runtime);
            let _ = end.send(());
        });
        Self { address: address.await.unwrap(), daemon, links, runtime: handle, killed, ended }
    }

    /// As an event of its watch, which runs beside its sessions.
    fn apply(&self, agent: &Agent) {
        let (links, agent) = (self.links.clone(), agent.clone());
        self.daemon.tasks.spawn_on(async move { links.apply(&agent) }, &self.runtime);
    }

    /// As by SIGKILL.
    pub(crate) async fn kill(&mut self) {
        self.killed.cancel();
        (&mut self.ended).await.unwrap();
    }

    /// As by SIGTERM; waits until all work has ended.
    pub(crate) async fn terminate(&mut self) {
        self.daemon.shutdown.cancel();
        tokio::time::timeout(PATIENCE, &mut self.ended).await.expect("it does not end").unwrap();
    }
}

impl Drop for Running {
    /// Nothing of a test goes on beside the next one.
    fn drop(&mut self) {
        self.killed.cancel();
    }
}

/// Tests run beside each other, but for those that measure.
static TURNS: RwLock<()> = RwLock::const_new(());

/// A terminal for each session, whose program ends with it.
const OWN: &[&str] = &["--screen-idle=0s"];
/// One terminal for all sessions of a link, which goes on for a while without any.
const SHARED: &[&str] = &["--screen-idle=10s"];

/// All of it. Between any two programs there is a cable.
pub(crate) struct TestSystem {
    pub(crate) api: ApiServer,
    pub(crate) broker: Running,
    pub(crate) gateway: Running,
    pub(crate) broker_to_api: Cable,
    pub(crate) gateway_to_broker: Cable,
    pub(crate) program: Program,
    pub(crate) authority: Authority,
    folders: [TempDir; 2],
    /// The broker's flags.
    flags: &'static [&'static str],
    /// Of [`TURNS`].
    _turn: Box<dyn Send>,
}

impl TestSystem {
    /// With [`demo`] shared, whose terminals run `program`, one for each session.
    pub(crate) async fn start(program: Program) -> Self {
        let turn = Box::new(TURNS.read().await);
        Self::begin(program, None, OWN, turn).await
    }

    /// As [`TestSystem::start`], with one terminal for all who look at it.
    pub(crate) async fn start_shared(program: Program) -> Self {
        let turn = Box::new(TURNS.read().await);
        Self::begin(program, None, SHARED, turn).await
    }

    /// As [`TestSystem::start`]; what the programs say of themselves goes to `telemetry`.
    pub(crate) async fn start_recorded(program: Program, telemetry: &Telemetry) -> Self {
        let turn = Box::new(TURNS.read().await);
        Self::begin(program, Some(telemetry.clone()), OWN, turn).await
    }

    /// As [`TestSystem::start`], with nothing else under way: for what is measured.
    pub(crate) async fn start_alone(program: Program) -> Self {
        let turn = Box::new(TURNS.write().await);
        Self::begin(program, None, OWN, turn).await
    }

    async fn begin(
        program: Program,
        telemetry: Option<Telemetry>,
        flags: &'static [&'static str],
        turn: Box<dyn Send>,
    ) -> Self {
        // An error only says that another test has done it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = Authority::generate();
        let folders = [authority.folder(BROKER), authority.folder(GATEWAY)];
        let api = ApiServer::start(&program.command).await;
        let broker_to_api = Cable::to(api.address).await;
        let (api_address, tls) = (broker_to_api.address, folders[0].path());
        let broker = broker(loopback(), api_address, tls, flags, telemetry.clone()).await;
        let gateway_to_broker = Cable::to(broker.address).await;
        let (address, tls) = (gateway_to_broker.address, folders[1].path());
        let gateway = gateway(loopback(), address, api.address, tls, telemetry).await;
        Self {
            api,
            broker,
            gateway,
            broker_to_api,
            gateway_to_broker,
            program,
            authority,
            folders,
            flags,
            _turn: turn,
        }
    }

    /// A second broker beside the first, to which no gateway goes.
    pub(crate) async fn another_broker(&self) -> Running {
        self.broker_at(loopback()).await
    }

    /// Another broker, in place of one that was killed.
    pub(crate) async fn start_broker(&mut self) {
        self.broker = self.broker_at(self.broker.address).await;
    }

    async fn broker_at(&self, address: SocketAddr) -> Running {
        let (api, tls) = (self.broker_to_api.address, self.folders[0].path());
        broker(address, api, tls, self.flags, None).await
    }

    /// Another gateway, in place of one that was killed.
    pub(crate) async fn start_gateway(&mut self) {
        let (broker, api) = (self.gateway_to_broker.address, self.api.address);
        let (address, tls) = (self.gateway.address, self.folders[1].path());
        self.gateway = gateway(address, broker, api, tls, None).await;
    }

    /// The agent is changed: both programs hear of it.
    pub(crate) fn apply(&self, agent: &Agent) {
        self.broker.apply(agent);
        self.gateway.apply(agent);
    }
}

/// Room for a test's crowd at one link.
const MANY: [&str; 2] = ["--max-terminals-per-link=1000", "--max-terminals-per-agent=1000"];
/// And for its haste: what is refused for coming too often is not what these tests are about.
const OFTEN: [&str; 3] =
    ["--link-opening-burst=1000", "--link-request-burst=1000", "--request-burst=1000"];

async fn broker(
    address: SocketAddr,
    api: SocketAddr,
    tls: &Path,
    flags: &'static [&'static str],
    telemetry: Option<Telemetry>,
) -> Running {
    let tls = tls.to_owned();
    Running::start(BROKER, telemetry, async move |daemon, links, listens| {
        let flags = ["terminal-broker"].iter().chain(&MANY).chain(flags);
        let args = terminal_broker::Args::parse_from(flags);
        let acceptor = daemon.listen("grpc", address, MAX_HANDSHAKES).await.unwrap();
        listens.send(acceptor.local_address()).unwrap();
        let (client, exec, pods) = (cluster(api), cluster(api), Arc::new(OnlyPod));
        let certificates = Certificates::follow(&tls, &daemon).await.unwrap();
        let parts = terminal_broker::Parts { exec, client, pods, links, acceptor, certificates };
        terminal_broker::serve(&args, daemon, parts).await.unwrap();
    })
    .await
}

async fn gateway(
    address: SocketAddr,
    broker: SocketAddr,
    api: SocketAddr,
    tls: &Path,
    telemetry: Option<Telemetry>,
) -> Running {
    let tls = tls.to_owned();
    let trusts_this_host = telemetry.as_ref().is_some_and(|telemetry| telemetry.trusts_this_host);
    Running::start(GATEWAY, telemetry, async move |daemon, links, listens| {
        let broker = format!("https://{broker}");
        let flags = ["gateway", "--broker", &broker];
        let trusted = ["--trusted-proxies=127.0.0.1", "--trust-traceparent"];
        let trusted = trusted.iter().filter(|_| trusts_this_host);
        let flags = flags.iter().chain(&MANY).chain(&OFTEN).chain(trusted);
        let args = gateway::args::Args::parse_from(flags);
        let brokers = gateway::broker::Broker::new(&args.broker, &args.broker_name, Some(&tls));
        let brokers = brokers.await.unwrap();
        let connections = args.limits.max_connections;
        let acceptor = daemon.listen("share", address, connections).await.unwrap();
        listens.send(acceptor.local_address()).unwrap();
        let reporter = Reporter { controller: GATEWAY.to_owned(), instance: None };
        let lost = Counter::default();
        let (audit, writer) = share::audit::audit(cluster(api), reporter, &lost);
        daemon.tasks.spawn(writer.run(daemon.shutdown.clone()));
        let gateway = Gateway::new(&args, daemon.clone(), links, brokers, audit);
        gateway::run::serve(gateway, acceptor, None, &daemon).await;
    })
    .await
}

fn cluster(api: SocketAddr) -> kube::Client {
    let config = kube::Config::new(format!("http://{api}").parse().unwrap());
    daemon::cluster::acting(&config, &daemon::Metrics::new("loopback")).unwrap()
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Every agent has a pod of its own name.
struct OnlyPod;

impl FindPod for OnlyPod {
    fn find<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Target, FindError>> {
        let (namespace, pod) = (agent.namespace.clone(), agent.name.clone());
        async move { Ok(Target { namespace, pod, port: 4096 }) }.boxed()
    }
}

/// The token of [`demo`].
pub(crate) fn token() -> ShareToken {
    fixtures::token(1)
}

/// [`demo`], its link turned off.
pub(crate) fn revoked() -> Agent {
    shared(|share| share.enabled = false)
}
