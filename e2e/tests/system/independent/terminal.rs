//! A guest opens a link and works in a real OpenCode terminal.

use std::time::Duration;

use anyhow::{Context, Result};
use e2e::{
    agents,
    browser::Window,
    cluster::Space,
    guest::{PATIENCE, PROMPT, arrives, at_work},
    kubeoc, pods, waiting,
};
use serde_json::json;

#[tokio::test]
async fn a_typed_prompt_is_answered_and_a_file_appears_in_the_workspace() -> Result<()> {
    let space = Space::new("prompt").await?;
    let (_, guest) = at_work(&space, "painter", &[]).await?;

    assert!(guest.page.title().await?.starts_with("painter"));
    guest.types("create a file hello.txt saying hi\n").await?;
    guest.shows("I am a script", PATIENCE).await?;

    let pod = pods::of_agent(&space, "painter").await?;
    let (content, _) = waiting::until("hello.txt in the workspace", PATIENCE, || async {
        let content = pods::exec(&space, &pod, &["cat", "/workspace/hello.txt"]).await?;
        Ok((!content.is_empty()).then_some(content))
    })
    .await?;
    assert_eq!(content.trim(), "hi");
    guest.screenshot("terminal").await?;
    space.delete().await
}

#[tokio::test]
async fn a_resized_window_changes_the_terminals_size() -> Result<()> {
    let space = Space::new("resize").await?;
    let (_, guest) = at_work(&space, "elastic", &[]).await?;
    let pod = pods::of_agent(&space, "elastic").await?;
    let before = pty_size(&space, &pod).await?;

    guest.page.set_window_size(800, 500).await?;

    let smaller = waiting::until("a smaller PTY", Duration::from_secs(10), || async {
        let now = pty_size(&space, &pod).await?;
        Ok((now.0 < before.0 && now.1 < before.1).then_some(()))
    });
    smaller.await.with_context(|| format!("it was {before:?} before"))?;
    guest.shows(PROMPT, PATIENCE).await?;
    space.delete().await
}

/// Rows and columns of the only PTY in the pod, asked of its kernel.
async fn pty_size(space: &Space, pod: &str) -> Result<(u32, u32)> {
    let script = "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null | grep -q 'opencode attach' \
                  && t=$(readlink $d/fd/0) && case $t in /dev/pts/*) stty size < $t;; esac; done | head -n 1";
    let text = pods::exec(space, pod, &["/bin/bash", "-c", script]).await?;
    let (rows, columns) =
        text.trim().split_once(' ').with_context(|| format!("no size in {text:?}"))?;
    Ok((rows.parse()?, columns.parse()?))
}

/// How many execs look at terminals in the pod.
async fn screens(space: &Space, pod: &str) -> Result<usize> {
    let script = "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null | grep 'agent-tools screen attac[h]'; done";
    Ok(pods::exec(space, pod, &["/bin/bash", "-c", script]).await?.lines().count())
}

#[tokio::test]
async fn guests_work_at_once_one_of_them_on_a_phone_and_share_the_execs() -> Result<()> {
    let space = Space::new("pair").await?;
    agents::ready(&space, "shared", json!({})).await?;
    let token = kubeoc::share(&space, "shared", &[]).await?;

    let desk = arrives(&token, Window::Desktop).await?;
    let phone = arrives(&token, Window::Phone).await?;
    let third = arrives(&token, Window::Desktop).await?;
    // Both are in one line, which a phone has room for.
    desk.types("at-desk,").await?;
    desk.shows("at-desk,", PATIENCE).await?;
    phone.types("by-phone").await?;
    phone.shows("by-phone", PATIENCE).await?;
    phone.shows("at-desk,by-phone", PATIENCE).await?;
    desk.shows("at-desk,by-phone", PATIENCE).await?;
    let wide = "return document.documentElement.scrollWidth > window.innerWidth";
    assert_eq!(phone.page.execute(wide, vec![]).await?, json!(false), "a phone scrolls sideways");
    phone.screenshot("phone").await?;

    third.shows("at-desk,by-phone", PATIENCE).await?;
    let pod = pods::of_agent(&space, "shared").await?;
    let brokers = pods::list_component(&space.client, "terminal-broker").await?.len();
    let execs = screens(&space, &pod).await?;
    assert!((1..=brokers).contains(&execs), "{execs} execs by {brokers} brokers");
    assert!(execs < 3, "one for each guest");
    space.delete().await
}
