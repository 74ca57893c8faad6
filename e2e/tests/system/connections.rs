//! Who may connect to whom where the network policies are in force: each attempt is made in the network of a pod, before, under
//! and after the policies. Without them all succeed, so that none fails for want of a server.

use std::{collections::BTreeMap, fs, net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use api_types::names;
use e2e::{
    agents,
    attempt::{Origin, Outcome, address, bystander},
    cluster::Space,
    pods, waiting,
};
use futures::future::try_join_all;
use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::{Value, json};

/// An answer takes a millisecond.
const DEADLINE: Duration = Duration::from_secs(2);
/// How soon a change of a policy is in force.
const IN_FORCE: Duration = Duration::from_secs(3);
/// While it is waited for.
const GLANCE: Duration = Duration::from_millis(250);

const MAY: bool = true;
const MAY_NOT: bool = false;

/// Who connects to whom, and whether the policies let them.
const ATTEMPTS: [(&str, &str, bool); 28] = [
    ("a stranger", "the pages", MAY),
    ("a stranger", "the gateway's metrics", MAY_NOT),
    ("a stranger", "the broker", MAY_NOT),
    ("a stranger", "the broker's metrics", MAY_NOT),
    ("a stranger", "the controller's metrics", MAY_NOT),
    ("a stranger", "an agent's server", MAY_NOT),
    ("the monitoring", "the pages", MAY),
    ("the monitoring", "the gateway's metrics", MAY),
    ("the monitoring", "the broker's metrics", MAY),
    ("the monitoring", "the controller's metrics", MAY),
    ("the monitoring", "the broker", MAY_NOT),
    ("the monitoring", "an agent's server", MAY_NOT),
    ("the gateway", "the broker", MAY),
    ("the gateway", "the broker's metrics", MAY_NOT),
    ("the gateway", "the controller's metrics", MAY_NOT),
    ("the gateway", "an agent's server", MAY_NOT),
    ("the controller", "the broker", MAY),
    ("the controller", "an agent's server", MAY),
    ("the controller", "the broker's metrics", MAY_NOT),
    ("the broker", "the gateway's metrics", MAY_NOT),
    ("the broker", "an agent's server", MAY_NOT),
    ("an agent", "the pages", MAY),
    ("an agent", "the broker", MAY_NOT),
    ("an agent", "the controller's metrics", MAY_NOT),
    ("another agent", "an agent's server", MAY_NOT),
    ("a neighbour", "an agent's server", MAY_NOT),
    // The agents' owner let it in by a policy of their own, from its address and to a range of ports.
    ("a client", "an agent's server", MAY),
    ("a client", "another agent's server", MAY_NOT),
];

/// Everybody who connects, and where everybody listens.
struct Scene {
    origins: BTreeMap<&'static str, Origin>,
    targets: BTreeMap<&'static str, SocketAddr>,
}

impl Scene {
    async fn set(agents: &Space, monitoring: &Space, elsewhere: &Space) -> Result<(Self, Pod)> {
        let client = &agents.client;
        let gateway = component(client, "gateway").await?;
        let broker = component(client, "terminal-broker").await?;
        let controller = component(client, "controller").await?;
        let mut of_agents = Vec::new();
        for name in ["open", "closed"] {
            agents::ready(agents, name, json!({})).await?;
            let pods: Api<Pod> = agents.api();
            of_agents.push(pods.get(&pods::of_agent(agents, name).await?).await?);
        }
        let [open, closed] = of_agents.as_slice() else { unreachable!() };
        let scraper = bystander(monitoring, "prometheus", json!({})).await?;
        let stranger = bystander(elsewhere, "stranger", json!({})).await?;
        let neighbour = bystander(agents, "neighbour", json!({})).await?;
        let guest = bystander(agents, "client", json!({})).await?;
        let mut origins = BTreeMap::new();
        for (who, pod) in [
            ("the gateway", &gateway),
            ("the broker", &broker),
            ("the controller", &controller),
            ("an agent", open),
            ("another agent", closed),
            ("the monitoring", &scraper),
            ("a stranger", &stranger),
            ("a neighbour", &neighbour),
            ("a client", &guest),
        ] {
            origins.insert(who, Origin::of(pod).context(who)?);
        }
        let mut targets = BTreeMap::new();
        for (whom, pod, port) in [
            ("the pages", &gateway, names::SERVER_PORT),
            ("the gateway's metrics", &gateway, 9090),
            ("the broker", &broker, names::BROKER_PORT),
            ("the broker's metrics", &broker, 9090),
            ("the controller's metrics", &controller, 9090),
            ("an agent's server", open, names::DEFAULT_PORT),
            ("another agent's server", closed, names::DEFAULT_PORT),
        ] {
            targets.insert(whom, SocketAddr::new(address(pod)?, port));
        }
        Ok((Self { origins, targets }, guest))
    }

    async fn attempt(&self, who: &str, whom: &str, within: Duration) -> Result<Outcome> {
        self.origins[who].connect(self.targets[whom], within).await
    }

    /// The attempts whose outcome is another than expected, made all at once.
    async fn surprises(&self, expected: impl Fn(bool) -> bool) -> Result<Vec<String>> {
        let outcomes = ATTEMPTS.iter().map(|(who, whom, _)| self.attempt(who, whom, DEADLINE));
        let outcomes = try_join_all(outcomes).await?;
        let all = ATTEMPTS.iter().zip(outcomes);
        let wrong =
            all.filter(|((.., may), outcome)| (*outcome == Outcome::Connected) != expected(*may));
        Ok(wrong.map(|((who, whom, _), outcome)| format!("{who} to {whom}: {outcome:?}")).collect())
    }

    /// Waits until a stranger reaches the broker, or does not any more.
    async fn settles(&self, reaches: bool) -> Result<()> {
        let what = if reaches { "the policies are gone" } else { "the policies are in force" };
        let settled = waiting::until(what, IN_FORCE, || async {
            let outcome = self.attempt("a stranger", "the broker", GLANCE).await?;
            Ok(((outcome == Outcome::Connected) == reaches).then_some(()))
        });
        settled.await.map(drop)
    }
}

/// One of a component's pods that serves.
async fn component(client: &Client, name: &str) -> Result<Pod> {
    let pods = pods::list_component(client, name).await?;
    let serves = |pod: &Pod| pod.metadata.deletion_timestamp.is_none() && pods::is_ready(pod);
    pods.into_iter().find(serves).with_context(|| format!("no pod of {name} is ready"))
}

/// The policies of `manifests/network-policies`, and one by which the agents' owner lets `guest` in.
fn policies(agents: &Space, monitoring: &Space, guest: &Pod) -> Result<Vec<NetworkPolicy>> {
    let mut all = Vec::new();
    for (file, namespace) in
        [("system.yaml", names::SERVER_NAMESPACE), ("agents.yaml", agents.name.as_str())]
    {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../manifests/network-policies/");
        let text = fs::read_to_string(format!("{folder}{file}"))?;
        let text = text
            .replace("metadata.name: monitoring", &format!("metadata.name: {}", monitoring.name));
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let mut policy = Value::deserialize(document)?;
            policy["metadata"]["namespace"] = namespace.into();
            all.push(serde_json::from_value(policy)?);
        }
    }
    all.push(serde_json::from_value(json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": { "name": "let-in", "namespace": agents.name },
        "spec": {
            "podSelector": { "matchLabels": { "kubeopencode.io/agent": "open" } },
            "policyTypes": ["Ingress"],
            "ingress": [{
                "from": [{ "ipBlock": { "cidr": format!("{}/32", address(guest)?) } }],
                "ports": [{ "port": 4000, "endPort": 5000 }],
            }],
        },
    }))?);
    ensure!(all.len() == 5, "there are {} policies", all.len());
    Ok(all)
}

