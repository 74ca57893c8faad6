use futures::FutureExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use super::*;

async fn bind(max_connections: usize) -> Acceptor {
    let address = ([127, 0, 0, 1], 0).into();
    Acceptor::bind(address, max_connections, ListenerMetrics::default()).await.unwrap()
}

async fn connect(acceptor: &Acceptor) -> TcpStream {
    TcpStream::connect(acceptor.local_address()).await.unwrap()
}

/// A connection of a client of its own: all of 127.0.0.0/8 is this machine.
async fn connect_from(client: u8, acceptor: &Acceptor) -> (TcpStream, Connection) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 1, client], 0).into()).unwrap();
    let stream = socket.connect(acceptor.local_address()).await.unwrap();
    (stream, acceptor.accept().await)
}

fn is_evicted(connection: &Connection) -> bool {
    connection.slot.evicted().now_or_never().is_some()
}

#[tokio::test]
async fn small_segments_are_not_held_back() {
    let acceptor = bind(1).await;
    let _client = connect(&acceptor).await;
    assert!(acceptor.accept().await.stream.nodelay().unwrap());
}

#[tokio::test]
async fn a_strangers_many_connections_keep_nobody_out() {
    let acceptor = bind(8).await;
    let (_viewer, guest) = connect_from(1, &acceptor).await;
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.push(connect_from(2, &acceptor).await);
    }
    let (_late, newcomer) = connect_from(3, &acceptor).await;

    assert!(!is_evicted(&guest) && !is_evicted(&newcomer));
    let left = flood.iter().filter(|(_, connection)| !is_evicted(connection)).count();
    assert_eq!((left, acceptor.metrics.evictions.get()), (6, 44));
}

#[tokio::test]
async fn an_answering_connection_outlives_its_clients_idle_ones() {
    let acceptor = bind(2).await;
    let (_a, answering) = connect_from(1, &acceptor).await;
    let (_b, idle) = connect_from(1, &acceptor).await;
    answering.slot.busy();
    let _newcomer = connect_from(1, &acceptor).await;
    assert!(is_evicted(&idle) && !is_evicted(&answering));
}

#[tokio::test]
async fn an_authenticated_connection_is_never_evicted_and_takes_nobodys_place() {
    let acceptor = bind(1).await;
    let (_a, viewer) = connect_from(1, &acceptor).await;
    viewer.slot.authenticated().unwrap();
    let (_b, second) = connect_from(1, &acceptor).await;
    assert!(!is_evicted(&viewer) && !is_evicted(&second));

    let _third = connect_from(1, &acceptor).await;
    assert!(!is_evicted(&viewer) && is_evicted(&second));
    viewer.slot.authenticated().unwrap();
    assert_eq!(second.slot.authenticated(), Err(Evicted));
}

#[tokio::test]
async fn a_place_is_free_again_once_the_last_clone_of_its_slot_is_dropped() {
    let acceptor = bind(1).await;
    let (_a, Connection { slot, .. }) = connect_from(1, &acceptor).await;
    let kept = slot.clone();
    drop(slot);
    assert_eq!(acceptor.metrics.open.get(), 1);

    drop(kept);
    assert_eq!(acceptor.metrics.open.get(), 0);
    connect_from(2, &acceptor).await;
    assert_eq!(acceptor.metrics.evictions.get(), 0);
}

#[tokio::test]
async fn a_shutdown_closes_the_socket_but_no_connection() {
    let (tasks, shutdown) = (TaskTracker::new(), CancellationToken::new());
    let acceptor = bind(8).await;
    let address = acceptor.local_address();
    let mut client = connect(&acceptor).await;
    let (accepted, mut has_accepted) = mpsc::channel(1); // connections

    let handle = move |Connection { mut stream, slot, .. }: Connection| {
        let accepted = accepted.clone();
        async move {
            accepted.send(()).await.unwrap();
            let mut question = [0; 4];
            stream.read_exact(&mut question).await.unwrap();
            stream.write_all(b"pong").await.unwrap();
            drop(slot);
        }
    };
    let serving = tasks.spawn({
        let (tasks, shutdown) = (tasks.clone(), shutdown.clone());
        async move { acceptor.serve(&tasks, &shutdown, handle).await }
    });
    has_accepted.recv().await.unwrap();
    shutdown.cancel();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");

    client.write_all(b"ping").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "pong");
}
