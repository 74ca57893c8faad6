//! The options of TCP sockets: how soon a dead peer is noticed, how little waits in the kernel,
//! and how a connection is reset. It neither reads nor writes.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel completes before they are accepted (`net.core.somaxconn` bounds
/// it): a flood fills the default of 128 within one pause of the process.
pub const BACKLOG: u32 = 1024;

/// How the kernel finds out that a peer is gone of which nobody told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    /// A peer that was silent for so long is asked whether it is there.
    pub idle: Duration,
    /// Between two questions.
    pub interval: Duration,
    /// Questions without an answer after which the peer is dead.
    pub retries: u32,
}

impl KeepAlive {
    /// Of connections that we accept: their peer is dead after 25 s.
    pub const ACCEPTED: Self =
        Self { idle: Duration::from_secs(15), interval: Duration::from_secs(5), retries: 2 };

    /// When a peer is dead that answers nothing. It is also how long sent bytes may go
    /// unacknowledged (`TCP_USER_TIMEOUT`): without that, a peer that is being written to is found
    /// by retransmission only, after some 15 min.
    pub fn deadline(&self) -> Duration {
        self.idle + self.interval * self.retries
    }
}

/// Output that may wait in the kernel unsent, in bytes. What lies there can no longer be held
/// back when a session is revoked, and delays what is sent after it.
pub const NOTSENT_LOWAT_BYTES: u32 = 16 * 1024;

/// Listens on `address`; port 0 picks a free one.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As tokio's own bind does: a restart must not wait for old connections to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Sets the options of a client's connection: a key stroke goes out at once, a dead peer is
/// noticed within 25 s, and little output waits in the kernel.
pub fn configure(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    // A key stroke is one small segment; Nagle would hold it back for an ACK.
    socket.set_tcp_nodelay(true)?;
    let keep_alive = KeepAlive::ACCEPTED;
    let questions = TcpKeepalive::new()
        .with_time(keep_alive.idle)
        .with_interval(keep_alive.interval)
        .with_retries(keep_alive.retries);
    socket.set_tcp_keepalive(&questions)?;
    socket.set_tcp_user_timeout(Some(keep_alive.deadline()))?;
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT_BYTES)
}

/// Makes the end of `stream`, when it is dropped, a reset: what waits to be sent is discarded
/// (`SO_LINGER` of 0 s) and the kernel keeps nothing of the connection.
pub fn reset_on_drop(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
}

/// The options of an open connection, and its `TCP_USER_TIMEOUT`.
#[cfg(test)]
pub(crate) fn keep_alive(socket: &SockRef<'_>) -> (KeepAlive, Option<Duration>) {
    assert!(socket.keepalive().unwrap());
    let keep_alive = KeepAlive {
        idle: socket.tcp_keepalive_time().unwrap(),
        interval: socket.tcp_keepalive_interval().unwrap(),
        retries: socket.tcp_keepalive_retries().unwrap(),
    };
    (keep_alive, socket.tcp_user_timeout().unwrap())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = listen(([127, 0, 0, 1], 0).into()).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (listener.accept().await.unwrap().0, client)
    }

    #[tokio::test]
    async fn the_kernel_takes_every_option() {
        let (served, _client) = pair().await;
        configure(&served).unwrap();
        let socket = SockRef::from(&served);
        assert!(socket.tcp_nodelay().unwrap());
        assert_eq!(keep_alive(&socket), (KeepAlive::ACCEPTED, Some(Duration::from_secs(25))));
        assert_eq!(socket.tcp_notsent_lowat().unwrap(), NOTSENT_LOWAT_BYTES);
    }

    #[tokio::test]
    async fn a_reset_connection_ends_with_an_error_at_the_peer() {
        let (served, mut client) = pair().await;
        reset_on_drop(&served).unwrap();
        drop(served);
        let ended = client.read_u8().await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_port_can_be_listened_on_again_at_once() {
        let (served, client) = pair().await;
        let address = served.local_addr().unwrap();
        // The side that closes first keeps the address in TIME-WAIT.
        drop(served);
        drop(client);
        listen(address).unwrap();
    }
}
