//! Who may call the broker at all.

use terminal_proto::v1::ListSessionsRequest;
use tonic::{
    Code,
    transport::{ClientTlsConfig, Identity},
};

use crate::test_broker::{Authority, Client, TestBroker};

/// What becomes of a call: an error of the connection, or of the call.
async fn call(broker: &TestBroker, tls: ClientTlsConfig) -> Result<(), Option<Code>> {
    let channel = broker.channel_with(tls).await.map_err(|_| None)?;
    let called = Client::new(channel).list_sessions(ListSessionsRequest::default()).await;
    called.map(|_| ()).map_err(|status| Some(status.code()))
}

fn identity((certificate, key): (String, String)) -> Identity {
    Identity::from_pem(certificate, key)
}

#[tokio::test]
async fn the_gateways_certificate_is_let_in() {
    let broker = TestBroker::start().await;
    let own = identity(broker.authority.issue("kubeopencode-server"));
    assert_eq!(call(&broker, broker.tls().identity(own)).await, Ok(()));
}

#[tokio::test]
async fn a_caller_without_a_certificate_is_not_served() {
    let broker = TestBroker::start().await;
    let refused = call(&broker, broker.tls()).await.unwrap_err();
    assert_ne!(refused, Some(Code::PermissionDenied), "not even a request is read");
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_not_served() {
    let broker = TestBroker::start().await;
    let foreign = identity(Authority::new().issue("kubeopencode-server"));
    let refused = call(&broker, broker.tls().identity(foreign)).await.unwrap_err();
    assert_ne!(refused, Some(Code::PermissionDenied), "not even a request is read");
}

#[tokio::test]
async fn a_certificate_of_our_authority_for_somebody_else_is_denied() {
    let broker = TestBroker::start().await;
    let other = identity(broker.authority.issue("kubeopencode-controller"));
    let refused = call(&broker, broker.tls().identity(other)).await.unwrap_err();
    assert_eq!(refused, Some(Code::PermissionDenied));
}
