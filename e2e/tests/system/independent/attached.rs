//! A user with rights of their own works in the terminal that the guests of the agent's link see.

use anyhow::Result;
use e2e::{
    cluster::Space,
    guest::{PATIENCE, at_work},
    kubeoc,
};
use fixtures::OnTerminal;

/// Ctrl-], by which one detaches.
const DETACH: &[u8] = b"\x1d";

#[tokio::test]
async fn who_attaches_and_who_visits_see_what_the_other_types() -> Result<()> {
    let space = Space::new("attached").await?;
    let (_, guest) = at_work(&space, "both", &[]).await?;
    guest.types("by-page,").await?;
    guest.shows("by-page,", PATIENCE).await?;

    // Who comes is drawn the whole screen, row by row; what is typed later comes in pieces.
    let mut user = OnTerminal::start(kubeoc::attach(&space, "both", &[])?);
    user.shows("by-page,");
    user.types(b"by-user,");
    guest.shows("by-page,by-user,", PATIENCE).await?;
    user.types(DETACH);
    let (code, rest) = user.ends();
    assert_eq!(code, Some(0), "{rest}");

    let mut audience = OnTerminal::start(kubeoc::attach(&space, "both", &["--view"])?);
    audience.shows("by-page,by-user,");
    audience.types(b"vandal");
    audience.types(DETACH);
    let (code, rest) = audience.ends();
    assert_eq!(code, Some(0), "{rest}");
    guest.types("again").await?;
    guest.shows("by-page,by-user,again", PATIENCE).await?;
    let screen = guest.screen().await?;
    assert!(!screen.contains("vandal"), "who may only look typed: {screen}");
    space.delete().await
}
