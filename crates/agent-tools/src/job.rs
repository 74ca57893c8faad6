//! What the programs of a pod's init containers do alike: read the job, end at once when they are told to,
//! and leave one sentence when they fail.

use std::{
    fmt, fs,
    future::Future,
    io::{self, Write},
    path::PathBuf,
};

use agent_jobs::Report;
use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use tokio::{
    runtime::Builder,
    signal::unix::{SignalKind, signal},
};

use crate::report::ReportArgs;

#[derive(clap::Args, Debug)]
pub struct JobArgs {
    /// File of JSON that says what to do
    #[arg(long)]
    job: PathBuf,
    #[command(flatten)]
    report: ReportArgs,
}

/// Does what the job file says. A failure is the container's termination message as well.
pub(crate) fn run<J, F>(args: &JobArgs, work: impl FnOnce(J) -> F) -> Result<()>
where
    J: DeserializeOwned,
    F: Future<Output = Result<()>>,
{
    reported(&args.report, || {
        let job = read(args)?;
        until_terminated(work(job))
    })
}

/// Leaves the failure of `work` as the container's termination message.
pub(crate) fn reported(report: &ReportArgs, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = work();
    if let Err(error) = &done {
        // Whatever a cause says, it is one line.
        let sentence = format!("{error:#}").replace(char::is_control, " ");
        report.write(&Report::Failed(sentence));
    }
    done
}

fn read<J: DeserializeOwned>(args: &JobArgs) -> Result<J> {
    let path = args.job.display();
    let json = fs::read(&args.job).with_context(|| format!("cannot read the job {path}"))?;
    serde_json::from_slice(&json).with_context(|| format!("the job {path} is not one"))
}

/// The first process of a container is not ended by a signal that it does not listen for.
fn until_terminated(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let done = runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            biased;
            _ = terminate.recv() => bail!("stopped by SIGTERM before the work was done"),
            done = work => done,
        }
    });
    // A read that hangs, or a name that is still being looked up, is not waited for.
    runtime.shutdown_background();
    done
}

/// A line of the container's log, which nobody may be there to take.
pub(crate) fn log(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "agent-tools: {line}");
}
