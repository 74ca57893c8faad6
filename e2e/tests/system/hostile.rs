//! Whatever one Agent says is a matter of that Agent: the API server refuses it with the field
//! named, or the field is named in its status, and every other Agent and link goes on.

mod manifests;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api_types::{Agent, AgentStatus, condition, names};
use e2e::{agents, cluster::Space, http, waiting};
use hyper::Request;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams},
};
use serde::Deserialize;
use serde_json::json;

use manifests::{Fate, Manifest, manifests};

/// How soon an Agent is answered by a condition.
const SOON: Duration = Duration::from_secs(5);

/// What is read of an Agent here: the rest of it may be of any depth.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    status: AgentStatus,
}

#[tokio::test]
async fn what_one_agent_says_stops_no_other() -> Result<()> {
    let space = Space::new("hostile").await?;
    let share = json!({ "share": { "enabled": true } });
    agents::ready(&space, "before", share.clone()).await?;
    let open = opens(&space, "before").await?;

    let manifests = manifests();
    ensure!(manifests.len() >= 40, "only {} manifests", manifests.len());
    let mut stored = Vec::new();
    for manifest in &manifests {
        let refusal = refusal(&space, manifest).await?;
        let (name, Fate::Named(field)) = (manifest.name, manifest.fate) else { continue };
        match refusal {
            Some(message) => ensure!(message.contains(field), "{name}: {field}: {message}"),
            None => stored.push((name, field)),
        }
    }
    ensure!(stored.len() >= 5, "only {stored:?} are stored, the others say nothing of a watch");
    // It stays, being deleted, until the end of this test.
    let agents: Api<Agent> = space.api();
    agents.delete(manifests::HELD, &DeleteParams::default()).await?;
    for (name, field) in stored {
        let what = format!("{name} is told of {field}");
        waiting::until(&what, SOON, || async {
            let told = ready(&space, name).await?;
            Ok(told.filter(|(status, message)| status == "False" && message.contains(field)))
        })
        .await?;
    }

    agents::create(&space, "after", share).await?;
    waiting::until("an Agent made afterwards is reconciled", SOON, || async {
        let told = ready(&space, "after").await?;
        Ok(told.filter(|(_, message)| !message.is_empty()))
    })
    .await?;
    let after = Box::pin(agents::wait(&space, "after", "Ready", agents::is_ready)).await;
    after.context("with hostile neighbours")?;
    opens(&space, "after").await?;

    // Taking a link back is an event of the same watch.
    let secrets: Api<Secret> = space.api();
    secrets.delete(&names::share_secret("before"), &DeleteParams::default()).await?;
    waiting::until("the link of a deleted token opens nothing", SOON, || async {
        let status = http::get(&format!("/s/{open}/info"), &[]).await?.status;
        Ok((status == 404).then_some(()))
    })
    .await?;
    let release = json!({ "metadata": { "finalizers": null } });
    agents.patch(manifests::HELD, &PatchParams::default(), &Patch::Merge(release)).await?;
    space.delete().await
}

/// Creates an Agent from text, as no client of ours would; `Some` is the message of a refusal.
async fn refusal(space: &Space, manifest: &Manifest) -> Result<Option<String>> {
    let body = manifest.text();
    // Warnings of fields that are not known would be headers, in which a client of ours drowns.
    let path = path(space, "?fieldValidation=Ignore");
    let request = Request::post(path).header("content-type", "application/json");
    match space.client.request_text(request.body(body.into_bytes())?).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if (400..500).contains(&status.code) => {
            Ok(Some(status.message))
        }
        Err(error) => Err(error.into()),
    }
}

/// Status and message of `Ready`.
async fn ready(space: &Space, name: &str) -> Result<Option<(String, String)>> {
    let request = Request::get(path(space, &format!("/{name}"))).body(Vec::new())?;
    let agent: Seen = serde_json::from_str(&space.client.request_text(request).await?)?;
    let mut conditions = agent.status.conditions.into_iter();
    let ready = conditions.find(|one| one.type_ == condition::READY);
    Ok(ready.map(|ready| (ready.status, ready.message)))
}

fn path(space: &Space, rest: &str) -> String {
    format!("/apis/kubeopencode.io/v1alpha1/namespaces/{}/agents{rest}", space.name)
}

/// Waits until the agent's link opens, and gives its token.
async fn opens(space: &Space, name: &str) -> Result<String> {
    let secrets: Api<Secret> = space.api();
    let secret = secrets.get(&names::share_secret(name)).await?;
    let token = secret.data.and_then(|mut data| data.remove(names::SHARE_TOKEN_KEY));
    let token = String::from_utf8(token.context("a Secret without a token")?.0)?;
    waiting::until(&format!("the link of {name} opens"), SOON, || async {
        let status = http::get(&format!("/s/{token}/info"), &[]).await?.status;
        Ok((status == 200).then_some(()))
    })
    .await?;
    Ok(token)
}
