//! Repositories in an agent's pod: `git-init` clones one before the agent starts, `git-sync` follows it. No other
//! program is run, and nothing that a repository or the agent configured has an effect.

mod checkout;
mod connect;
mod credentials;
mod divergence;
mod dot_git;
mod error;
mod exchange;
mod folder;
mod host_keys;
mod http;
mod ignored;
mod index;
mod init;
mod lock;
mod loss;
mod net;
mod objects;
mod place;
mod prepare;
mod ready;
mod references;
mod remote;
mod replace;
mod rollout;
mod session;
mod snapshot;
mod ssh;
mod state;
mod submodules;
mod sync;
mod target;
mod tip;
mod trust;
mod untracked;
mod worktree;

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use agent_jobs::{GitJob, GitReport, GitState, Report};
use backon::{BlockingRetryable, ExponentialBuilder};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::report::ReportArgs;
use credentials::Credentials;
pub use error::GitError;
use folder::Folder;
use net::Net;
use session::Session;
use target::Target;
use trust::TrustArgs;

/// What a process that SIGTERM ends exits with.
const TERMINATED: i32 = 128 + signal_hook::consts::SIGTERM;

#[derive(clap::Args, Debug)]
pub struct GitArgs {
    /// File that says which repository, and where to
    #[arg(long)]
    job: PathBuf,
    /// How long a server that does not answer is tried again
    #[arg(long, default_value_t = 120, hide = true)]
    retry_seconds: u64,
    /// How long a server may be silent
    #[arg(long, default_value_t = 60, hide = true)]
    stall_seconds: u64,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Clones the repository of a job.
pub fn run_init(args: &GitArgs) -> Result<(), GitError> {
    run(args, Tool::init)
}

/// Follows the repository of a job until there is news.
pub fn run_sync(args: &GitArgs) -> Result<(), GitError> {
    run(args, Tool::sync)
}

fn run(
    args: &GitArgs,
    work: impl FnOnce(&Tool, &GitJob) -> Result<GitReport, GitError>,
) -> Result<(), GitError> {
    let done = read(args).and_then(|job| {
        let named = |error| GitError::Job { name: job.name.clone(), source: Box::new(error) };
        Tool::new(args).and_then(|tool| work(&tool, &job)).map_err(named)
    });
    args.report.write(&match &done {
        Ok(report) => Report::Git(report.clone()),
        Err(error) => Report::Failed(sentence(error)),
    });
    done.map(drop)
}

fn read(args: &GitArgs) -> Result<GitJob, GitError> {
    let path = || args.job.clone();
    let text = fs::read(&args.job).map_err(|source| GitError::JobFile { path: path(), source })?;
    serde_json::from_slice(&text).map_err(|source| GitError::JobForm { path: path(), source })
}

/// What both programs share.
struct Tool {
    net: Arc<Net>,
    retry_for: Duration,
}

impl Tool {
    fn new(args: &GitArgs) -> Result<Self, GitError> {
        // The first process of a container has no default for it. There is nothing to end in good order: what
        // is half done lies in a folder of its own, or is finished by the next process.
        let always = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_shutdown(
            signal_hook::consts::SIGTERM,
            TERMINATED,
            always,
        )
        .map_err(GitError::Start)?;
        let tls = args.trust.config()?;
        let net =
            Net::new(tls, Duration::from_secs(args.stall_seconds)).map_err(GitError::Start)?;
        Ok(Self { net: Arc::new(net), retry_for: Duration::from_secs(args.retry_seconds) })
    }

    fn session<'a>(
        &self,
        target: &Target<'_>,
        job: &'a GitJob,
        meta: &Folder,
    ) -> Result<Session<'a>, GitError> {
        // Read each time: kubelet renews a mounted Secret.
        let credentials = Credentials::read(job.credentials.as_deref())?;
        let pins = Arc::new(target.pins(meta)?);
        Ok(Session { job, net: Arc::clone(&self.net), credentials, pins })
    }

    /// Tries again while that may help.
    fn retry<T>(&self, work: impl FnMut() -> Result<T, GitError>) -> Result<T, GitError> {
        let pauses = ExponentialBuilder::default()
            .with_jitter()
            .with_max_delay(Duration::from_secs(20))
            .without_max_times()
            .with_total_delay(Some(self.retry_for));
        let notify = |error: &GitError, pause: Duration| {
            say(&format!("{}; trying again in {} s", sentence(error), pause.as_secs()));
        };
        work.retry(pauses).when(GitError::is_transient).notify(notify).call()
    }
}

/// Of a checkout that somebody removed or replaced.
fn gone(job: &GitJob) -> GitReport {
    let why = "the checkout is gone, or was replaced by something else".into();
    report(job, String::new(), GitState::Diverged { commit: String::new(), why })
}

#[allow(clippy::disallowed_methods, reason = "the one clock of these programs")]
fn report(job: &GitJob, commit: String, state: GitState) -> GitReport {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0);
    let last_synced = now.ok().and_then(|now| now.format(&Rfc3339).ok()).unwrap_or_default();
    GitReport { name: job.name.clone(), commit, last_synced, state }
}

/// An error with its causes, in one line.
fn sentence(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// For the container's log.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "agent-tools: {line}");
}
