//! A whole process, in a test program of its own: the panic hook and the log
//! subscriber exist once per process.

use std::convert::Infallible;

use daemon::{Daemon, LogFormat, TelemetryArgs, traces::TracesArgs};

#[tokio::test]
async fn a_panicking_task_is_counted_and_ends_nobody_else() {
    let args = TelemetryArgs {
        log_format: LogFormat::Json,
        log_level: "info".into(),
        metrics_address: "127.0.0.1:0".parse().unwrap(),
        traces: TracesArgs::default(),
    };
    let serve = async |daemon: Daemon| {
        let ended = daemon.tasks.spawn(async { panic!("a defect") }).await;
        assert!(ended.unwrap_err().is_panic());
        assert_eq!(daemon.metrics.panics().get(), 1);
        assert!(!daemon.shutdown.is_cancelled());
        Ok::<_, Infallible>(())
    };
    daemon::run("test", &args, serve).await.unwrap();
}
