//! The command line of [`agent_tools`], and nothing else.

use std::{
    io::{Write, stderr},
    process::ExitCode,
};

use clap::Parser;

fn main() -> ExitCode {
    match agent_tools::run(agent_tools::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // One line, with its causes: kubelet shows it as an event. Whether it can be written is
            // no longer of any consequence.
            let _ = writeln!(stderr(), "agent-tools: {error:#}");
            ExitCode::FAILURE
        }
    }
}
