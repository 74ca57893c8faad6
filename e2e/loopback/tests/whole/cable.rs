//! A way between two processes that can be cut: then nothing passes any more, and neither end is told.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) struct Cable {
    pub(crate) address: SocketAddr,
    cut: CancellationToken,
    unplugged: CancellationToken,
}

impl Cable {
    /// Whoever connects to the cable's address is connected to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (cut, unplugged) = (CancellationToken::new(), CancellationToken::new());
        let cable = Self { address, cut: cut.clone(), unplugged: unplugged.clone() };
        let tasks = TaskTracker::new();
        let end = unplugged.clone();
        let accepting = async move {
            while let Ok((near, _)) = listener.accept().await {
                let passing = pass(near, target, cut.clone());
                tasks.spawn(end.clone().run_until_cancelled_owned(passing));
            }
        };
        TaskTracker::new().spawn(unplugged.run_until_cancelled_owned(accepting));
        cable
    }

    /// As when a firewall drops everything, or a node dies.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.unplugged.cancel();
    }
}

async fn pass(mut near: TcpStream, target: SocketAddr, cut: CancellationToken) {
    let Ok(mut far) = TcpStream::connect(target).await else { return };
    let (_, _) = (near.set_nodelay(true), far.set_nodelay(true));
    let passing = cut.run_until_cancelled(copy_bidirectional(&mut near, &mut far));
    if passing.await.is_none() {
        // Both sockets stay open: a FIN would tell.
        std::future::pending::<()>().await;
    }
}