fn api_of(client: &Client, policy: &NetworkPolicy) -> Api<NetworkPolicy> {
    Api::namespaced(client.clone(), &policy.namespace().unwrap_or_default())
}

async fn under_policies(scene: &Scene, client: &Client, policies: &[NetworkPolicy]) -> Result<()> {
    for policy in policies {
        let how = PatchParams::apply("e2e").force();
        api_of(client, policy).patch(&policy.name_any(), &how, &Patch::Apply(policy)).await?;
    }
    scene.settles(false).await?;
    let wrong = scene.surprises(|may| may).await?;
    ensure!(wrong.is_empty(), "under the policies:\n{}", wrong.join("\n"));
    // Kubelets reach their pods all the same, and so does the API server, which is on the node.
    for name in ["gateway", "terminal-broker", "controller"] {
        component(client, name).await?;
        ensure!(pods::metrics(client, name).await?.iter().all(|text| !text.is_empty()), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn who_may_not_connect_cannot_and_everybody_else_can() -> Result<()> {
    let agents = Space::new("connections").await?;
    let (monitoring, elsewhere) =
        (agents.beside("monitoring").await?, agents.beside("elsewhere").await?);
    let (scene, guest) = Box::pin(Scene::set(&agents, &monitoring, &elsewhere)).await?;
    let wrong = scene.surprises(|_| true).await?;
    ensure!(wrong.is_empty(), "without policies:\n{}", wrong.join("\n"));

    let policies = policies(&agents, &monitoring, &guest)?;
    let outcome = under_policies(&scene, &agents.client, &policies).await;
    for policy in &policies {
        let api = api_of(&agents.client, policy);
        api.delete(&policy.name_any(), &DeleteParams::default()).await?;
    }
    outcome?;
    scene.settles(true).await?;
    let wrong = scene.surprises(|_| true).await?;
    ensure!(wrong.is_empty(), "after the policies:\n{}", wrong.join("\n"));
    for space in [elsewhere, monitoring, agents] {
        space.delete().await?;
    }
    Ok(())
}
