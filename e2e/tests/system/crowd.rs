//! Thousands of Agents that nothing can be made of: whoever works beside them in their namespace is
//! answered as soon as ever.

use std::{cell::Cell, time::Duration};

use anyhow::{Context, Result};
use api_types::{Agent, condition};
use e2e::{
    agents,
    cluster::{PATIENCE, Space},
    http, kubeoc, settings, waiting,
};
use futures::{StreamExt, TryStreamExt, future, stream};
use kube::{Api, api::ListParams};
use serde_json::json;

/// Creations under way at the same time.
const AT_ONCE: usize = 8;

/// How soon another Agent is reconciled.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn thousands_of_agents_that_cannot_be_made_hold_up_no_other() -> Result<()> {
    let crowd = settings::crowd()?;
    let space = Space::new("crowd").await?;
    // It needs no pod: what is measured is the controller's answer.
    agents::create(&space, "edited", json!({ "suspend": true })).await?;
    let all_told = Cell::new(false);
    let edits = async {
        let mut count = 0;
        while !all_told.get() {
            edit(&space, count).await?;
            count += 1;
        }
        anyhow::Ok(count)
    };
    let arrival = async {
        let created = stream::iter(0..crowd).map(|number| create(&space, number));
        created.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
        // New ones are judged in their order, so that few are left when the last one is.
        let last = format!("crowd-{}", crowd - 1);
        Box::pin(agents::wait(&space, &last, "judged", is_missing)).await?;
        waiting::until("all the crowd is told", PATIENCE, || is_told(&space, crowd)).await?;
        all_told.set(true);
        anyhow::Ok(())
    };
    let (count, ()) = future::try_join(edits, arrival).await?;
    // They were made and judged meanwhile, not before or after.
    assert!(count > 10, "{count} edits");

    Box::pin(agents::ready(&space, "new", json!({}))).await.context("beside the crowd")?;
    let token = kubeoc::share(&space, "new", &[]).await?;
    waiting::until("a link beside the crowd opens", SOON, || async {
        let status = http::get(&format!("/s/{token}/info"), &[]).await?.status;
        Ok((status == 200).then_some(()))
    })
    .await?;
    space.delete_whole().await
}

/// One of the crowd, whose template nobody made.
async fn create(space: &Space, number: usize) -> Result<()> {
    let spec = json!({ "templateRef": { "name": "missing" } });
    agents::create(space, &format!("crowd-{number}"), spec).await.map(drop)
}

/// Edits an Agent and waits for the status of the edit.
async fn edit(space: &Space, number: u32) -> Result<()> {
    let change = json!({ "spec": { "config": { "username": number.to_string() } } });
    let wanted = agents::patch(space, "edited", change).await?.metadata.generation;
    let agents: Api<Agent> = space.api();
    waiting::until(&format!("edit {number} is reconciled"), SOON, || async {
        let status = agents.get("edited").await?.status;
        Ok((status.and_then(|status| status.observed_generation) == wanted).then_some(()))
    })
    .await?;
    Ok(())
}

/// `Some` once each of the crowd says that its template is missing.
async fn is_told(space: &Space, crowd: usize) -> Result<Option<()>> {
    let agents: Api<Agent> = space.api();
    let mut pages = ListParams::default().limit(1_000);
    let mut told = 0;
    loop {
        let page = agents.list(&pages).await?;
        told += page.items.iter().filter(|agent| is_missing(agent)).count();
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => pages = pages.continue_token(&next),
            None => return Ok((told == crowd).then_some(())),
        }
    }
}

fn is_missing(agent: &Agent) -> bool {
    agents::condition_of(agent, condition::READY).is_some_and(|(status, reason)| {
        status == "False" && reason == condition::reason::TEMPLATE_NOT_FOUND
    })
}
