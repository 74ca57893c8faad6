//! Limits of gateway and broker, lifted for a while: what is measured must not be refused for coming too often.

use anyhow::Result;
use api_types::names::{BROKER_SERVICE, SERVER_SERVICE};
use kube::Client;
use serde_json::{Value, json};

use crate::rollout;

/// As many terminals as are wanted through one link, from one address, at any rate.
const UNLIMITED: [&str; 9] = [
    "MAX_TERMINALS_PER_LINK",
    "MAX_TERMINALS_PER_AGENT",
    "MAX_TERMINALS",
    "REQUESTS_PER_MINUTE",
    "REQUEST_BURST",
    "LINK_REQUESTS_PER_MINUTE",
    "LINK_REQUEST_BURST",
    "LINK_OPENINGS_PER_MINUTE",
    "LINK_OPENING_BURST",
];

/// With `0s` each session has a terminal and a program of its own.
const SHARED: &str = "SCREEN_IDLE";

/// Whose the terminals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminals {
    /// Of all who come by the same link, as they are installed.
    Shared,
    /// Of one session each.
    Own,
}

/// Lifts the limits of both programs, which restarts them.
pub async fn lift(client: &Client, terminals: Terminals) -> Result<()> {
    let value = |name: &&str| json!({ "name": name, "value": "100000" });
    let own = (terminals == Terminals::Own).then(|| json!({ "name": SHARED, "value": "0s" }));
    set(client, &UNLIMITED.iter().map(value).chain(own).collect::<Vec<_>>()).await
}

/// Takes [`lift`] back.
pub async fn restore(client: &Client) -> Result<()> {
    let gone = |name: &&str| json!({ "name": name, "$patch": "delete" });
    set(client, &UNLIMITED.iter().chain([&SHARED]).map(gone).collect::<Vec<_>>()).await
}

async fn set(client: &Client, variables: &[Value]) -> Result<()> {
    for (name, container) in [(BROKER_SERVICE, "terminal-broker"), (SERVER_SERVICE, "gateway")] {
        rollout::set_variables(client, name, container, variables).await?;
        rollout::old_pods_gone(client, container).await?;
    }
    Ok(())
}
