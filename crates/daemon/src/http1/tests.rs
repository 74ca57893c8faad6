use futures::FutureExt;
use http_body_util::{Empty, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::TcpStream,
    sync::{Notify, oneshot},
    time::Instant,
};
use tokio_util::task::TaskTracker;

use super::*;
use crate::{
    connect::{Acceptor, Connection},
    metrics::ListenerMetrics,
    progress::STALL_DEADLINE,
};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const UPGRADE: &[u8] =
    b"GET / HTTP/1.1\r\nHost: test\r\nConnection: upgrade\r\nUpgrade: test\r\n\r\nfirst";

async fn acceptor() -> Acceptor {
    let address = ([127, 0, 0, 1], 0).into();
    Acceptor::bind(address, 1, ListenerMetrics::default()).await.unwrap()
}

async fn connection(acceptor: &Acceptor) -> (TcpStream, Connection) {
    let stream = TcpStream::connect(acceptor.local_address()).await.unwrap();
    (stream, acceptor.accept().await)
}

/// A connection without a socket, whose pipe holds that many bytes; for deadlines.
async fn pipe(bytes: usize) -> (DuplexStream, DuplexStream, Slot) {
    let (_, Connection { slot, .. }) = connection(&acceptor().await).await;
    let (client, served) = duplex(bytes);
    (client, served, slot)
}

async fn nothing(_: Request<Incoming>) -> Result<Response<Empty<Bytes>>, Infallible> {
    Ok(Response::new(Empty::new()))
}

#[tokio::test]
async fn an_evicted_connection_is_closed() {
    let acceptor = acceptor().await;
    let (mut client, Connection { stream, slot, .. }) = connection(&acceptor).await;
    let serving = async {
        serve_connection(stream, &slot, service_fn(nothing), &CancellationToken::new()).await;
    };
    let start = Instant::now();
    let newcomer = async {
        client.write_all(GET).await.unwrap();
        client.read_u8().await.unwrap();
        let _newcomer = connection(&acceptor).await;
        client.read_to_end(&mut Vec::new()).await.unwrap();
    };
    tokio::join!(serving, newcomer);
    assert!(start.elapsed() < HEADER_DEADLINE, "by its eviction, not by its deadline");
}

#[tokio::test]
async fn an_answer_under_way_keeps_its_connection_busy() {
    let acceptor = Acceptor::bind(([127, 0, 0, 1], 0).into(), 2, ListenerMetrics::default());
    let acceptor = acceptor.await.unwrap();
    let (mut client, Connection { stream, slot, .. }) = connection(&acceptor).await;
    let (asked, answer) = (Notify::new(), Notify::new());

    let service = service_fn(async |request| {
        asked.notify_one();
        answer.notified().await;
        nothing(request).await
    });
    let never = CancellationToken::new();
    let visit = async {
        client.write_all(GET).await.unwrap();
        asked.notified().await;
        let (_b, second) = connection(&acceptor).await;
        let (_c, _third) = connection(&acceptor).await;
        assert!(second.slot.evicted().now_or_never().is_some());

        answer.notify_one();
        let mut status = [0; 15];
        client.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 200 OK");
        drop(client);
    };
    tokio::join!(serve_connection(stream, &slot, service, &never), visit);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_takes_no_bytes_of_its_answer_is_cut() {
    let (mut client, served, slot) = pipe(64).await;
    let page = |_| async { Ok(Response::new(Full::<Bytes>::from(vec![0; 4096]))) };
    let start = Instant::now();
    client.write_all(GET).await.unwrap();
    serve_connection(served, &slot, service_fn(page), &CancellationToken::new()).await;
    assert_eq!(start.elapsed(), STALL_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn a_kept_alive_connection_may_idle_as_long_as_a_head_may_take() {
    let (mut client, served, slot) = pipe(4096).await;
    let start = Instant::now();
    client.write_all(GET).await.unwrap();
    serve_connection(served, &slot, service_fn(nothing), &CancellationToken::new()).await;
    assert_eq!(start.elapsed(), HEADER_DEADLINE);
}

#[tokio::test]
async fn an_upgrade_gives_the_bare_stream_back() {
    let (mut client, Connection { stream, slot, .. }) = connection(&acceptor().await).await;
    let peer = client.local_addr().unwrap();
    let tasks = TaskTracker::new();
    let (upgraded, has_upgraded) = oneshot::channel();
    let upgraded = std::sync::Mutex::new(Some(upgraded));

    let service = service_fn(async |request: Request<Incoming>| {
        let upgraded = upgraded.lock().unwrap().take().unwrap();
        let upgrade = hyper::upgrade::on(request);
        tasks.spawn(async move { upgraded.send(upgrade.await.unwrap()).unwrap() });
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
        Ok(response)
    });
    client.write_all(UPGRADE).await.unwrap();
    serve_connection(stream, &slot, service, &CancellationToken::new()).await;

    let (stream, read) = into_stream::<TcpStream>(has_upgraded.await.unwrap()).unwrap();
    assert_eq!(stream.into_inner().peer_addr().unwrap(), peer);
    assert_eq!(read, "first");
}
