//! What an agent's owner reads in its Events: who came, from where, for how long, and who was refused.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context, Result};
use api_types::Agent;
use e2e::{
    agents,
    cluster::Space,
    guest::at_work,
    http,
    waiting::{self, SOON},
};
use k8s_openapi::api::events::v1::Event;
use kube::{Api, api::ListParams};
use serde_json::json;

/// Further denials of a minute are told when it ends.
const TALLIED: Duration = Duration::from_secs(90);

#[tokio::test]
async fn an_opening_and_a_closing_are_told_with_address_and_figures() -> Result<()> {
    let space = Space::new("events").await?;
    let (_, guest) = at_work(&space, "watched", &[]).await?;
    guest.types("x").await?;
    guest.shows("x", SOON).await?;
    guest.page.goto("about:blank").await?;

    let opened = note(&space, "watched", "TerminalOpened", SOON).await?;
    let closed = note(&space, "watched", "TerminalClosed", SOON).await?;

    let (link, rest) =
        opened.strip_prefix("Link ").and_then(|rest| rest.split_once(' ')).context("a link")?;
    assert!(link.len() == 8 && link.bytes().all(|byte| byte.is_ascii_hexdigit()), "{opened}");
    let (client, session) = rest
        .strip_prefix("was opened from ")
        .and_then(|rest| rest.split_once(", session "))
        .with_context(|| opened.clone())?;
    client.parse::<IpAddr>().with_context(|| opened.clone())?;
    assert!(
        closed.starts_with(&format!("Link {link} from {client}, session {session}: ")),
        "{closed}"
    );
    assert!(closed.contains(" s, ") && closed.contains(" bytes typed, "), "{closed}");
    assert!(!closed.contains(", 0 bytes typed"), "a key was typed: {closed}");
    assert!(!closed.ends_with(" 0 bytes shown"), "a screen was shown: {closed}");
    space.delete().await
}

#[tokio::test]
async fn refused_visitors_are_told_with_their_address_and_how_many_they_were() -> Result<()> {
    let space = Space::new("refusals").await?;
    agents::ready(&space, "choosy", json!({})).await?;
    let token = e2e::kubeoc::share(&space, "choosy", &["--allowed-ips", "192.0.2.0/24"]).await?;
    for _ in 0..6 {
        assert_eq!(http::get(&format!("/s/{token}"), &[]).await?.status, 403);
    }
    let first = note(&space, "choosy", "ShareDenied", SOON).await?;
    assert!(first.starts_with("A visit to the share link from "), "{first}");

    // Six, told by one gateway or by two.
    waiting::until("all six are told", TALLIED, || async {
        let notes = notes(&space, "choosy", "ShareDenied").await?;
        Ok((notes.iter().map(|note| visits(note)).sum::<u64>() == 6).then_some(()))
    })
    .await?;
    space.delete().await
}

/// How many visits a note is about.
fn visits(note: &str) -> u64 {
    note.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(1)
}

async fn note(space: &Space, agent: &str, reason: &str, within: Duration) -> Result<String> {
    let found = waiting::until(reason, within, || async {
        Ok(notes(space, agent, reason).await?.into_iter().next())
    });
    Ok(found.await?.0)
}

async fn notes(space: &Space, agent: &str, reason: &str) -> Result<Vec<String>> {
    let uid = agents::uid(&space.api::<Agent>().get(agent).await?);
    let events: Api<Event> = space.api();
    let events = events.list(&ListParams::default()).await?.items.into_iter();
    let ours = events.filter(|event| {
        let about = event.regarding.as_ref().and_then(|object| object.uid.as_deref());
        event.reason.as_deref() == Some(reason) && about == Some(&uid)
    });
    Ok(ours.filter_map(|event| event.note).collect())
}
