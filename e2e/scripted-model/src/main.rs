//! The command line of [`scripted_model`], and nothing else.

use std::process::ExitCode;

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

fn main() -> ExitCode {
    let cli = Cli::parse();
    let serve = |daemon| scripted_model::run(cli.script, daemon);
    daemon::main("scripted-model", &cli.telemetry, serve)
}
