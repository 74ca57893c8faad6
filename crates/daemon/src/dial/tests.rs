use std::path::Path;

use fixtures::Authority;
use futures::StreamExt;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::Instant,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::*;
use crate::{Daemon, chain, tls::incoming};

const NAME: &str = "peer";

/// A process of ours, which sends a greeting to each of its own authority.
struct Greeter {
    address: SocketAddr,
    authority: Authority,
    folder: TempDir,
    _daemon: Daemon,
}

impl Greeter {
    async fn start() -> Self {
        let (daemon, authority) = (Daemon::new("test"), Authority::generate());
        let folder = authority.folder(NAME);
        let acceptor = daemon.listen("grpc", ([127, 0, 0, 1], 0).into(), 8).await.unwrap();
        let address = acceptor.local_address();
        let certificates = certificates(folder.path()).await;
        let mut incoming = incoming(acceptor, certificates, &daemon.tasks, &daemon.shutdown);
        daemon.tasks.spawn(async move {
            while let Some(mut greeted) = incoming.next().await {
                greeted.stream.write_all(b"welcome").await.unwrap();
                greeted.stream.shutdown().await.unwrap();
            }
        });
        Self { address, authority, folder, _daemon: daemon }
    }

    /// What it says to who shows the certificates in `folder` and wants to talk to `name`.
    async fn greeting(&self, folder: &Path, name: &str) -> Result<String, DialError> {
        let peer = Peer::named(name, certificates(folder).await).unwrap();
        let mut stream = connect(self.address, Some(peer.handshake())).await?;
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).await.map_err(DialError::Tls)?;
        Ok(greeting)
    }
}

async fn certificates(folder: &Path) -> Certificates {
    Certificates::load(folder).await.unwrap().0
}

#[tokio::test]
async fn both_sides_show_certificates_and_the_peer_must_have_the_name() {
    let greeter = Greeter::start().await;
    let ours = greeter.authority.folder("caller");
    assert_eq!(greeter.greeting(ours.path(), NAME).await.unwrap(), "welcome");

    let other_name = greeter.greeting(ours.path(), "another").await;
    assert!(matches!(other_name, Err(DialError::Tls(_))), "{other_name:?}");
    let foreign = Authority::generate().folder("caller");
    let other_authority = greeter.greeting(foreign.path(), NAME).await;
    assert!(matches!(other_authority, Err(DialError::Tls(_))), "{other_authority:?}");
}

#[tokio::test]
async fn a_peer_that_does_not_agree_on_http2_is_left() {
    let folder = Authority::generate().folder(NAME);
    let certificates = certificates(folder.path()).await;
    let mut config = certificates.server().as_ref().clone();
    config.alpn_protocols.clear();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        TlsAcceptor::from(Arc::new(config)).accept(stream).await
    });
    let handshake = Peer::named(NAME, certificates).unwrap().handshake();
    let connected = connect(address, Some(handshake)).await.map(|_| ());
    assert!(matches!(connected, Err(DialError::NoHttp2)), "{connected:?}");
}

#[tokio::test]
async fn a_handshake_is_another_one_once_the_certificates_are_renewed() {
    let greeter = Greeter::start().await;
    let (certificates, reload) = Certificates::load(greeter.folder.path()).await.unwrap();
    let mut changes = certificates.subscribe();
    let peer = Peer::named(NAME, certificates).unwrap();
    let before = peer.handshake();
    assert_eq!(before, peer.handshake());

    greeter.authority.renew(greeter.folder.path(), NAME);
    let renewed = async { changes.changed().await.unwrap() };
    tokio::select! {
        biased;
        () = renewed => {}
        () = reload.run(Duration::from_millis(1), CancellationToken::new()) => {}
    }
    assert_ne!(before, peer.handshake());
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_never_does_its_handshake_is_given_up() {
    let folder = Authority::generate().folder(NAME);
    let peer = Peer::named(NAME, certificates(folder.path()).await).unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let begun = Instant::now();
    let connected = connect(mute.local_addr().unwrap(), Some(peer.handshake())).await.map(|_| ());
    assert!(matches!(connected, Err(DialError::Late)), "{connected:?}");
    assert_eq!(begun.elapsed().as_secs(), CONNECT_DEADLINE.as_secs());
}

#[tokio::test]
async fn without_a_handshake_nothing_is_encrypted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut stream = connect(listener.local_addr().unwrap(), None).await.unwrap();
    let (mut accepted, _) = listener.accept().await.unwrap();
    stream.write_all(b"typed").await.unwrap();
    let mut read = [0; 5];
    accepted.read_exact(&mut read).await.unwrap();
    assert_eq!(&read, b"typed");
}

#[tokio::test]
async fn an_error_names_its_cause() {
    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = chain(&connect(unused, None).await.map(|_| ()).unwrap_err());
    assert!(error.starts_with("cannot connect: Connection refused"), "{error}");
}
