//! The command line of [`scripted_model`], and nothing else.

use clap::Parser;
use daemon::TelemetryArgs;
use scripted_model::ScriptArgs;

/// An OpenAI-compatible endpoint that answers from a script, not from a model
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    script: ScriptArgs,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let serve = |daemon| scripted_model::run(cli.script, daemon);
    Ok(daemon::run("scripted-model", &cli.telemetry, serve).await?)
}
