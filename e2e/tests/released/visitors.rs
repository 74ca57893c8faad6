//! Visitors that come all the while.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::http;

/// As often as a link may be asked for in the long run, and some to spare: 600 times a minute.
const INTERVAL: Duration = Duration::from_millis(200);

/// Asks for the link again and again, until one is refused.
pub(crate) async fn each_is_served(gateway: &str, token: &str) -> Result<()> {
    let path = format!("/s/{token}/info");
    let mut pace = tokio::time::interval(INTERVAL);
    loop {
        pace.tick().await;
        let status = http::get_at(gateway, &path, &[]).await?.status;
        ensure!(status == 200, "a visitor was answered {status}");
    }
}
