//! Turns links off, and notes when each was.

use std::{collections::HashMap, pin::pin};

use anyhow::{Context, Result};
use api_types::Agent;
use bench_terminal::readings::now;
use futures::{
    Stream, StreamExt, TryStreamExt,
    future::{try_join, try_join_all},
};
use kube::{
    ResourceExt,
    runtime::watcher::{self, Event, watcher},
};
use serde_json::json;
use tokio::time::timeout;

use super::super::hosts::Host;
use crate::{
    agents,
    cluster::{PATIENCE, Space},
};

/// When one agent's link was turned off, by [`now`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Revoked {
    /// The request was about to be sent.
    pub(super) asked_at: u64,
    /// The request was answered, or a watch saw the change: whichever came first.
    pub(super) at: u64,
}

/// Turns off the links of all `hosts` at once; in their order.
pub(super) async fn all(space: &Space, hosts: &[Host]) -> Result<Vec<Revoked>> {
    let events = watcher(space.api::<Agent>(), watcher::Config::default());
    let mut events = pin!(events);
    while !matches!(events.try_next().await?.context("the watch ended")?, Event::InitDone) {}
    let both = try_join(
        try_join_all(hosts.iter().map(|host| one(space, &host.agent))),
        seen(events, hosts.len()),
    );
    let (answered, seen) = timeout(PATIENCE, both).await.context("links are not turned off")??;
    let revoked = |(host, (asked_at, answered_at)): (&Host, (u64, u64))| {
        let seen_at = seen.get(&host.agent).copied().unwrap_or(answered_at);
        Revoked { asked_at, at: answered_at.min(seen_at) }
    };
    Ok(hosts.iter().zip(answered).map(revoked).collect())
}

async fn one(space: &Space, agent: &str) -> Result<(u64, u64)> {
    let asked_at = now();
    let off = json!({ "spec": { "share": { "enabled": false } } });
    agents::patch(space, agent, off).await?;
    Ok((asked_at, now()))
}

/// When a watch saw the change of each of `count` agents.
async fn seen(
    mut events: impl Stream<Item = watcher::Result<Event<Agent>>> + Unpin,
    count: usize,
) -> Result<HashMap<String, u64>> {
    let mut seen = HashMap::new();
    while seen.len() < count {
        if let Event::Apply(agent) = events.next().await.context("the watch ended")??
            && !agent.spec.is_shared()
        {
            seen.entry(agent.name_any()).or_insert_with(now);
        }
    }
    Ok(seen)
}
