//! A guest whose link was taken back types nothing more, whatever it had sent before.

use std::{iter, time::Duration};

use anyhow::Result;
use e2e::{
    agents,
    cluster::Space,
    guest::{PATIENCE, PROMPT},
    kubeoc, pods,
    raw_guest::RawGuest,
};
use serde_json::json;
use tokio::time::timeout;

/// A piece of 64 KiB: cursor keys, which OpenCode takes its time for.
const CURSOR_KEYS: &[u8] = b"\x1b[D\x1b[C";
const PIECES: usize = 64;
const STUCK: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_prompt_that_lies_behind_four_mebibytes_of_keys_is_never_submitted() -> Result<()> {
    let space = Space::new("silenced").await?;
    agents::ready(&space, "spared", json!({})).await?;
    let token = kubeoc::share(&space, "spared", &[]).await?;
    let pod = pods::of_agent(&space, "spared").await?;
    let mut guest = RawGuest::open(&token).await?;
    guest.shows(PROMPT, PATIENCE).await?;

    guest.sends(b"create a file revoked.txt saying hi").await?;
    guest.shows("revoked.txt", PATIENCE).await?;
    // Its window fills at the first pieces, and then the gateway reads no more: a send that is stuck for a second
    // says so. With buffers without a bound all of it would be on its way, the return last.
    let piece = CURSOR_KEYS.repeat(64 * 1024 / CURSOR_KEYS.len());
    let flood = iter::repeat_n(&piece[..], PIECES).chain([&b"\r"[..]]);
    for piece in flood {
        if !timeout(STUCK, guest.sends(piece)).await.unwrap_or(Ok(false))? {
            break;
        }
    }

    agents::patch(&space, "spared", json!({ "spec": { "share": { "enabled": false } } })).await?;
    pods::left_by_all(&space, &pod, Duration::from_secs(5)).await?;

    // Nobody is left in the pod who could submit it.
    let listing = pods::exec(&space, &pod, &["ls", "/workspace"]).await?;
    assert!(!listing.contains("revoked.txt"), "{listing}");
    space.delete().await
}
