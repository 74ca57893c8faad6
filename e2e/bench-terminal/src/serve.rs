//! The server's part: it is healthy, and that is all. One connection after the other, as only probes come.

use std::{convert::Infallible, io::Write, net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// A probe that says nothing must not keep out the next one for longer.
const EXCHANGE_DEADLINE: Duration = Duration::from_secs(2);

#[derive(clap::Args, Debug)]
pub(crate) struct ServeArgs {
    #[arg(long, default_value_t = 4096)]
    port: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    hostname: IpAddr,
}

/// Serves until the process is ended.
pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((args.hostname, args.port)).await?;
        writeln!(std::io::stdout(), "bench-terminal: a stand-in for OpenCode")?;
        loop {
            let (stream, _) = listener.accept().await?;
            // A probe that broke off, or was too slow, is the probe's affair.
            let _ = timeout(EXCHANGE_DEADLINE, exchange(stream)).await;
        }
    })
}

async fn exchange(stream: TcpStream) -> hyper::Result<()> {
    let healthy = service_fn(async |_: Request<Incoming>| {
        let mut response = Response::new(Full::new(Bytes::from_static(b"{}")));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Ok::<_, Infallible>(response)
    });
    http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), healthy).await
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_probe_is_told_that_all_is_well() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut probe = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let request = b"GET /session/status HTTP/1.1\r\nHost: localhost\r\n\r\n";
        probe.write_all(request).await.unwrap();
        exchange(listener.accept().await.unwrap().0).await.unwrap();

        let mut answer = String::new();
        probe.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\n{}"), "{answer}");
    }
}
