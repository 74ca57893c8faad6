//! Whatever one Agent says is a matter of that Agent: the API server refuses it with the field
//! named, or the field is named in its status, and every other Agent and link goes on.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api_types::{AgentStatus, condition, names};
use e2e::{agents, cluster::Space, http, waiting};
use hyper::Request;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::DeleteParams};
use serde::Deserialize;
use serde_json::json;

/// How soon an Agent is answered by a condition.
const SOON: Duration = Duration::from_secs(5);

/// What is read of an Agent here: the rest of it may be of any depth.
#[derive(Deserialize)]
struct Seen {
    #[serde(default)]
    status: AgentStatus,
}

/// Each with its spec, as text, and the field that must be named.
fn hostile() -> Vec<(&'static str, String, &'static str)> {
    let volume =
        |source: &str| format!(r#"{{"podSpec":{{"extraVolumes":[{{"name":"v",{source}}}]}}}}"#);
    let claim = |created: &str| {
        let metadata = format!(r#"{{"creationTimestamp":"{created}"}}"#);
        volume(&format!(
            r#""ephemeral":{{"volumeClaimTemplate":{{"metadata":{metadata},"spec":{{}}}}}}"#
        ))
    };
    let hook = |port: &str| {
        format!(r#"{{"podSpec":{{"lifecycle":{{"preStop":{{"tcpSocket":{{"port":{port}}}}}}}}}}}"#)
    };
    let weight = r#"{"podSpec":{"scheduling":{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":99999999999,"preference":{}}]}}}}}"#;
    let user = r#"{"podSpec":{"securityContext":{"runAsUser":9223372036854775807}}}"#;
    let config = |config: String| format!(r#"{{"config":{config}}}"#);
    let plugin = |options: String| format!(r#"{{"plugins":[{{"name":"p","options":{options}}}]}}"#);
    vec![
        ("tasks", r#"{"maxConcurrentTasks":3000000000}"#.into(), "spec.maxConcurrentTasks"),
        ("fraction", r#"{"maxConcurrentTasks":5.5}"#.into(), "spec.maxConcurrentTasks"),
        ("mode", volume(r#""secret":{"defaultMode":3000000000}"#), "secret.defaultMode"),
        ("lun", volume(r#""iscsi":{"targetPortal":"a","iqn":"b","lun":-3000000000}"#), "iscsi.lun"),
        (
            "partition",
            volume(r#""gcePersistentDisk":{"pdName":"a","partition":1e10}"#),
            "gcePersistentDisk.partition",
        ),
        ("weight", weight.into(), "weight"),
        ("user", user.into(), "securityContext.runAsUser"),
        ("port", hook("70000"), "tcpSocket.port"),
        ("long-port", hook("99999999999"), "tcpSocket.port"),
        ("far-time", claim("9999-12-31T23:59:59Z"), "metadata.creationTimestamp"),
        ("odd-time", claim("2026-11-21T12:00:00+99:99"), "metadata.creationTimestamp"),
        ("expiry", r#"{"share":{"enabled":true,"expiresAt":"soon"}}"#.into(), "share.expiresAt"),
        ("deep", config(nested(130)), "spec.config"),
        ("deepest", config(nested(9_900)), "spec.config"),
        ("deepest-lists", config(format!(r#"{{"a":{}}}"#, lists(9_900))), "spec.config"),
        ("wide", config(wide(100, 50_000)), "spec.config"),
        ("deep-options", plugin(nested(9_900)), "spec.plugins"),
    ]
}

fn nested(depth: usize) -> String {
    format!("{}{{}}{}", r#"{"a":"#.repeat(depth - 1), "}".repeat(depth - 1))
}

fn lists(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// As a file it would be a hundred times as long.
fn wide(depth: usize, zeros: usize) -> String {
    let list = format!("[{}0]", "0,".repeat(zeros));
    format!("{}{list}{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))
}

#[tokio::test]
async fn what_one_agent_says_stops_no_other() -> Result<()> {
    let space = Space::new("hostile").await?;
    let share = json!({ "share": { "enabled": true } });
    agents::ready(&space, "before", share.clone()).await?;
    let open = opens(&space, "before").await?;

    let hostile = hostile();
    let mut stored = Vec::new();
    for (name, spec, field) in &hostile {
        match refusal(&space, name, spec).await? {
            Some(message) => ensure!(message.contains(field), "{name}: {field}: {message}"),
            None => stored.push((name, field)),
        }
    }
    ensure!(stored.len() >= 5, "only {stored:?} are stored, the others say nothing of a watch");
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
    space.delete().await
}

/// Creates an Agent from text, as no client of ours would; `Some` is the message of a refusal.
async fn refusal(space: &Space, name: &str, spec: &str) -> Result<Option<String>> {
    let body = format!(
        r#"{{"apiVersion":"kubeopencode.io/v1alpha1","kind":"Agent","metadata":{{"name":"{name}"}},"spec":{spec}}}"#
    );
    let request = Request::post(path(space, "")).header("content-type", "application/json");
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
