//! One replica of two hangs, or is cut off and nobody is told: the page comes back to its terminal by itself while
//! the fault lasts, and no session stays in the pod; who comes meanwhile is served by the other replica.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    agents,
    browser::{Browser, Window},
    cluster::{Space, api_server},
    guest::{PATIENCE, PROMPT, at_work, is_live_again},
    http, kubeoc, network,
    pods::{self, Execs},
    raw_guest::RawGuest,
    replica::{HTTP, Replica},
    waiting,
};
use serde_json::json;
use tokio::time::{Instant, timeout};

/// How soon the pod is empty of a session whose end nobody tells it: 25 s of silence, and a few to leave.
const LEFT_ALONE: Duration = Duration::from_secs(30);
/// New guests that open terminals while the fault lasts, one after the other.
const NEWCOMERS: usize = 2;
/// A gateway that hangs gets no new connection after three probes each 2 s, of 1 s each. Until then the Service sends
/// some its way, and they hang with it.
const OUT_OF_SERVICE: Duration = Duration::from_secs(12);
/// For how long visitors come beside a gateway that hangs, and what they wait for an answer.
const VISITED: Duration = Duration::from_secs(20);
const ANSWERED: Duration = Duration::from_secs(1);
const VISIT_INTERVAL: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_secs(5);

/// What one says whose gateway does not hear the cluster.
const NO_CLUSTER: &str = "service cannot reach its cluster; try again in a moment";

#[tokio::test]
async fn a_gateway_that_hangs_is_replaced_by_the_other() -> Result<()> {
    let page = OpenPage::new("hangs").await?;
    let hanging = page.gateway.processes.freeze()?;
    let visitors = async {
        visitors_are_served(&page.token).await?;
        newcomers_open(&page.token).await
    };
    page.survives(visitors, Execs::Stay).await?;
    drop(hanging);
    page.space.delete().await
}

#[tokio::test]
async fn a_broker_that_hangs_is_replaced_by_the_other() -> Result<()> {
    let page = OpenPage::new("hangs").await?;
    let hanging = page.broker.processes.freeze()?;
    page.survives(newcomers_open(&page.token), Execs::End).await?;
    drop(hanging);
    page.space.delete().await
}

/// Meanwhile another page's connection to its gateway is dead, as when a laptop changes its network.
#[tokio::test]
async fn a_broker_cut_off_from_its_gateway_is_replaced_by_the_other() -> Result<()> {
    let mut page = OpenPage::new("cut-off").await?;
    let gateways = Replica::all(&page.space.client, "gateway").await?;
    let other = gateways.into_iter().find(|gateway| gateway.address != page.gateway.address);
    let other = other.context("there is one gateway only")?;
    let second = Browser::start(Window::Desktop).await?;
    second.open_at(&other.url(), &page.token).await?;
    second.shows(PROMPT, PATIENCE).await?;
    page.session = pods::sessions(&page.space, &page.pod).await?;

    let cut = network::lost(&page.gateway, page.broker.address)?;
    let dead = network::lost_connections(&other, HTTP)?;
    page.survives(newcomers_open(&page.token), Execs::Stay).await?;
    second.shows("still here", PATIENCE).await?;
    second.types(", both").await?;
    page.guest.shows("still here, both", PATIENCE).await?;
    drop((cut, dead));
    page.space.delete().await
}

/// One gateway and one broker lose it, as on a node whose network is cut. That gateway does not know a link that was
/// made since; that it cannot know it, its kernel tells it after 9 s.
#[tokio::test]
async fn replicas_cut_off_from_the_api_server_are_replaced_and_deny_no_link() -> Result<()> {
    let page = OpenPage::new("cut-off").await?;
    let client = &page.space.client;
    agents::ready(&page.space, "later", json!({})).await?;
    let newcomer = Browser::start(Window::Desktop).await?;
    let address = api_server(client).await?;

    let cut = [network::lost(&page.gateway, address)?, network::lost(&page.broker, address)?];
    let later = kubeoc::share(&page.space, "later", &[]).await?;
    page.survives(newcomers_open(&page.token), Execs::End).await?;
    newcomer.open_at(&page.gateway.url(), &later).await?;
    newcomer.has_said(NO_CLUSTER, SOON).await?;
    drop(cut);
    is_live_again(&newcomer).await?;
    page.space.delete().await
}

/// A page with a terminal, and the replicas that serve it.
struct OpenPage {
    space: Space,
    token: String,
    guest: Browser,
    pod: String,
    /// Its processes in the pod.
    session: Vec<String>,
    gateway: Replica,
    broker: Replica,
}

impl OpenPage {
    async fn new(purpose: &str) -> Result<Self> {
        let space = Space::new(purpose).await?;
        let (token, guest) = at_work(&space, "steady", &[]).await?;
        let pod = pods::of_agent(&space, "steady").await?;
        let session = pods::sessions(&space, &pod).await?;
        ensure!(!session.is_empty(), "an open terminal has processes");
        let gateway = Replica::serving(&space.client, "gateway").await?;
        let broker = Replica::serving(&space.client, "terminal-broker").await?;
        Ok(Self { space, token, guest, pod, session, gateway, broker })
    }

    /// The session ends, and another one shows the same terminal, while `others` come.
    async fn survives(&self, others: impl Future<Output = Result<()>>, execs: Execs) -> Result<()> {
        let terminal = pods::terminals(&self.space, &self.pod).await?;
        let left = waiting::until("the old session's processes have left", LEFT_ALONE, || async {
            let now = pods::sessions(&self.space, &self.pod).await?;
            let done = execs == Execs::Stay || self.session.iter().all(|pid| !now.contains(pid));
            Ok(done.then_some(()))
        });
        // On the heap: together they are larger than a stack frame should be.
        Box::pin(async { tokio::try_join!(left, others) }).await?;
        if execs == Execs::End {
            pods::session_anew(&self.space, &self.pod, &self.session).await?;
        }
        is_live_again(&self.guest).await?;
        self.guest.types("still here").await?;
        self.guest.shows("still here", PATIENCE).await?;
        ensure!(
            pods::terminals(&self.space, &self.pod).await? == terminal,
            "the terminal has gone on"
        );
        let said = self.guest.said().await?;
        ensure!(!said.contains("link"), "a link that works was called in question: {said}");
        Ok(())
    }
}

/// Nobody is refused: the one replica that can, serves.
async fn newcomers_open(token: &str) -> Result<()> {
    for number in 1..=NEWCOMERS {
        let mut guest = RawGuest::open(token).await?;
        let opened = guest.shows(PROMPT, PATIENCE).await;
        opened.with_context(|| format!("newcomer {number}"))?;
    }
    Ok(())
}

/// Each visitor comes on a connection of its own. None is refused, and after a while none waits in vain.
async fn visitors_are_served(token: &str) -> Result<()> {
    let path = format!("/s/{token}/info");
    let begun = Instant::now();
    let mut pace = tokio::time::interval(VISIT_INTERVAL);
    while begun.elapsed() < VISITED {
        pace.tick().await;
        let came = begun.elapsed();
        match timeout(ANSWERED, http::get(&path, &[])).await {
            Ok(answer) => {
                let status = answer?.status;
                ensure!(status == 200, "a visitor was answered {status} after {came:?}");
            }
            Err(_late) => ensure!(came < OUT_OF_SERVICE, "a visitor waits after {came:?}"),
        }
    }
    Ok(())
}
