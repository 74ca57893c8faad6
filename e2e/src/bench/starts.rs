//! How long a user waits for an agent: from its creation until it is ready, and from a click on the page of one that
//! sleeps until the terminal shows the prompt; with what the time went into. It judges nothing.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use api_types::Agent;
use fantoccini::Locator;
use k8s_openapi::{api::core::v1::Pod, apimachinery::pkg::apis::meta::v1::Time};
use kube::Api;
use serde_json::{Value, json};

use super::{Limits, Output, in_own_space, machine::load};
use crate::{
    agents,
    browser::{Browser, WAKE, Window},
    cluster::Space,
    git_server::GitServer,
    guest::{PATIENCE, PROMPT},
    http, kubeoc, pods, waiting,
};

/// The shortest time-out that leaves a guest time to look; how soon an agent is asleep is not measured.
const IDLE_TIMEOUT: &str = "15s";
const AGENT: &str = "started";

/// What is measured, and how often.
#[derive(clap::Args, Clone, Debug)]
pub struct Plan {
    /// How often each agent is put to sleep and woken
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    pub rounds: u8,
    /// MB of the large repository
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..))]
    pub megabytes: u16,
}

/// What one start took.
struct Row {
    what: String,
    /// The agent's `Ready`, or its link.
    ready: Duration,
    /// The prompt in the browser.
    prompt: Option<Duration>,
    pod: Stages,
}

/// Of the pod, in whole seconds since its creation, as the API tells them.
struct Stages {
    init: Option<i64>,
    server: Option<i64>,
    ready: Option<i64>,
}

/// Measures in a namespace of its own. A failure keeps no earlier figures back.
pub async fn run(plan: &Plan, output: Output) -> Result<()> {
    let measure = async |space: &Space| {
        let mut rows = vec![];
        let measured = Box::pin(measure(space, plan, output, &mut rows)).await;
        (output.figures)(&table(&rows));
        measured
    };
    in_own_space("starts", Limits::Kept, output, measure).await
}

async fn measure(space: &Space, plan: &Plan, output: Output, rows: &mut Vec<Row>) -> Result<()> {
    let server = GitServer::start(space).await?;
    server.commit(&[("README.md", "small")], "small").await?;
    let code = json!({
        "contexts": [{
            "name": "code", "type": "Git", "mountPath": "code", "git": { "repository": server.repository() },
        }],
        "persistence": { "workspace": { "size": "1Gi" } },
    });
    let large = format!("a repository of {} MB on a volume", plan.megabytes);
    for (what, spec, megabytes) in [
        ("no repository", json!({}), None),
        ("a small repository on a volume", code.clone(), None),
        (large.as_str(), code, Some(plan.megabytes)),
    ] {
        if let Some(megabytes) = megabytes {
            server.grow(megabytes).await?;
        }
        (output.step)(&format!("{what}{}", load()));
        Box::pin(one(space, what, spec, plan.rounds, rows)).await.context(what.to_owned())?;
    }
    Ok(())
}

/// One agent: created, and woken `rounds` times by a click.
async fn one(
    space: &Space,
    what: &str,
    mut spec: Value,
    rounds: u8,
    rows: &mut Vec<Row>,
) -> Result<()> {
    spec["standby"] = json!({ "idleTimeout": IDLE_TIMEOUT });
    let started = Instant::now();
    agents::ready(space, AGENT, spec).await?;
    let ready = started.elapsed();
    rows.push(Row {
        what: format!("{what}: created"),
        ready,
        prompt: None,
        pod: stages(space).await?,
    });
    let token = kubeoc::share(space, AGENT, &[]).await?;
    for _ in 0..rounds {
        Box::pin(agents::wait(space, AGENT, "asleep", agents::is_asleep)).await?;
        let page = Browser::start(Window::Desktop).await?;
        page.open(&token).await?;
        page.says("The agent is asleep", PATIENCE).await?;
        let button = page.page.find(Locator::XPath(WAKE)).await?;
        let started = Instant::now();
        button.click().await?;
        let path = format!("/s/{token}/info");
        let link = waiting::until("the link is open", PATIENCE, || async {
            Ok((http::get(&path, &[]).await?.status == 200).then(|| started.elapsed()))
        });
        let shown = async {
            page.shows(PROMPT, PATIENCE).await?;
            anyhow::Ok(started.elapsed())
        };
        let ((ready, _), prompt) = tokio::try_join!(link, shown)?;
        let pod = stages(space).await?;
        rows.push(Row { what: format!("{what}: click"), ready, prompt: Some(prompt), pod });
    }
    space.api::<Agent>().delete(AGENT, &kube::api::DeleteParams::foreground()).await?;
    let agents = space.api::<Agent>();
    waiting::until("the agent is gone", PATIENCE, || async {
        Ok(agents.get_opt(AGENT).await?.is_none().then_some(()))
    })
    .await?;
    Ok(())
}

async fn stages(space: &Space) -> Result<Stages> {
    let pods: Api<Pod> = space.api();
    let pod = pods.get(&pods::of_agent(space, AGENT).await?).await?;
    let created = pod.metadata.creation_timestamp.context("no time of creation")?;
    let since = |at: Option<&Time>| Some(at?.0.as_second() - created.0.as_second());
    let status = pod.status.context("no status")?;
    let containers = status.container_statuses.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let condition = |type_: &str| conditions.iter().find(|one| one.type_ == type_);
    let server = containers.iter().find(|one| one.name == api_types::names::SERVER_CONTAINER);
    let running = server.and_then(|one| one.state.as_ref()?.running.as_ref());
    let first = status
        .init_container_statuses
        .unwrap_or_default()
        .into_iter()
        .filter_map(|one| one.state?.terminated?.started_at);
    Ok(Stages {
        init: since(first.min_by_key(|at| at.0).as_ref()),
        server: since(running.and_then(|running| running.started_at.as_ref())),
        ready: since(condition("Ready").and_then(|one| one.last_transition_time.as_ref())),
    })
}

fn table(rows: &[Row]) -> String {
    let head = "| | ready, s | prompt, s | pod: first init container, s | server starts, s | ready, s |\n\
                |---|---:|---:|---:|---:|---:|\n";
    rows.iter().fold(head.to_owned(), |text, row| text + &row.to_string() + "\n")
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |at: Option<i64>| at.map_or_else(|| "–".to_owned(), |at| at.to_string());
        let prompt =
            self.prompt.map_or_else(|| "–".to_owned(), |at| format!("{:.1}", at.as_secs_f64()));
        let Stages { init, server, ready } = self.pod;
        let (init, server, pod) = (known(init), known(server), known(ready));
        let ready = self.ready.as_secs_f64();
        write!(f, "| {} | {ready:.1} | {prompt} | {init} | {server} | {pod} |", self.what)
    }
}
