//! An OpenAI-compatible endpoint that answers from a script, so that a live agent can be shown and
//! tested without a network. It must never pass for a model: every answer says that it is a script.

use std::{net::SocketAddr, time::Duration};

use daemon::Daemon;

mod conversation;
mod reply;
mod script;
mod server;
mod wish;

/// Where to listen, and how fast to speak.
#[derive(clap::Args, Clone, Debug)]
pub struct ScriptArgs {
    /// Address that serves the API
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8080")]
    pub listen: SocketAddr,
    /// Milliseconds between two words of a streamed answer
    #[arg(long, env = "PACE_MS", default_value_t = 30)]
    pub pace_ms: u64,
}

/// Serves until the daemon's shutdown.
pub async fn run(args: ScriptArgs, daemon: Daemon) -> anyhow::Result<()> {
    server::serve(args.listen, Duration::from_millis(args.pace_ms), daemon).await
}
