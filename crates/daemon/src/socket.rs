//! The options of TCP sockets: how soon a dead peer is noticed, how little waits in the kernel,
//! and how a connection is reset. It neither reads nor writes.

use std::{io, net::SocketAddr, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel completes before they are accepted (`net.core.somaxconn` bounds
/// it): a flood fills the default of 128 within one pause of the process.
pub const BACKLOG: u32 = 1024;

/// A silent peer is asked whether it is there after 15 s, and is dead after 2 × 5 s more.
pub const KEEPALIVE_IDLE: Duration = Duration::from_secs(15);
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
pub const KEEPALIVE_RETRIES: u32 = 2;

/// How long sent bytes may go unacknowledged. Without it a half-open peer that is being written
/// to is found by retransmission only, after some 15 min; keep-alive is for silent ones.
pub const USER_TIMEOUT: Duration = Duration::from_secs(25);

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
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL)
        .with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    socket.set_tcp_notsent_lowat(NOTSENT_LOWAT_BYTES)
}

/// Makes the end of `stream`, when it is dropped, a reset: what waits to be sent is discarded
/// (`SO_LINGER` of 0 s) and the kernel keeps nothing of the connection.
pub fn reset_on_drop(stream: &TcpStream) -> io::Result<()> {
    stream.set_zero_linger()
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
        assert!(socket.tcp_nodelay().unwrap() && socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), KEEPALIVE_IDLE);
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), KEEPALIVE_INTERVAL);
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), KEEPALIVE_RETRIES);
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(USER_TIMEOUT));
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
