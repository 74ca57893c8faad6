//! A guest at work: a ready agent, its link, and a browser that shows its prompt.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::{
    agents,
    browser::{Browser, Window},
    cluster::Space,
    kubeoc, waiting,
};

/// A fresh `opencode attach` draws its screen, and answers, within this on two busy cores: it needs six seconds of a core
/// for itself, and took 55 s where five others wanted the same two.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// What OpenCode's empty prompt shows.
pub const PROMPT: &str = "Ask anything";

/// Makes the agent `name`, shares it with `flags`, and opens its link. Returns the token with the browser.
pub async fn at_work(space: &Space, name: &str, flags: &[&str]) -> Result<(String, Browser)> {
    agents::ready(space, name, json!({})).await?;
    let token = kubeoc::share(space, name, flags).await?;
    let guest = arrives(&token, Window::Desktop).await?;
    Ok((token, guest))
}

/// Opens a link in a browser of its own.
pub async fn arrives(token: &str, window: Window) -> Result<Browser> {
    let guest = Browser::start(window).await?;
    guest.open(token).await?;
    guest.shows(PROMPT, PATIENCE).await?;
    Ok(guest)
}

/// Waits until `page` has a terminal again, and says nothing any more.
pub async fn is_live_again(page: &Browser) -> Result<()> {
    waiting::until("the page is live", PATIENCE, || async {
        Ok(page.status().await?.is_empty().then_some(()))
    })
    .await?;
    page.shows(PROMPT, PATIENCE).await?;
    Ok(())
}
