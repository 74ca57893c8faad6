//! TLS that ends at the gateway: visitors come by it, and by nothing else.

use std::sync::Arc;

use bytes::Bytes;
use daemon::tls::Certificates;
use fixtures::Authority;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use terminal_proto::v1::attach_request::Request as Asked;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    client::{V1, Viewer},
    test_gateway::{PATIENCE, TestGateway, link},
};

const NAME: &str = "gateway.test";

/// A gateway with a certificate, and the folder of it.
async fn start() -> (TestGateway, TempDir) {
    let folder = Authority::generate().folder(NAME);
    // No authority is needed to be shown.
    let authority = std::fs::read(folder.path().join("ca.crt")).unwrap();
    std::fs::remove_file(folder.path().join("ca.crt")).unwrap();
    let flag = format!("--serve-tls-dir={}", folder.path().display());
    let gateway = TestGateway::start(&[&flag]).await;
    std::fs::write(folder.path().join("ca.crt"), authority).unwrap();
    (gateway, folder)
}

/// A browser's connection: it trusts the authority, and shows nothing.
async fn connect(gateway: &TestGateway, folder: &TempDir) -> TlsStream<TcpStream> {
    let (certificates, _reload) = Certificates::load(folder.path()).await.unwrap();
    let mut config = (*certificates.client()).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = TcpStream::connect(gateway.address).await.unwrap();
    let name = ServerName::try_from(NAME).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

async fn get(gateway: &TestGateway, folder: &TempDir, path: &str) -> String {
    let mut stream = connect(gateway, folder).await;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {NAME}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer
}

#[tokio::test]
async fn a_page_and_its_terminal_come_by_tls() {
    let (mut gateway, folder) = start().await;
    let page = get(&gateway, &folder, &link("")).await;
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");

    let stream = connect(&gateway, &folder).await;
    let protocol = stream.get_ref().1.alpn_protocol();
    assert_eq!(protocol, Some(b"http/1.1".as_slice()));
    let headers = [V1[0], ("origin", "https://gateway.test")];
    let mut viewer = Viewer::over(stream, NAME, &link("/terminal"), &headers).await.unwrap();
    viewer.resize(120, 40).await;
    let mut attached = gateway.broker.attached().await;
    attached.open().await;
    viewer.next().await;
    viewer.type_in("ls\r").await;
    assert_eq!(attached.asked().await, Asked::Input(Bytes::from_static(b"ls\r")));

    gateway.links.remove(&crate::test_gateway::demo_id());
    let (code, _) = viewer.closed().await;
    assert_eq!(code, 1008, "a revoked link ends it as ever");
}

#[tokio::test]
async fn a_page_without_tls_is_another_origin() {
    let (gateway, folder) = start().await;
    let stream = connect(&gateway, &folder).await;
    let headers = [V1[0], ("origin", "http://gateway.test")];
    let refused = Viewer::over(stream, NAME, &link("/terminal"), &headers).await;
    assert_eq!(refused.err().expect("it is refused").status(), 403);
}

#[tokio::test]
async fn plain_http_gets_no_answer() {
    let (gateway, _folder) = start().await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: {NAME}\r\n\r\n", link(""));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // An alert of TLS at most, and the end.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("it is ended");
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP"), "{answer:?}");
}
