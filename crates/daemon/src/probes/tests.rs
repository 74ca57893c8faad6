use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};

use super::*;
use crate::Daemon;

fn probes() -> Probes {
    let Daemon { readiness, metrics, shutdown, .. } = Daemon::new("test");
    Probes::new(readiness, metrics, shutdown)
}

#[test]
fn each_path_has_its_answer() {
    let probes = probes();
    let gate = probes.readiness.gate("watch");
    let status = |method: &Method, path: &str| probes.answer(method, path).status().as_u16();

    assert_eq!(status(&Method::GET, "/livez"), 200);
    assert_eq!(status(&Method::GET, "/readyz"), 503);
    assert_eq!(status(&Method::GET, "/metrics"), 200);
    assert_eq!(status(&Method::GET, "/"), 404);
    assert_eq!(status(&Method::POST, "/livez"), 405);

    gate.set_ready();
    assert_eq!(status(&Method::GET, "/readyz"), 200);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_no_whole_head_is_dropped_at_the_deadline() {
    for sent in ["", "GET /livez HTTP/1.1\r\nHost: "] {
        let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
        let address = "127.0.0.1:0".parse().unwrap();
        let acceptor = Daemon::new("test").listen("test", address, 1).await.unwrap();
        let mut client = TcpStream::connect(acceptor.local_address()).await.unwrap();
        tasks.spawn(probes().serve(acceptor, tasks.clone(), shutdown.clone()));

        let start = Instant::now();
        client.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert!(start.elapsed() >= http1::HEADER_DEADLINE, "{:?}", start.elapsed());
        assert!(start.elapsed() < 2 * http1::HEADER_DEADLINE, "{:?}", start.elapsed());
        shutdown.cancel();
    }
}
