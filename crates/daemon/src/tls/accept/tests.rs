use fixtures::Authority;
use futures::StreamExt;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};
use tokio_rustls::TlsConnector;

use super::*;
use crate::Daemon;

/// The name in each certificate.
const NAME: &str = "peer";

/// A listener with a few places for handshakes.
struct Listener {
    daemon: Daemon,
    address: SocketAddr,
    certificates: Certificates,
    folder: TempDir,
}

impl Listener {
    async fn new() -> (Self, impl Stream<Item = Established> + Unpin) {
        let (daemon, folder) = (Daemon::new("test"), Authority::generate().folder(NAME));
        let (certificates, _) = Certificates::load(folder.path()).await.unwrap();
        let acceptor = daemon.listen("grpc", ([127, 0, 0, 1], 0).into(), 8).await.unwrap();
        let address = acceptor.local_address();
        let Daemon { tasks, shutdown, .. } = &daemon;
        let incoming = incoming(acceptor, certificates.clone(), tasks, shutdown);
        (Self { daemon, address, certificates, folder }, incoming)
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    async fn handshake(
        &self,
        certificates: &Certificates,
    ) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(certificates.client()).connect(name, self.connect().await).await
    }
}

#[tokio::test]
async fn silent_connections_keep_no_peer_out() {
    let (listener, mut incoming) = Listener::new().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(listener.connect().await);
    }
    let (client, served) =
        tokio::join!(listener.handshake(&listener.certificates), incoming.next());
    let (mut client, mut served) = (client.unwrap(), served.unwrap());
    assert_eq!(served.stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(served.stream.get_ref().1.peer_certificates().unwrap().len(), 1);

    // An established connection outlives what comes after it.
    for _ in 0..100 {
        silent.push(listener.connect().await);
    }
    let (second, _) = tokio::join!(listener.handshake(&listener.certificates), incoming.next());
    second.unwrap();
    client.write_all(b"ping").await.unwrap();
    client.flush().await.unwrap();
    let mut question = [0; 4];
    served.stream.read_exact(&mut question).await.unwrap();
    assert_eq!(&question, b"ping");
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_a_deadline() {
    let (listener, _incoming) = Listener::new().await;
    let start = Instant::now();
    let mut silent = listener.connect().await;
    silent.read_to_end(&mut Vec::new()).await.unwrap();
    assert!(start.elapsed() >= HANDSHAKE_DEADLINE && start.elapsed() < 2 * HANDSHAKE_DEADLINE);
}

#[tokio::test]
async fn a_peer_of_another_authority_is_never_yielded() {
    let (listener, mut incoming) = Listener::new().await;
    let stranger = Authority::generate().folder(NAME);
    // It trusts our authority, so that only its own certificate is refused.
    let ours = listener.folder.path().join("ca.crt");
    std::fs::copy(ours, stranger.path().join("ca.crt")).unwrap();
    let (stranger, _) = Certificates::load(stranger.path()).await.unwrap();
    let mut stranger = listener.handshake(&stranger).await.unwrap();
    // With TLS 1.3 a client learns after its own handshake that it was refused.
    stranger.read_u8().await.unwrap_err();

    let (ours, served) = tokio::join!(listener.handshake(&listener.certificates), incoming.next());
    assert_eq!(ours.unwrap().get_ref().0.local_addr().unwrap(), served.unwrap().peer);
}

#[tokio::test]
async fn the_stream_ends_with_the_shutdown() {
    let (listener, mut incoming) = Listener::new().await;
    let _silent = listener.connect().await;
    listener.daemon.shutdown.cancel();
    assert!(incoming.next().await.is_none());
}
