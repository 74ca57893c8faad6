use std::{convert::Infallible, future::pending};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};

use super::*;

/// `serve` as a process on a free port that no signal reaches.
async fn supervised<F, Fut>(daemon: &Daemon, serve: F) -> Result<(), DaemonError>
where
    F: FnOnce(Daemon, SocketAddr) -> Fut,
    Fut: Future<Output = Result<(), Infallible>>,
{
    let probes = daemon.listen("metrics", "127.0.0.1:0".parse().unwrap(), 8).await.unwrap();
    let address = probes.local_address();
    supervise(daemon, pending(), probes, |daemon| serve(daemon, address)).await
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[test]
fn a_program_asks_for_no_huge_pages() {
    use clap::Parser;

    #[derive(Parser)]
    struct Args {
        #[command(flatten)]
        telemetry: TelemetryArgs,
    }

    let Args { telemetry } =
        Args::parse_from(["test", "--metrics-address", "127.0.0.1:0", "--log-level", "off"]);
    let (seen, was_disabled) = std::sync::mpsc::channel();
    main("test", &telemetry, async move |_| {
        seen.send(rustix::thread::transparent_huge_pages_are_disabled().unwrap()).unwrap();
        Ok::<_, Infallible>(())
    });
    assert!(was_disabled.recv().unwrap());
}

#[tokio::test]
async fn the_probes_tell_of_the_gates_until_the_end() {
    let serve = async |daemon: Daemon, address| {
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(get(address, "/metrics").await.contains("kubeopencode_build_info{"));

        let gate = daemon.readiness.gate("watch");
        assert!(get(address, "/readyz").await.ends_with("watch: starting\n"));
        gate.set_ready();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 200 OK\r\n"));

        daemon.shutdown.cancel();
        let leaving = get(address, "/readyz").await;
        assert!(leaving.ends_with("shutting down\n"), "{leaving}");
        Ok(())
    };
    supervised(&Daemon::new("test"), serve).await.unwrap();
}

#[tokio::test]
async fn open_tasks_are_waited_for() {
    let (finished, mut has_finished) = oneshot::channel();
    let serve = async |daemon: Daemon, _| {
        let shutdown = daemon.shutdown.clone();
        daemon.tasks.spawn(async move {
            shutdown.cancelled().await;
            tokio::task::yield_now().await;
            finished.send(()).unwrap();
        });
        Ok(())
    };
    supervised(&Daemon::new("test"), serve).await.unwrap();
    has_finished.try_recv().unwrap();
}

#[tokio::test(start_paused = true)]
async fn work_that_does_not_end_is_given_up() {
    let serve = async |daemon: Daemon, _| {
        daemon.shutdown.cancel();
        pending().await
    };
    let ended = supervised(&Daemon::new("test"), serve).await;
    assert!(matches!(ended, Err(DaemonError::ShutdownTimedOut(_))), "{ended:?}");
}

#[tokio::test]
async fn the_end_of_an_essential_task_is_the_end_of_the_process() {
    let serve = async |daemon: Daemon, _| {
        daemon.spawn_essential("watch", async {});
        daemon.shutdown.cancelled().await;
        Ok(())
    };
    let ended = supervised(&Daemon::new("test"), serve).await;
    assert!(matches!(ended, Err(DaemonError::TaskEnded("watch"))), "{ended:?}");
}

#[tokio::test]
async fn an_essential_task_may_end_at_the_shutdown() {
    let serve = async |daemon: Daemon, _| {
        daemon.spawn_essential("watch", daemon.shutdown.clone().cancelled_owned());
        daemon.shutdown.cancel();
        Ok(())
    };
    supervised(&Daemon::new("test"), serve).await.unwrap();
}
