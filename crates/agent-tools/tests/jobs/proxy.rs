//! A forward proxy on the loopback that keeps what passed.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    runtime::Runtime,
};
use tokio_util::task::TaskTracker;

use super::server::runtime;

/// Ends with its value.
pub(crate) struct Proxy {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    _runtime: Runtime,
}

impl Proxy {
    /// Passes everything on.
    pub(crate) fn open() -> Self {
        Self::start(None)
    }

    /// Answers every request with this first line.
    pub(crate) fn closed(status: &'static str) -> Self {
        Self::start(Some(status))
    }

    fn start(refusal: Option<&'static str>) -> Self {
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let heads = Arc::clone(&log);
        let tasks = TaskTracker::new();
        let serving = async move {
            let connections = TaskTracker::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(pass(stream, refusal, Arc::clone(&heads)));
            }
        };
        tasks.spawn_on(serving, runtime.handle());
        Self { address, log, _runtime: runtime }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn with_user(&self, user: &str) -> String {
        format!("http://{user}@{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The heads of the requests until now: first line and headers.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn pass(
    mut client: TcpStream,
    refusal: Option<&'static str>,
    log: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.ok()?);
    }
    let text = String::from_utf8(head.clone()).ok()?;
    log.lock().unwrap_or_else(PoisonError::into_inner).push(text.clone());
    if let Some(status) = refusal {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        return client.write_all(answer.as_bytes()).await.ok();
    }
    let (method, rest) = text.split_once(' ')?;
    let target = rest.split(' ').next()?;
    if method == "CONNECT" {
        let mut server = TcpStream::connect(target).await.ok()?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
        copy_bidirectional(&mut client, &mut server).await.ok()?;
        return Some(());
    }
    // A server understands the absolute form as well.
    let authority = target.strip_prefix("http://")?.split('/').next()?;
    let mut server = TcpStream::connect(authority).await.ok()?;
    server.write_all(&head).await.ok()?;
    copy_bidirectional(&mut client, &mut server).await.ok()?;
    Some(())
}
