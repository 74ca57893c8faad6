//! A packaged chart with images of a private registry, in a cluster that has nothing of ours: installed, upgraded under
//! its guests' hands, removed. The whole test runs on the cluster's node, whose loopback the registry has.

mod inventory;
mod options;
mod release;
mod visitors;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use e2e::{
    agents,
    browser::{Browser, Window},
    cluster::Space,
    guest::{PATIENCE, PROMPT},
    kubeoc, pods, waiting,
};
use serde_json::json;

use inventory::Inventory;
use options::Options;
use release::Release;

/// Nobody sends it: a prompt that is typed and not sent is what a guest would miss.
const TYPED: &str = "typed before the upgrade";
const TYPED_ON: &str = "typed before the upgrade and after it";

#[tokio::test(flavor = "multi_thread")]
async fn a_packaged_chart_is_installed_upgraded_under_its_guests_and_removed() -> Result<()> {
    let release = Release::packaged()?;
    let space = Space::new("released").await?;
    release.lets_pull(&space.name)?;
    let before = Inventory::taken(&space.name)?;

    release.install(&[])?;
    let gateway = Release::gateway(&space.client).await?;
    let secrets = json!({ "imagePullSecrets": [{ "name": release::CREDENTIALS }] });
    agents::ready(&space, "afloat", secrets).await?;
    release.made_every_image(&space).await?;
    let pod = pods::of_agent(&space, "afloat").await?;
    let token = kubeoc::share(&space, "afloat", &[]).await?;
    let page = Browser::start(Window::Desktop).await?;
    page.open_at(&gateway, &token).await?;
    page.shows(PROMPT, PATIENCE).await?;
    page.types(TYPED).await?;
    page.shows(TYPED, PATIENCE).await?;

    let visits = visitors::each_is_served(&gateway, &token);
    let upgraded = release.upgraded_under(&page, &space.client);
    let openings = tokio::select! {
        biased;
        openings = Box::pin(upgraded) => openings?,
        refused = visits => return refused,
    };
    page.types(" and after it").await?;
    page.shows(TYPED_ON, PATIENCE).await?;
    page.screenshot("after-an-upgrade").await?;
    // One for the gateway's pod and one for the broker's: each of them ends once.
    ensure!((1..=2).contains(&openings), "the page connected {openings} times during the upgrade");
    ensure!(pods::of_agent(&space, "afloat").await? == pod, "the agent's pod was replaced");

    Release::uninstall()?;
    nothing_is_left_but_definitions(&space, &before).await?;
    stays(&space, &pod).await?;

    // Whoever installs it again finds all agents, and their links, as they were: here with what is off by default.
    let mut options = Box::pin(Options::prepared(&space)).await?;
    release.install(&["--values", &options.values()?])?;
    let page = Browser::start(Window::Desktop).await?;
    page.open_at(&options.gateway(), &token).await?;
    // The terminal goes on for five minutes, whatever becomes of the programs that lead to it.
    page.shows(TYPED_ON, PATIENCE).await?;
    ensure!(pods::of_agent(&space, "afloat").await? == pod, "the agent's pod was replaced");
    Box::pin(options.hold(&space, &page, &token)).await?;
    Release::uninstall()?;
    options.delete().await?;
    nothing_is_left_but_definitions(&space, &before).await?;
    space.delete().await
}

/// Pods that end have their time for it, since a guest is there.
async fn nothing_is_left_but_definitions(space: &Space, before: &Inventory) -> Result<()> {
    let left = || anyhow::Ok(Inventory::taken(&space.name)?.without(before));
    let gone = waiting::until("only definitions are left", PATIENCE, || async {
        Ok((left()? == Inventory::definitions()).then_some(()))
    });
    let gone = gone.await.map(drop);
    gone.with_context(|| format!("left in the cluster: {:#?}", left()))
}

/// An Agent whose controller is gone, and its pod, are there and at work.
async fn stays(space: &Space, pod: &str) -> Result<()> {
    let asked = Duration::from_secs(10);
    let said = pods::exec(space, pod, &["opencode", "--version"]);
    let version = tokio::time::timeout(asked, said).await??;
    ensure!(!version.trim().is_empty(), "OpenCode does not answer in {pod}");
    agents::wait(space, "afloat", "there and Ready", agents::is_ready).await?;
    Ok(())
}
