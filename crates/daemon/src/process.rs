//! A process from its start to its end: what runs beside its own work, and how long that work
//! may take to stop. It must not know what that work is.

use std::{
    error::Error,
    future::Future,
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    DaemonError, Metrics, Readiness, TelemetryArgs,
    connect::Acceptor,
    error::chain,
    probes::{self, Probes},
    shutdown::Signals,
    telemetry::init_telemetry,
};

/// How long the process's work may take to end once asked to. Manifests pause 5 s in `preStop`
/// (until no Service routes here any more) and set `terminationGracePeriodSeconds: 20`, so that
/// this grace is over 5 s before the kubelet kills the process.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(10);

/// What a process's own code gets to work with. A clone is the same process.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Cancelled when the process shall end. Every loop listens to it first.
    pub shutdown: CancellationToken,
    /// Every task is spawned here, and waited for at the end.
    pub tasks: TaskTracker,
    pub metrics: Metrics,
    pub readiness: Readiness,
    failed: Arc<OnceLock<&'static str>>,
}

impl Daemon {
    /// A process named `program` that nothing has been started for: all that tests need.
    pub fn new(program: &'static str) -> Self {
        Self {
            shutdown: CancellationToken::new(),
            tasks: TaskTracker::new(),
            metrics: Metrics::new(program),
            readiness: Readiness::default(),
            failed: Arc::default(),
        }
    }

    /// Listens on `address`, counted in the metrics under `name`. At most `max_connections` are
    /// open without being authenticated.
    pub async fn listen(
        &self,
        name: &'static str,
        address: SocketAddr,
        max_connections: usize,
    ) -> Result<Acceptor, DaemonError> {
        let metrics = self.metrics.listener(name);
        let acceptor = Acceptor::bind(address, max_connections, metrics).await?;
        tracing::info!(listener = name, address = %acceptor.local_address(), "listening");
        Ok(acceptor)
    }

    /// Spawns a task that the process is useless without. Should it return or
    /// panic before the shutdown, the whole process ends with an error.
    pub fn spawn_essential(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let guard = Essential { name, daemon: self.clone() };
        self.tasks.spawn(async move {
            let _guard = guard;
            task.await;
        });
    }
}

/// Lives as long as an essential task, however that ends.
struct Essential {
    name: &'static str,
    daemon: Daemon,
}

impl Drop for Essential {
    fn drop(&mut self) {
        if !self.daemon.shutdown.is_cancelled() {
            tracing::error!(task = self.name, "an essential task ended: shutting down");
            // Only the first failure is reported: others follow from it.
            let _ = self.daemon.failed.set(self.name);
            self.daemon.shutdown.cancel();
        }
    }
}

/// A program's `main`: [`run`] on a runtime of one thread, which saves each hop of a key stroke
/// a wake-up. A failure is in the log, so the program prints nothing more:
///
/// ```no_run
/// # use clap::Parser;
/// # #[derive(Parser)]
/// # struct Args {
/// #     #[command(flatten)]
/// #     telemetry: daemon::TelemetryArgs,
/// # }
/// # async fn run(_: Args, _: daemon::Daemon) -> std::io::Result<()> { Ok(()) }
/// fn main() -> std::process::ExitCode {
///     let args = Args::parse();
///     let telemetry = args.telemetry.clone();
///     daemon::main("kubeopencode-gateway", &telemetry, |daemon| run(args, daemon))
/// }
/// ```
pub fn main<F, Fut, E>(program: &'static str, args: &TelemetryArgs, serve: F) -> ExitCode
where
    F: FnOnce(Daemon) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    small_pages_only();
    #[cfg(feature = "tls")]
    install_crypto();
    match run_to_end(run(program, args, serve)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if !error.is_logged() {
                eprint_error(&error);
            }
            ExitCode::FAILURE
        }
    }
}

fn run_to_end(run: impl Future<Output = Result<(), DaemonError>>) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(DaemonError::Runtime)?;
    let ended = runtime.block_on(run);
    // A blocking call that hangs must not hold the process up.
    runtime.shutdown_background();
    ended
}

