//! Looking into pods: what runs there, what lies there, what they logged.

use std::time::Duration;

use anyhow::{Context, Result};
use api_types::{labels, names};
use hyper::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, ResourceExt,
    api::{AttachParams, DeleteParams, ListParams, LogParams},
    runtime::wait::await_condition,
};
use tokio::io::AsyncReadExt;

use crate::{
    cluster::{PATIENCE, Space},
    waiting,
};

/// How soon a page that lost its session has another: its longest pause between two tries, and an opening.
const OPENED_ANEW: Duration = Duration::from_mins(1);

/// The agent's only pod.
pub async fn of_agent(space: &Space, agent: &str) -> Result<String> {
    let pods: Api<Pod> = space.api();
    let list = ListParams::default().labels(&format!("{}={agent}", labels::AGENT));
    let pods = pods.list(&list).await?;
    let live = pods.items.iter().find(|pod| pod.metadata.deletion_timestamp.is_none());
    Ok(live.context("the agent has no pod")?.name_any())
}

/// Runs a command in the agent's main container and returns what it printed.
pub async fn exec(space: &Space, pod: &str, command: &[&str]) -> Result<String> {
    exec_in(space, pod, names::SERVER_CONTAINER, command).await
}

/// Runs a command in one container of a pod and returns what it printed.
pub async fn exec_in(
    space: &Space,
    pod: &str,
    container: &str,
    command: &[&str],
) -> Result<String> {
    let pods: Api<Pod> = space.api();
    let how = AttachParams::default().container(container).stderr(false);
    let mut process = pods.exec(pod, command.iter().copied(), &how).await?;
    let mut output = String::new();
    let mut stdout = process.stdout().context("no stdout")?;
    stdout.read_to_string(&mut output).await?;
    process.join().await?;
    Ok(output)
}

/// The pods of one component of the system, such as `gateway`; also those that are about to end.
pub async fn list_component(client: &Client, component: &str) -> Result<Vec<Pod>> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), names::SERVER_NAMESPACE);
    let list = ListParams::default().labels(&format!("{}={component}", labels::COMPONENT));
    Ok(pods.list(&list).await?.items)
}

/// The names of the pods of one component of the system.
pub async fn of_component(client: &Client, component: &str) -> Result<Vec<String>> {
    let pods = list_component(client, component).await?;
    Ok(pods.iter().map(ResourceExt::name_any).collect())
}

/// Everything that one component's pods have logged.
pub async fn logs(client: &Client, component: &str) -> Result<String> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), names::SERVER_NAMESPACE);
    let mut all = String::new();
    for pod in of_component(client, component).await? {
        all.push_str(&pods.logs(&pod, &LogParams::default()).await?);
    }
    Ok(all)
}

/// Whether what shows a pod's terminals ends with what happens to a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execs {
    /// The broker, or its way to the pod, is gone.
    End,
    /// The broker has them for whoever comes next.
    Stay,
}

/// Waits until a terminal of the pod is shown, by none of the processes `before`.
pub async fn session_anew(space: &Space, pod: &str, before: &[String]) -> Result<()> {
    let opened = waiting::until("a new session's process", OPENED_ANEW, || async {
        let now = sessions(space, pod).await?;
        Ok((!now.is_empty() && before.iter().all(|pid| !now.contains(pid))).then_some(()))
    });
    opened.await.map(drop)
}

/// What each of a component's pods answers at `/metrics`.
pub async fn metrics(client: &Client, component: &str) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for pod in of_component(client, component).await? {
        all.push(metrics_of(client, &pod).await?);
    }
    Ok(all)
}

/// What one pod of the system answers at `/metrics`.
pub async fn metrics_of(client: &Client, pod: &str) -> Result<String> {
    // Through the API server, so that nobody needs a route to the pod.
    let path =
        format!("/api/v1/namespaces/{}/pods/{pod}:9090/proxy/metrics", names::SERVER_NAMESPACE);
    Ok(client.request_text(Request::get(path).body(Vec::new())?).await?)
}

