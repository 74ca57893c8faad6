//! What becomes of a link and its open page: its token is replaced, its time is over, its agent sleeps.

use std::time::Duration;

use anyhow::Result;
use api_types::names;
use e2e::{
    agents,
    browser::Window,
    cluster::{PATIENCE as AGENT_PATIENCE, Space},
    guest::{self, at_work},
    http, pods,
    waiting::{self, SOON},
};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, api::DeleteParams};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A broker keeps its exec for a minute without viewers, and has a moment to end it.
const KEPT: Duration = Duration::from_secs(65);

#[tokio::test]
async fn deleting_the_secret_replaces_the_token_and_closes_the_open_page() -> Result<()> {
    let space = Space::new("rotation").await?;
    let (old, guest) = at_work(&space, "turned", &[]).await?;
    let secrets: Api<Secret> = space.api();
    let name = names::share_secret("turned");

    secrets.delete(&name, &DeleteParams::default()).await?;
    guest.says("This link no longer works", SOON).await?;

    let (new, _) = waiting::until("a Secret with another token", SOON, || async {
        let data = secrets.get_opt(&name).await?.and_then(|secret| secret.data);
        let token = data.and_then(|mut data| data.remove(names::SHARE_TOKEN_KEY));
        let token = token.map(|token| String::from_utf8_lossy(&token.0).into_owned());
        Ok(token.filter(|token| *token != old))
    })
    .await?;
    waiting::until("the new link opens", SOON, || async {
        let status = http::get(&format!("/s/{new}/info"), &[]).await?.status;
        Ok((status == 200).then_some(()))
    })
    .await?;
    assert_eq!(http::get(&format!("/s/{old}/info"), &[]).await?.status, 404);
    space.delete().await
}

#[tokio::test]
async fn an_expiry_ends_the_live_page_with_its_reason() -> Result<()> {
    let space = Space::new("deadline").await?;
    let (_, guest) = at_work(&space, "fleeting", &[]).await?;
    let pod = pods::of_agent(&space, "fleeting").await?;

    let end = now() + Duration::from_secs(5);
    let share = json!({ "expiresAt": end.replace_nanosecond(0)?.format(&Rfc3339)? });
    agents::patch(&space, "fleeting", json!({ "spec": { "share": share } })).await?;

    guest.says("This link no longer works", SOON).await?;
    assert!(now() >= end - Duration::from_secs(1), "the page closed before its time");
    pods::left_by_all(&space, &pod, KEPT).await?;
    space.delete().await
}

#[allow(clippy::disallowed_methods, reason = "compared with the clocks of this machine's cluster")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

#[tokio::test]
async fn a_suspended_agents_page_waits_and_comes_back_when_it_is_resumed() -> Result<()> {
    let space = Space::new("suspend").await?;
    let (token, guest) = at_work(&space, "drowsy", &[]).await?;

    agents::patch(&space, "drowsy", json!({ "spec": { "suspend": true } })).await?;
    guest.says("suspended", SOON).await?;
    let info = http::get(&format!("/s/{token}/info"), &[]).await?;
    assert_eq!(info.status, 503, "{}", info.body);

    agents::patch(&space, "drowsy", json!({ "spec": { "suspend": false } })).await?;
    Box::pin(agents::wait(&space, "drowsy", "Ready", agents::is_ready)).await?;
    // The same link: a page that waits tries again by itself.
    let pod = pods::of_agent(&space, "drowsy").await?;
    pods::session_anew(&space, &pod, &[]).await?;
    guest.shows(guest::PROMPT, AGENT_PATIENCE).await?;
    guest.types("awake").await?;
    guest.shows("awake", guest::PATIENCE).await?;
    space.delete().await
}

/// The token of the link `audience` of an agent, once there is one.
async fn token_of(space: &Space, agent: &str) -> Result<String> {
    let secrets: Api<Secret> = space.api();
    let name = names::share_secret(agent);
    let (token, _) = waiting::until("the token of the link", SOON, || async {
        let data = secrets.get_opt(&name).await?.and_then(|secret| secret.data);
        let token = data.and_then(|mut data| data.remove("audience.token"));
        Ok(token.map(|token| String::from_utf8_lossy(&token.0).into_owned()))
    })
    .await?;
    Ok(token)
}

async fn allow(space: &Space, agent: &str, access: &str) -> Result<()> {
    let links = json!([{ "name": "audience", "access": access }]);
    agents::patch(space, agent, json!({ "spec": { "share": { "links": links } } })).await?;
    Ok(())
}

#[tokio::test]
async fn a_named_link_may_only_look_and_is_taken_back_alone() -> Result<()> {
    let space = Space::new("audience").await?;
    let (token, host) = at_work(&space, "shown", &[]).await?;
    allow(&space, "shown", "View").await?;
    let link = token_of(&space, "shown").await?;
    waiting::until("the link opens, to look", SOON, || async {
        let info = http::get(&format!("/s/{link}/info"), &[]).await?;
        Ok((info.status == 200 && info.body.contains(r#""access":"view""#)).then_some(()))
    })
    .await?;

    let audience = guest::arrives(&link, Window::Desktop).await?;
    audience.types("vandal").await?;
    // The same page may type from now on, and shows nothing of what it typed before.
    allow(&space, "shown", "Interact").await?;
    waiting::until("the link may type", SOON, || async {
        let info = http::get(&format!("/s/{link}/info"), &[]).await?;
        Ok(info.body.contains(r#""access":"interact""#).then_some(()))
    })
    .await?;
    waiting::until("the open page types", SOON, || async {
        audience.types("zqz").await?;
        Ok(audience.screen().await?.contains("zqz").then_some(()))
    })
    .await?;
    let screen = audience.screen().await?;
    anyhow::ensure!(!screen.contains("vandal"), "it was typed: {screen}");

    agents::patch(&space, "shown", json!({ "spec": { "share": { "links": null } } })).await?;
    audience.says("This link no longer works", SOON).await?;
    assert_eq!(http::get(&format!("/s/{link}/info"), &[]).await?.status, 404);
    assert_eq!(http::get(&format!("/s/{token}/info"), &[]).await?.status, 200);
    host.types("still here").await?;
    host.shows("still here", guest::PATIENCE).await?;
    space.delete().await
}
