//! The API server hangs, or is gone: no link is called dead, and all goes on after.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    browser::{Browser, Window},
    cluster::{Space, api_server},
    guest::{PATIENCE, at_work, is_live_again},
    http, network, pods,
    processes::Processes,
    replica::Replica,
};

/// The gateway tries for 10 s to open a terminal; what else that takes on busy cores.
const GIVEN_UP: Duration = Duration::from_secs(15);
const SOON: Duration = Duration::from_secs(5);

/// What a guest reads who comes at such a time.
const NOT_NOW: &str = "the terminal cannot be opened now; try again in a moment";
const NO_CLUSTER: &str = "service cannot reach its cluster; try again in a moment";

/// For as long as nobody's patience is over: 25 s.
#[tokio::test]
async fn a_stall_of_the_api_server_ends_no_session_and_lets_newcomers_wait() -> Result<()> {
    let space = Space::new("stalled").await?;
    let (token, guest) = at_work(&space, "patient", &[]).await?;
    let pod = pods::of_agent(&space, "patient").await?;
    let session = pods::sessions(&space, &pod).await?;
    let newcomer = Browser::start(Window::Desktop).await?;
    let api_server = Processes::of_api_server(&space.client).await?;

    let stalled = api_server.freeze()?;
    newcomer.open(&token).await?;
    guest.types("written into the blue").await?;
    newcomer.has_said(NOT_NOW, GIVEN_UP).await?;
    assert_eq!(http::get(&format!("/s/{token}/info"), &[]).await?.status, 200);
    drop(stalled);

    guest.shows("written into the blue", PATIENCE).await?;
    newcomer.shows("written into the blue", PATIENCE).await?;
    is_undisturbed(&guest).await?;
    let now = pods::sessions(&space, &pod).await?;
    assert!(session.iter().all(|pid| now.contains(pid)), "the session has lasted");
    space.delete().await
}

/// As gateways and brokers see it: every connection is reset, and no new one comes about.
#[tokio::test]
async fn a_killed_api_server_makes_pages_wait_and_calls_no_link_dead() -> Result<()> {
    let space = Space::new("refused").await?;
    let (token, guest) = at_work(&space, "patient", &[]).await?;
    let pod = pods::of_agent(&space, "patient").await?;
    let newcomer = Browser::start(Window::Desktop).await?;
    let address = api_server(&space.client).await?;
    let replicas = [
        Replica::all(&space.client, "gateway").await?,
        Replica::all(&space.client, "terminal-broker").await?,
    ];

    let refused = replicas.iter().flatten().map(|replica| network::refused(replica, address));
    let refused = refused.collect::<Result<Vec<_>>>()?;
    pods::left_by_all(&space, &pod, SOON).await?;
    newcomer.open(&token).await?;
    for page in [&guest, &newcomer] {
        page.has_said(NOT_NOW, GIVEN_UP).await?;
    }
    // A link may have been made since: nobody can say that it is wrong.
    let unknown = http::get(&format!("/s/{}/info", "w".repeat(43)), &[]).await?;
    assert_eq!(unknown.status, 503, "{}", unknown.body);
    assert!(unknown.body.contains(NO_CLUSTER), "{}", unknown.body);
    drop(refused);

    for page in [&guest, &newcomer] {
        is_live_again(page).await?;
        let said = page.said().await?;
        ensure!(!said.contains("link"), "a link that works was called in question: {said}");
    }
    space.delete().await
}

/// The page has said nothing since it had its terminal.
async fn is_undisturbed(page: &Browser) -> Result<()> {
    let said = page.said().await?;
    ensure!(said.lines().all(|line| line.starts_with("Connecting")), "the page said: {said}");
    Ok(())
}