/// Keeps the kernel from backing the allocator's memory by pages of 2 MiB (`PR_SET_THP_DISABLE`,
/// prctl(2)): each stays resident whole while any byte of it is in use, so that what a burst took
/// would hardly ever be given back. It holds for all that is touched from now on.
fn small_pages_only() {
    // A kernel without such pages refuses, and has nothing to disable.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

/// The libraries that speak TLS take the process's provider where they are given none.
#[cfg(feature = "tls")]
fn install_crypto() {
    // An error says that there is a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[allow(clippy::print_stderr, reason = "there is no log yet")]
fn eprint_error(error: &DaemonError) {
    eprintln!("Error: {}", chain(error));
}

/// Runs `serve` as a process: logs, traces, signals, probes and metrics are there before it starts, and
/// its tasks are waited for after it returns. It has to return soon after [`Daemon::shutdown`]
/// is cancelled. How it ended is logged here.
pub async fn run<F, Fut, E>(
    program: &'static str,
    args: &TelemetryArgs,
    serve: F,
) -> Result<(), DaemonError>
where
    F: FnOnce(Daemon) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let traces = init_telemetry(program, args)?;
    let ended = start(program, args, serve).await;
    if let Some(traces) = traces {
        traces.end().await;
    }
    match &ended {
        Ok(()) => tracing::info!("stopped"),
        Err(error) => {
            tracing::error!(category = error.category(), error = chain(error), "stopped");
        }
    }
    ended
}

async fn start<F, Fut, E>(
    program: &'static str,
    args: &TelemetryArgs,
    serve: F,
) -> Result<(), DaemonError>
where
    F: FnOnce(Daemon) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let daemon = Daemon::new(program);
    report_panics(&daemon.metrics);
    let signals = Signals::install()?;
    let probes = daemon.listen("metrics", args.metrics_address, probes::MAX_CONNECTIONS).await?;
    tracing::info!(program, version = env!("CARGO_PKG_VERSION"), "started");
    supervise(&daemon, signals.watch(daemon.shutdown.clone()), probes, serve).await
}

/// The probes answer until the last task has ended, so they are not among them.
async fn supervise<F, Fut, E>(
    daemon: &Daemon,
    signals: impl Future<Output = ()> + Send + 'static,
    acceptor: Acceptor,
    serve: F,
) -> Result<(), DaemonError>
where
    F: FnOnce(Daemon) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let (beside, end) = (TaskTracker::new(), CancellationToken::new());
    let _end_on_return = end.clone().drop_guard();
    let Daemon { readiness, metrics, shutdown, .. } = daemon.clone();
    let probes = Probes::new(readiness, metrics, shutdown);
    beside.spawn(probes.serve(acceptor, beside.clone(), end.clone()));
    beside.spawn(end.run_until_cancelled_owned(signals));

    tokio::select! {
        // Work that ends in the same instant as its deadline has ended.
        biased;
        ended = work(daemon, serve) => ended,
        () = grace_passed(&daemon.shutdown) => Err(DaemonError::ShutdownTimedOut(SHUTDOWN_GRACE)),
    }
}

async fn work<F, Fut, E>(daemon: &Daemon, serve: F) -> Result<(), DaemonError>
where
    F: FnOnce(Daemon) -> Fut,
    Fut: Future<Output = Result<(), E>>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let served = serve(daemon.clone()).await;
    daemon.shutdown.cancel();
    daemon.tasks.close();
    daemon.tasks.wait().await;

    match daemon.failed.get() {
        Some(task) => Err(DaemonError::TaskEnded(task)),
        None => served.map_err(|error| DaemonError::Serve(error.into())),
    }
}

async fn grace_passed(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(SHUTDOWN_GRACE).await;
}

/// A panic ends its task only; without this nobody would learn of it.
fn report_panics(metrics: &Metrics) {
    let panics = metrics.panics();
    std::panic::set_hook(Box::new(move |panic| {
        panics.inc();
        let location = panic.location().map(ToString::to_string);
        let reason = panic.payload_as_str().unwrap_or("unknown");
        tracing::error!(location, reason, "a task panicked");
    }));
}

#[cfg(test)]
mod tests;
