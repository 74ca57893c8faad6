//! Servers that are reached through a forward proxy.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};

use super::{
    access::{PRIVATE, pod},
    clone::server,
    origin::Origin,
    pod::Pod,
    server::{Scheme, Server, bind},
};

/// A proxy that tunnels, and keeps the heads of what it was asked.
fn proxy(server: &Server) -> (u16, Arc<Mutex<Vec<String>>>) {
    let (listener, address) = bind(server.runtime());
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&heads);
    let tasks = tokio_util::task::TaskTracker::new();
    let tunnels = tasks.clone();
    let run = async move {
        while let Ok((stream, _)) = listener.accept().await {
            tunnels.spawn(tunnel(stream, Arc::clone(&kept)));
        }
    };
    tasks.spawn_on(run, server.runtime().handle());
    (address.port(), heads)
}

async fn tunnel(stream: tokio::net::TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut client = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head).await.unwrap() == 0 {
            return;
        }
    }
    let place = head.split(' ').nth(1).unwrap().to_owned();
    let is_tunnel = head.starts_with("CONNECT ");
    let is_refused = head.contains("refused.test");
    heads.lock().unwrap().push(head.clone());
    if is_refused {
        client.write_all(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        return;
    }
    let authority = place.trim_start_matches("http://").split('/').next().unwrap().to_owned();
    let mut upstream = tokio::net::TcpStream::connect(authority).await.unwrap();
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    } else {
        // The server of these tests takes a path only.
        let path = place.splitn(4, '/').nth(3).unwrap_or_default();
        let head = head.replacen(&place, &format!("/{path}"), 1);
        upstream.write_all(head.as_bytes()).await.unwrap();
    }
    drop(copy_bidirectional(&mut client, &mut upstream).await);
}

#[test]
fn a_proxy_is_used_and_sees_no_credentials_of_the_repository() {
    let (server, origin) = server();
    let (port, heads) = proxy(&server);
    let through = format!("http://me:pr0xy@localhost:{port}");
    let pod = pod(&server, "private").secret(&PRIVATE).variable("HTTPS_PROXY", &through);
    assert_eq!(pod.init().synced(), origin.head());
    let seen = heads.lock().unwrap().clone();
    assert!(!seen.is_empty());
    for head in &seen {
        assert!(
            head.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port)),
            "{head}"
        );
        assert!(head.contains("proxy-authorization: Basic bWU6cHIweHk=\r\n"), "{head}");
        assert!(!head.to_lowercase().contains("\r\nauthorization"), "{head}");
    }

    heads.lock().unwrap().clear();
    let pod = pod.variable("NO_PROXY", "example.com,localhost");
    std::fs::remove_dir_all(pod.docs("")).unwrap();
    pod.init().synced();
    assert!(heads.lock().unwrap().is_empty());
}

#[test]
fn a_proxy_takes_requests_in_the_clear_itself() {
    let server = Server::start(Scheme::Http);
    let origin = Origin::new(server.srv(), "repo");
    origin.write("a", "a").commit("a");
    let (port, heads) = proxy(&server);
    let pod = Pod::new(&server.url("open", "repo"));
    pod.variable("http_proxy", &format!("http://localhost:{port}")).init().synced();
    let head = heads.lock().unwrap().first().cloned().unwrap();
    assert!(head.starts_with(&format!("GET http://localhost:{}/open/repo", server.port)), "{head}");
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let (server, _origin) = server();
    let (port, _heads) = proxy(&server);
    let pod = Pod::new("https://refused.test/repo");
    let refused = pod.variable("HTTPS_PROXY", &format!("http://localhost:{port}")).init().refused();
    assert!(
        refused.starts_with(
            "docs: the proxy localhost answered 403 Forbidden for refused.test:443: check proxy"
        ),
        "{refused}"
    );
}
