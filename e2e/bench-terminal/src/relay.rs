//! Passes TCP on and does nothing else: two of these in pods are the floor of any way with two hops. It must
//! not look at what it passes.

use std::{io::Write, net::SocketAddr};

use anyhow::Result;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};
use tokio_util::task::TaskTracker;

#[derive(clap::Args, Debug)]
pub(crate) struct RelayArgs {
    /// Where to listen
    #[arg(long, default_value = "0.0.0.0:7000")]
    listen: SocketAddr,
    /// Where every connection is passed on to
    #[arg(long)]
    to: SocketAddr,
}

/// Relays until the process is ended.
pub(crate) fn run(args: &RelayArgs) -> Result<()> {
    // One thread, as gateway and broker have.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(args.listen).await?;
        writeln!(std::io::stdout(), "bench-terminal: a relay to {}", args.to)?;
        relay(&listener, args.to).await
    })
}

async fn relay(listener: &TcpListener, to: SocketAddr) -> Result<()> {
    let connections = TaskTracker::new();
    loop {
        let (near, _) = listener.accept().await?;
        connections.spawn(pass(near, to));
    }
}

async fn pass(mut near: TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut far = TcpStream::connect(to).await?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    copy_bidirectional(&mut near, &mut far).await.map(drop)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_is_sent_arrives_and_so_does_the_answer_and_the_end() {
        let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = listener.local_addr().unwrap();
        let far = target.local_addr().unwrap();
        let exchange = async {
            let mut client = TcpStream::connect(near).await.unwrap();
            client.write_all(b"ping").await.unwrap();
            let (mut server, _) = target.accept().await.unwrap();
            let mut asked = [0; 4];
            server.read_exact(&mut asked).await.unwrap();
            server.write_all(b"pong").await.unwrap();
            drop(server);
            let mut answer = Vec::new();
            client.read_to_end(&mut answer).await.unwrap();
            (asked.to_vec(), answer)
        };
        let (asked, answer) = tokio::select! {
            biased;
            exchanged = exchange => exchanged,
            _ = relay(&listener, far) => panic!("the relay ended"),
        };
        assert_eq!((&asked[..], &answer[..]), (&b"ping"[..], &b"pong"[..]));
    }
}