/// Everything that the agent's main container has logged.
pub async fn agent_logs(space: &Space, pod: &str) -> Result<String> {
    let pods: Api<Pod> = space.api();
    let container = Some(names::SERVER_CONTAINER.to_owned());
    Ok(pods.logs(pod, &LogParams { container, ..LogParams::default() }).await?)
}

// The brackets keep the patterns from finding the script itself.
/// What shows a terminal to one viewer.
const VIEWER: &str = "[s]creen attach";
/// What holds a terminal.
const HOLDER: &str = "[s]creen serve";
/// The same, and its program.
const HELD: &str = "[s]creen serve|[o]pencode attach";

/// The ids of the processes that show the pod's terminals: one for each broker and terminal, and for each session that shares none.
pub async fn sessions(space: &Space, pod: &str) -> Result<Vec<String>> {
    processes(space, pod, VIEWER).await
}

/// The process ids of the pod's terminals and their programs, which outlive their viewers.
pub async fn terminals(space: &Space, pod: &str) -> Result<Vec<String>> {
    processes(space, pod, HELD).await
}

async fn processes(space: &Space, pod: &str, pattern: &str) -> Result<Vec<String>> {
    let script = format!(
        "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null \
         | grep -qE '{pattern}' && echo ${{d#/proc/}}; done; true"
    );
    let listing = exec(space, pod, &["/bin/bash", "-c", &script]).await?;
    Ok(listing.lines().map(str::to_owned).collect())
}

/// Memory of the pod's terminals and of what shows them, without the terminals' programs, in KiB: what each process has of
/// its own (`RssAnon` of `proc_pid_status(5)`).
pub async fn terminals_kib(space: &Space, pod: &str) -> Result<u64> {
    let ids = processes(space, pod, &format!("{VIEWER}|{HOLDER}")).await?;
    let files: Vec<String> = ids.iter().map(|id| format!("/proc/{id}/status")).collect();
    let grep = ["grep", "-h", "RssAnon"].into_iter().chain(files.iter().map(String::as_str));
    let listing = exec(space, pod, &grep.collect::<Vec<_>>()).await?;
    let each = listing.lines().map(|line| line.split_whitespace().nth(1).context("no figure"));
    each.map(|kib| Ok(kib?.parse::<u64>()?)).sum()
}

/// Waits until the pod has no viewer's process any more.
pub async fn left_by_all(space: &Space, pod: &str, within: Duration) -> Result<Duration> {
    let left = waiting::until("no session is left in the pod", within, || async {
        Ok(sessions(space, pod).await?.is_empty().then_some(()))
    });
    Ok(left.await?.1)
}

/// Waits until the pod has no terminal any more, whose viewers have left.
pub async fn ended(space: &Space, pod: &str, within: Duration) -> Result<()> {
    let ended = waiting::until("no terminal is left in the pod", within, || async {
        Ok(terminals(space, pod).await?.is_empty().then_some(()))
    });
    ended.await.map(drop)
}

/// Whether the pod's `Ready` condition holds.
pub fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|one| one.type_ == "Ready" && one.status == "True")
}

/// Waits by watch until `holds` of the pod.
pub async fn wait(
    space: &Space,
    pod: &str,
    what: &str,
    holds: impl Fn(&Pod) -> bool,
) -> Result<()> {
    let fulfilled = |pod: Option<&Pod>| pod.is_some_and(&holds);
    // On the heap: a watch's future is larger than a stack frame should be.
    let waited = Box::pin(await_condition(space.api(), pod, fulfilled));
    let waited = tokio::time::timeout(PATIENCE, waited).await;
    waited.with_context(|| format!("pod {pod}: not {what} within {PATIENCE:?}"))??;
    Ok(())
}

/// Kills one component's pods without grace.
pub async fn kill(client: &Client, component: &str) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), names::SERVER_NAMESPACE);
    for pod in of_component(client, component).await? {
        pods.delete(&pod, &DeleteParams::default().grace_period(0)).await?;
    }
    Ok(())
}
