//! Agents whose pods hold many sessions: a container runtime loses execs where too many run in one container.

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    agents,
    cluster::{PATIENCE, Space},
    kubeoc, pods,
};

/// containerd 1.6 stops answering at about 200 execs in one container.
const SESSIONS_EACH: usize = 25;
/// Pods that start, or are asked, at once.
const AT_ONCE: usize = 4;

/// A shared agent that is ready.
pub(super) struct Host {
    pub(super) agent: String,
    pub(super) token: String,
    pub(super) pod: String,
}

/// As many agents as `sessions` need.
pub(super) async fn create(space: &Space, image: &str, sessions: usize) -> Result<Vec<Host>> {
    let create = |number| async move {
        let name = format!("host-{number}");
        Box::pin(host(space, image, &name)).await.context(name)
    };
    stream::iter(0..needed(sessions)).map(create).buffered(AT_ONCE).try_collect().await
}

/// Which of `hosts` has which of `sessions`, one after the other, so that openings at once meet different pods.
pub(super) fn in_turns(hosts: &[Host], sessions: usize) -> impl Iterator<Item = &Host> {
    hosts.iter().cycle().take(sessions)
}

/// Waits until no pod has a terminal any more: the runtime must not have to end all of them with their pods.
pub(super) async fn left_by_all(space: &Space, hosts: &[Host]) -> Result<()> {
    stream::iter(hosts)
        .map(|host| async move {
            pods::left_by_all(space, &host.pod, PATIENCE).await?;
            let ended = pods::ended(space, &host.pod, PATIENCE).await;
            ended.with_context(|| host.pod.clone())
        })
        .buffer_unordered(AT_ONCE)
        .try_for_each(|()| async { Ok(()) })
        .await
}

async fn host(space: &Space, image: &str, name: &str) -> Result<Host> {
    let more = json!({ "agentImage": image, "podSpec": { "resources": resources() } });
    agents::ready(space, name, more).await?;
    let token = kubeoc::share(space, name, &[]).await?;
    Ok(Host { agent: name.to_owned(), token, pod: pods::of_agent(space, name).await? })
}

/// So small that the 40 pods of 1,000 sessions fit on a node of two cores.
fn resources() -> Value {
    json!({ "requests": { "cpu": "10m", "memory": "64Mi" }, "limits": { "memory": "1Gi" } })
}

fn needed(sessions: usize) -> usize {
    sessions.div_ceil(SESSIONS_EACH)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn host(token: &str) -> Host {
        Host { agent: String::new(), token: token.to_owned(), pod: String::new() }
    }

    fn sessions_of_hosts(sessions: usize) -> Vec<usize> {
        let hosts: Vec<Host> = (0..needed(sessions)).map(|n| host(&n.to_string())).collect();
        let mut held: HashMap<&str, usize> = HashMap::new();
        for host in in_turns(&hosts, sessions) {
            *held.entry(&host.token).or_default() += 1;
        }
        hosts.iter().map(|host| held[host.token.as_str()]).collect()
    }

    #[test]
    fn sessions_are_spread_evenly_over_as_few_hosts_as_may_hold_them() {
        assert!(sessions_of_hosts(0).is_empty());
        assert_eq!(sessions_of_hosts(1), [1]);
        assert_eq!(sessions_of_hosts(25), [25]);
        assert_eq!(sessions_of_hosts(26), [13, 13]);
        assert_eq!(sessions_of_hosts(60), [20, 20, 20]);
        assert_eq!(sessions_of_hosts(1000), [25; 40]);
    }

    #[test]
    fn openings_at_once_meet_different_hosts() {
        let hosts = ["a", "b"].map(host);
        let turns: String = in_turns(&hosts, 5).map(|host| host.token.as_str()).collect();
        assert_eq!(turns, "ababa");
    }
}
