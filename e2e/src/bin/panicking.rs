//! A program whose tasks panic, as all programs of ours would: none of them can be made to from outside. What counts the
//! panics and tells of them is theirs.

use std::{convert::Infallible, process::ExitCode, time::Duration};

use clap::Parser;
use daemon::{Daemon, TelemetryArgs};

/// A program whose tasks panic
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

fn main() -> ExitCode {
    daemon::main("panicking", &Cli::parse().telemetry, serve)
}

/// Until it is told to end, a task each second.
#[expect(clippy::panic, reason = "what it is for")]
async fn serve(daemon: Daemon) -> Result<(), Infallible> {
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    let panicking = async {
        loop {
            seconds.tick().await;
            daemon.tasks.spawn(async { panic!("a defect") });
        }
    };
    daemon.shutdown.run_until_cancelled(panicking).await;
    Ok(())
}
