//! That brokers and gateway know each other by certificates, the newest ones.

use daemon::{dial::CONNECT_DEADLINE, tls::Certificates};
use fixtures::Authority;
use tokio::{net::TcpListener, time::Instant};
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::*;

const BROKER: &str = "kubeopencode-terminal-broker";
const GATEWAY: &str = "kubeopencode-server";

/// A broker that admits callers of `authority` only.
async fn broker(authority: &Authority, name: &str) -> FakeBroker {
    let (certificate, key) = authority.issue(name);
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    FakeBroker::start_with(tls).await
}

/// The brokers behind `name`, to which the gateway shows `certificates`.
fn brokers(name: &Name, certificates: Certificates) -> Broker {
    let peer = Peer::named(BROKER, certificates).unwrap();
    let connector = Connector { peer: Some(peer), tasks: TaskTracker::new() };
    let origin = Uri::from_static("https://broker");
    Broker::of(origin, connector, name.resolver(), CancellationToken::new())
}

#[tokio::test]
async fn new_certificates_are_used_for_the_next_session() {
    let (authority, name) = (Authority::generate(), Name::default());
    let folder = authority.folder(GATEWAY);
    let fake = broker(&authority, BROKER).await;
    name.points_to([fake.address]);
    let (certificates, reload) = Certificates::load(folder.path()).await.unwrap();
    TaskTracker::new().spawn(reload.run(Duration::from_millis(1), CancellationToken::new()));
    let broker = brokers(&name, certificates.clone());
    let mut viewers =
        [open(&broker).await.unwrap(), open(&broker).await.unwrap(), open(&broker).await.unwrap()];
    let (former, connections) = (fake.certificate(), fake.connections());
    assert!(former.is_some() && connections == 2);

    let mut changes = certificates.subscribe();
    authority.renew(folder.path(), GATEWAY);
    changes.changed().await.unwrap();
    let _viewer = open(&broker).await.unwrap();
    assert_eq!(fake.connections(), 3);
    assert_ne!(fake.certificate(), former);
    for viewer in &mut viewers {
        assert_eq!(viewer.echo("still here").await, "still here");
    }
}

#[tokio::test]
async fn an_opening_is_served_by_the_twin_of_a_broker_that_never_does_its_handshake() {
    let (authority, name) = (Authority::generate(), Name::default());
    let folder = authority.folder(GATEWAY);
    let twin = broker(&authority, BROKER).await;
    name.points_to([twin.address]);
    let (certificates, _reload) = Certificates::load(folder.path()).await.unwrap();
    let broker = brokers(&name, certificates);
    let _busy = open(&broker).await.unwrap();
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    name.points_to([twin.address, mute.local_addr().unwrap()]);
    Arc::clone(&broker.pool).look_up().await;

    let mut tried = Tried::default();
    tokio::time::pause();
    let begun = Instant::now();
    assert_eq!(attach(&broker, &mut tried).await.err(), Some(Code::Unavailable));
    assert_eq!(begun.elapsed().as_secs(), CONNECT_DEADLINE.as_secs());
    tokio::time::resume();
    let viewer = attach(&broker, &mut tried).await.unwrap();
    assert_eq!(viewer.served_by, twin.address.to_string());
}

#[tokio::test]
async fn a_token_is_not_shown_to_a_broker_of_another_name_or_authority() {
    let (authority, other) = (Authority::generate(), Authority::generate());
    let folder = authority.folder(GATEWAY);
    for fake in [broker(&authority, "another-service").await, broker(&other, BROKER).await] {
        let url = format!("https://{}", fake.address);
        let broker = Broker::new(&url, BROKER, Some(folder.path())).await.unwrap();
        assert_eq!(open(&broker).await.err(), Some(Code::Unavailable));
        assert_eq!(fake.openings(), 0);
    }
}

#[tokio::test]
async fn an_encrypted_address_without_certificates_is_refused_at_the_start() {
    let broker = Broker::new("https://broker:50051", "broker", None).await;
    assert!(matches!(broker, Err(BrokerError::NoTls)));
}

#[tokio::test]
async fn a_missing_certificate_is_named() {
    let folder = Authority::generate().folder(GATEWAY);
    std::fs::remove_file(folder.path().join("ca.crt")).unwrap();
    let broker = Broker::new("https://broker:50051", "broker", Some(folder.path())).await;
    let error = broker.unwrap_err().to_string();
    assert!(error.ends_with("ca.crt"), "{error}");
}
