//! One of each program in good health, an Agent that is shared, and a guest who looks at its page: no alert is for them.

use std::{cell::RefCell, collections::BTreeSet, time::Duration};

use anyhow::{Context, Result, ensure};
use api_types::{Agent, names};
use e2e::{cluster::PATIENCE, http, prometheus, waiting};
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use scale::{agents, process::Process};
use serde_json::json;
use tokio::time::interval;

use crate::{ground::Ground, site::Site};

pub(crate) const NAMESPACE: &str = "healthy";
const AGENT: &str = "shared";

/// Of one each 3 s: longer than any alert has to last, its window included.
const SCRAPES: u32 = 25;
const LIMIT: Duration = Duration::from_mins(3);

pub(crate) struct Healthy<'a> {
    /// Of the agent's link.
    pub(crate) token: String,
    site: Site<'a>,
    controller: Process,
    broker: Process,
    gateway: RefCell<Option<Process>>,
    url: String,
}

impl<'a> Healthy<'a> {
    pub(crate) async fn start(ground: &'a Ground) -> Result<Self> {
        let site = Site::new(ground, NAMESPACE).await?;
        let controller = site.leading_controller().await?;
        let (broker, address) = site.broker(NAMESPACE).await?;
        let (gateway, url) = site.gateway(NAMESPACE, address, &[]).await?;
        let token = shared_agent(ground).await?;
        let gateway = RefCell::new(Some(gateway));
        let healthy = Self { token, site, controller, broker, gateway, url };
        healthy.is_scraped()?;
        Ok(healthy)
    }

    fn is_scraped(&self) -> Result<()> {
        let gateway = self.gateway.borrow();
        let mut pods = vec![("controller", &self.controller), ("broker", &self.broker)];
        pods.extend(gateway.as_ref().map(|gateway| ("gateway", gateway)));
        self.site.is_scraped(&pods)
    }

    /// While somebody visits it, no alert fires, for longer than the slowest of them needs.
    pub(crate) async fn is_silent(&self) -> Result<()> {
        let scraped =
            format!("min(count_over_time(up{{namespace=\"{NAMESPACE}\"}}[1h])) >= {SCRAPES}");
        let silence = async {
            waiting::until("it was scraped for long enough", LIMIT, || async {
                Ok((!prometheus::query(&scraped).await?.is_empty()).then_some(()))
            })
            .await?;
            let fired = prometheus::ever_fired("namespace", NAMESPACE).await?;
            ensure!(fired.is_empty(), "{fired:?} fired");
            Ok(())
        };
        tokio::select! {
            biased;
            silent = silence => silent,
            visited = self.visits() => visited,
        }
    }

    async fn visits(&self) -> Result<()> {
        let path = format!("/s/{}/info", self.token);
        let mut pace = interval(Duration::from_millis(500));
        loop {
            pace.tick().await;
            let status = http::get_at(&self.url, &path, &[]).await?.status;
            ensure!(status == 200, "a visit was answered {status}");
        }
    }

    /// The last program of its kind ends, and `alert` says which it was.
    pub(crate) async fn loses_its_gateway(&self, alert: &str) -> Result<()> {
        let missing = || async {
            let firing = prometheus::firing("alertname", alert).await?;
            let programs =
                firing.into_iter().filter_map(|mut fired| fired.labels.remove("program"));
            anyhow::Ok(programs.collect::<BTreeSet<_>>())
        };
        ensure!(missing().await?.is_empty(), "{alert} fires while there is one of each");
        let gateway = self.gateway.take().context("there is a gateway")?;
        gateway.kill().await?;
        let fires = waiting::until("it fires", PATIENCE, || async {
            let missing = missing().await?;
            Ok((!missing.is_empty()).then_some(missing))
        });
        let (missing, took) = fires.await?;
        eprintln!("{alert}: {:.0} s", took.as_secs_f64());
        assert_eq!(missing, BTreeSet::from(["kubeopencode-gateway".to_owned()]));
        Ok(())
    }
}

/// Shares an Agent, whose server seems to run, and gives the token.
async fn shared_agent(ground: &Ground) -> Result<String> {
    let client = &ground.client;
    let spec = json!({ "workspaceDir": "/workspace", "config": {}, "share": { "enabled": true } });
    agents::create(client, NAMESPACE, [AGENT.to_owned()], &spec).await?;
    let found: Api<Agent> = Api::namespaced(client.clone(), NAMESPACE);
    waiting::until("the shared agent is ready", PATIENCE, || async {
        if agents::run_servers(client, NAMESPACE).await? == 0 {
            return Ok(None);
        }
        Ok(e2e::agents::is_ready(&found.get(AGENT).await?).then_some(()))
    })
    .await?;
    let secrets: Api<Secret> = Api::namespaced(client.clone(), NAMESPACE);
    let mut data = secrets.get(&names::share_secret(AGENT)).await?.data.unwrap_or_default();
    let token = data.remove(names::SHARE_TOKEN_KEY).context("the Secret has no token")?;
    Ok(String::from_utf8(token.0)?)
}
