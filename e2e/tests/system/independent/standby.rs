//! An agent that nobody uses sleeps, and is woken by who asks for it, and by nothing else.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use api_types::Agent;
use e2e::{
    agents,
    browser::{Browser, WAKE, Window},
    cluster::Space,
    guest, http, kubeoc,
    raw_guest::RawGuest,
    waiting::{self, SOON},
};
use fantoccini::Locator;
use serde_json::{Value, json};

/// Longer than the time-out, and than a guest may take to come back.
const WORK: Duration = Duration::from_secs(50);

fn is_suspended(agent: &Agent, why: &str) -> bool {
    agents::condition_of(agent, "Suspended") == Some(("True".into(), why.into()))
}

fn is_idle(agent: &Agent) -> bool {
    agent.status.as_ref().is_some_and(|status| status.idle_since.is_some())
}

fn standby() -> Value {
    json!({ "standby": { "idleTimeout": "15s" } })
}

async fn wait(space: &Space, what: &str, holds: impl Fn(&Agent) -> bool) -> Result<Agent> {
    // On the heap: a watch's future is larger than a stack frame should be.
    Box::pin(agents::wait(space, "sleeper", what, holds)).await
}

/// The reason with which the link is refused, once it is this one.
async fn link_says(token: &str, reason: &str) -> Result<()> {
    waiting::until(reason, SOON, || async {
        let answer = http::get(&format!("/s/{token}/info"), &[]).await?;
        let info: Value = serde_json::from_str(&answer.body).context(answer.body.clone())?;
        Ok((answer.status == 503 && info["reason"] == reason).then_some(()))
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn an_idle_agent_sleeps_and_only_who_asks_for_it_wakes_it() -> Result<()> {
    let space = Space::new("standby").await?;
    agents::ready(&space, "sleeper", standby()).await?;
    let token = kubeoc::share(&space, "sleeper", &[]).await?;
    let asleep = wait(&space, "asleep", agents::is_asleep).await?;
    let status = asleep.status.context("a status")?;
    assert!(status.suspended && status.service_name.is_some(), "{status:#?}");
    link_says(&token, "Asleep").await?;

    let wake = format!("/s/{token}/wake");
    assert_eq!(http::get(&wake, &[]).await?.status, 405, "a GET wakes nobody");
    let still = space.api::<Agent>().get("sleeper").await?;
    assert!(agents::is_asleep(&still), "{:#?}", still.status);

    let guest = Browser::start(Window::Phone).await?;
    guest.open(&token).await?;
    guest.says("The agent is asleep", guest::PATIENCE).await?;
    guest.screenshot("asleep").await?;
    let button = guest.page.find(Locator::XPath(WAKE)).await?;
    button.click().await?;
    guest.shows(guest::PROMPT, guest::PATIENCE).await?;
    let said = guest.said().await?;
    assert!(said.contains("Waking the agent"), "{said}");

    // Longer than the time-out it is neither idle nor asleep: its status says so from one write to the next.
    let in_use = wait(&space, "in use", |agent| agents::is_ready(agent) && !is_idle(agent)).await?;
    // What the agent works on keeps it awake beyond its time-out, though nobody looks at it.
    guest.types(&format!("wait {} seconds\n", WORK.as_secs())).await?;
    let begun = Instant::now();
    guest.shows("waiting", guest::PATIENCE).await?;
    drop(guest);
    let idle = wait(&space, "idle again", is_idle).await?;
    assert!(agents::is_ready(&idle), "it was awake for as long as its terminal was open");
    assert_ne!(in_use.metadata.resource_version, idle.metadata.resource_version);
    wait(&space, "asleep again", agents::is_asleep).await?;
    assert!(begun.elapsed() >= WORK, "it fell asleep at work, after {:?}", begun.elapsed());

    let resumed = kubeoc::run(&space, &["agent", "resume", "sleeper"]).await?;
    assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
    space.delete().await
}

#[tokio::test]
async fn an_open_terminal_keeps_an_agent_awake_beyond_its_time_out() -> Result<()> {
    let space = Space::new("awake").await?;
    agents::ready(&space, "sleeper", standby()).await?;
    let token = kubeoc::share(&space, "sleeper", &[]).await?;
    let mut guest = RawGuest::arrives(&token).await?;
    guest.shows(guest::PROMPT, guest::PATIENCE).await?;
    wait(&space, "in use", |agent| !is_idle(agent)).await?;

    // An agent beside it that nobody uses falls asleep meanwhile: so long was long enough.
    let unused = async {
        agents::ready(&space, "unused", standby()).await?;
        Box::pin(agents::wait(&space, "unused", "asleep", agents::is_asleep)).await
    };
    tokio::select! {
        asleep = unused => drop(asleep?),
        () = guest.stays() => bail!("the terminal has ended"),
    }
    let used = space.api::<Agent>().get("sleeper").await?;
    assert!(agents::is_ready(&used) && !is_idle(&used), "{:#?}", used.status);
    space.delete().await
}

#[tokio::test]
async fn a_visit_does_not_undo_what_the_owner_suspended() -> Result<()> {
    let space = Space::new("owner").await?;
    agents::ready(&space, "sleeper", standby()).await?;
    let token = kubeoc::share(&space, "sleeper", &[]).await?;
    let suspended = kubeoc::run(&space, &["agent", "suspend", "sleeper"]).await?;
    assert_eq!(suspended.code, 0, "{}", suspended.stderr);
    let by_owner = |agent: &Agent| is_suspended(agent, "UserRequested");
    wait(&space, "suspended", by_owner).await?;
    waiting::until("the gateway knows", SOON, || async {
        let answer = http::post(&format!("/s/{token}/wake")).await?;
        Ok((answer.status != 202).then_some(()))
    })
    .await?;
    let still = space.api::<Agent>().get("sleeper").await?;
    assert!(by_owner(&still), "{:#?}", still.status);

    let resumed = kubeoc::run(&space, &["agent", "resume", "sleeper"]).await?;
    assert_eq!(resumed.code, 0, "{}{}", resumed.stdout, resumed.stderr);
    wait(&space, "Ready", agents::is_ready).await?;
    space.delete().await
}
