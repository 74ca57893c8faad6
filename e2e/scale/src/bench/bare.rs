//! The writes of all reconciles by a client that does nothing else: what they cost the API server at least. Each
//! object is sent as it is stored, with the defaults that the server added.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use api_types::{Agent, labels};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DynamicObject, ListParams, Patch, PatchParams, PostParams, TypeMeta},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::agents::{CONCURRENCY, dynamic};

/// Where the same objects are made again.
pub(super) const NAMESPACE: &str = "bare";

pub(super) struct Bare {
    pub(super) seconds: f64,
    /// Of each Agent, on average.
    pub(super) objects: f64,
}

/// What is written for one Agent.
struct Writes {
    agent: String,
    status: Value,
    objects: Vec<(Api<DynamicObject>, DynamicObject)>,
}

/// Copies what was made for the Agents of `source`, and takes the time.
pub(super) async fn measure(client: &Client, source: &str) -> Result<Bare> {
    let all = copies(client, source).await?;
    let agents = dynamic::<Agent>(client, NAMESPACE);
    let (count, objects) = (all.len(), all.iter().map(|writes| writes.objects.len()).sum());
    let started = Instant::now();
    stream::iter(all)
        .map(|writes| write(&agents, writes))
        .buffer_unordered(CONCURRENCY)
        .try_collect::<()>()
        .await?;
    Ok(Bare { seconds: started.elapsed().as_secs_f64(), objects: mean(objects, count) })
}

async fn write(agents: &Api<DynamicObject>, writes: Writes) -> Result<()> {
    let params = PatchParams::apply("bare").force();
    for (api, object) in &writes.objects {
        api.patch(&object.name_any(), &params, &Patch::Apply(object)).await?;
    }
    let status = json!({ "status": writes.status });
    agents.patch_status(&writes.agent, &PatchParams::default(), &Patch::Merge(&status)).await?;
    Ok(())
}

/// Makes Agents without a controller, and what is to be written for each.
async fn copies(client: &Client, source: &str) -> Result<Vec<Writes>> {
    let targets = dynamic::<Agent>(client, NAMESPACE);
    let listed = dynamic::<Agent>(client, source).list(&ListParams::default()).await?;
    let made = stream::iter(listed).map(async |agent| {
        let mut copy = agent.clone();
        let status = bare(&mut copy);
        copy.types = Some(TypeMeta::resource::<Agent>());
        let made = targets.create(&PostParams::default(), &copy).await?;
        let uid = made.uid().context("an agent without UID")?;
        anyhow::Ok((agent.name_any(), (uid, status)))
    });
    let made: BTreeMap<String, (String, Value)> =
        made.buffer_unordered(CONCURRENCY).try_collect().await?;
    let mut writes: BTreeMap<String, Writes> = made
        .iter()
        .map(|(agent, (_, status))| {
            let (agent, status) = (agent.clone(), status.clone());
            (agent.clone(), Writes { agent, status, objects: vec![] })
        })
        .collect();
    let of_agents = ListParams::default().labels(labels::AGENT);
    for (from, to, types) in [
        from_to::<Secret>(client, source),
        from_to::<ConfigMap>(client, source),
        from_to::<Deployment>(client, source),
        from_to::<Service>(client, source),
    ] {
        for mut object in from.list(&of_agents).await? {
            object.types = Some(types.clone());
            let agent = object.labels().get(labels::AGENT).cloned().unwrap_or_default();
            let Some(writes) = writes.get_mut(&agent) else { continue };
            bare(&mut object);
            for owner in object.owner_references_mut() {
                owner.uid.clone_from(&made[&agent].0);
            }
            if let Some(spec) = object.data.get_mut("spec").and_then(Value::as_object_mut) {
                // The server chose them.
                spec.retain(|field, _| field != "clusterIP" && field != "clusterIPs");
            }
            writes.objects.push((to.clone(), object));
        }
    }
    Ok(writes.into_values().collect())
}

/// Where the objects of a kind are, where they are made again, and what a list leaves out of each.
fn from_to<K: Resource<DynamicType = ()>>(
    client: &Client,
    source: &str,
) -> (Api<DynamicObject>, Api<DynamicObject>, TypeMeta) {
    (dynamic::<K>(client, source), dynamic::<K>(client, NAMESPACE), TypeMeta::resource::<K>())
}

/// Leaves what a client sends, and gives the status.
fn bare(object: &mut DynamicObject) -> Value {
    let status = object.data.as_object_mut().and_then(|data| data.remove("status"));
    let sent = std::mem::take(&mut object.metadata);
    object.metadata.name = sent.name;
    object.metadata.labels = sent.labels;
    object.metadata.annotations = sent.annotations;
    object.metadata.owner_references = sent.owner_references;
    status.unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "for people, with few digits")]
fn mean(sum: usize, count: usize) -> f64 {
    sum as f64 / count as f64
}
