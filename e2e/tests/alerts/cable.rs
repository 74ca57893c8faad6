//! The way of one program to the API server, which can be long, or cut.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Of a TLS record.
const PIECE_BYTES: usize = 16 * 1024;

pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    end: CancellationToken,
}

impl Cable {
    /// Whoever connects to it is connected to `target`; what is said to the target arrives after `delay`.
    pub(crate) async fn to(target: SocketAddr, delay: Duration) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, end, tasks) =
            (listener.local_addr()?, CancellationToken::new(), TaskTracker::new());
        let each = end.clone();
        let connections = tasks.clone();
        let accepting = async move {
            while let Ok((near, _)) = listener.accept().await {
                connections
                    .spawn(each.clone().run_until_cancelled_owned(pass(near, target, delay)));
            }
        };
        tasks.spawn(end.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, end })
    }

    /// All connections are reset, and no new one comes about.
    pub(crate) fn cut(&self) {
        self.end.cancel();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn pass(near: TcpStream, target: SocketAddr, delay: Duration) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::join!(copy(near_read, far_write, delay), copy(far_read, near_write, Duration::ZERO));
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, delay: Duration) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Ok(count @ 1..) = from.read(&mut piece).await {
        sleep(delay).await;
        if to.write_all(&piece[..count]).await.is_err() {
            return;
        }
    }
}
