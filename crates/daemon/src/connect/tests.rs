use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

use super::*;

async fn bind(max_connections: usize) -> Acceptor {
    Acceptor::bind("127.0.0.1:0".parse().unwrap(), max_connections, Gauge::default()).await.unwrap()
}

async fn connect(acceptor: &Acceptor) -> TcpStream {
    TcpStream::connect(acceptor.local_address()).await.unwrap()
}

#[tokio::test]
async fn small_segments_are_not_held_back() {
    let acceptor = bind(1).await;
    let _client = connect(&acceptor).await;
    assert!(acceptor.accept().await.stream.nodelay().unwrap());
}

#[tokio::test(start_paused = true)]
async fn one_more_than_the_cap_waits_for_a_slot() {
    let acceptor = bind(1).await;
    let (_first, _second) = (connect(&acceptor).await, connect(&acceptor).await);

    let served = acceptor.accept().await;
    assert_eq!(acceptor.open.get(), 1);
    tokio::time::timeout(Duration::from_secs(1), acceptor.accept())
        .await
        .expect_err("there is one slot");

    drop(served);
    assert_eq!(acceptor.open.get(), 0);
    acceptor.accept().await;
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
