//! Who may call the broker at all.

use fixtures::Authority;
use share::Links;
use terminal_proto::v1::{CloseSessionRequest, ListSessionsRequest, WakeRequest};
use tonic::{
    Code,
    transport::{ClientTlsConfig, Identity},
};

use crate::{
    pod::V5,
    test_broker::{Client, TestBroker, Viewer, Watch, open},
};

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
async fn a_gateways_certificate_opens_terminals_and_neither_lists_nor_closes_them() {
    let broker = TestBroker::start().await;
    let viewer = broker.attach(open()).await.unwrap();
    let gateway = identity(broker.authority.issue("kubeopencode-server"));
    let listed = call(&broker, broker.tls().identity(gateway)).await;
    assert_eq!(listed, Err(Some(Code::PermissionDenied)));
    let this = CloseSessionRequest { session_id: viewer.session_id.clone(), ..Default::default() };
    let closed = broker.client().await.close_session(this).await;
    assert_eq!(closed.unwrap_err().code(), Code::PermissionDenied);
}

#[tokio::test]
async fn an_operators_certificate_lists_terminals_and_opens_none() {
    let broker = TestBroker::start().await;
    let operator = identity(broker.authority.issue("kubeopencode-operator"));
    assert_eq!(call(&broker, broker.tls().identity(operator)).await, Ok(()));
    let attached = Viewer::attach(broker.operator().await, open()).await;
    assert_eq!(attached.err().unwrap().code(), Code::PermissionDenied);
}

/// Each role is in the certificate by itself, and none comes with another.
#[tokio::test]
async fn a_tools_certificate_does_what_its_roles_say() {
    let broker = TestBroker::start().await;
    let of = async |role: &str| {
        let names = ["kubeopencode-tool-nightly", role];
        let tls = broker.tls().identity(identity(broker.authority.issue_for(&names)));
        Client::new(broker.channel_with(tls).await.unwrap())
    };
    for role in ["kubeopencode-attach", "kubeopencode-list", "kubeopencode-close"] {
        let mut client = of(role).await;
        let attached = Viewer::attach(client.clone(), open()).await.map(|_| ());
        let listed = client.list_sessions(ListSessionsRequest::default()).await.map(|_| ());
        let closed = client.close_session(CloseSessionRequest::default()).await.map(|_| ());
        let code = |result: Result<(), tonic::Status>| result.err().map(|status| status.code());
        let denied = Some(Code::PermissionDenied);
        let may = |own: &str, outcome: Option<Code>| if role == own { outcome } else { denied };
        let expected = [
            may("kubeopencode-attach", None),
            may("kubeopencode-list", None),
            may("kubeopencode-close", Some(Code::NotFound)),
        ];
        assert_eq!([code(attached), code(listed), code(closed)], expected, "{role}");
        let watched = Watch::begin(client).await.err().unwrap();
        assert_eq!(watched.code(), Code::PermissionDenied, "{role}");
    }
    let tls = broker.tls().identity(identity(broker.authority.issue("kubeopencode-tool-nightly")));
    assert_ne!(call(&broker, tls).await, Ok(()), "without a role");
}

#[tokio::test]
async fn who_lists_and_closes_keeps_no_gateway_out() {
    let broker = TestBroker::start_with(Links::with([]), V5, &["--max-connections=1"]).await;
    let operator = identity(broker.authority.issue("kubeopencode-operator"));
    let tls = broker.tls().identity(operator);
    let mut open = vec![];
    for _ in 0..32 {
        open.push(broker.channel_with(tls.clone()).await.unwrap());
    }
    assert!(call(&broker, tls).await.is_err(), "they are bounded as well");
    let attached = Viewer::attach(broker.client().await, self::open()).await;
    assert_eq!(attached.err().unwrap().code(), Code::NotFound, "it was judged");
}

#[tokio::test]
async fn a_controllers_certificate_watches_and_does_nothing_else() {
    let broker = TestBroker::start().await;
    let controller = broker.controller().await;
    let attached = Viewer::attach(controller.clone(), open()).await;
    assert_eq!(attached.err().unwrap().code(), Code::PermissionDenied);
    let own = identity(broker.authority.issue("kubeopencode-controller"));
    let listed = call(&broker, broker.tls().identity(own)).await;
    assert_eq!(listed, Err(Some(Code::PermissionDenied)));
    let woken = controller.clone().wake(WakeRequest::default()).await;
    assert_eq!(woken.unwrap_err().code(), Code::PermissionDenied);
    assert!(Watch::begin(controller).await.is_ok());

    for other in [broker.client().await, broker.operator().await] {
        let watched = Watch::begin(other).await;
        assert_eq!(watched.err().unwrap().code(), Code::PermissionDenied);
    }
}

#[tokio::test]
async fn gateways_that_take_all_connections_leave_room_for_controllers() {
    let broker = TestBroker::start_with(Links::with([]), V5, &["--max-connections=1"]).await;
    let _gateway = broker.client().await;
    assert!(Watch::begin(broker.controller().await).await.is_ok());
}

#[tokio::test]
async fn callers_may_be_named_otherwise() {
    let flags = ["--allowed-clients=edge", "--allowed-operators=root,staff"];
    let broker = TestBroker::start_with(Links::with([]), V5, &flags).await;
    let call_as = async |name| {
        let own = identity(broker.authority.issue(name));
        call(&broker, broker.tls().identity(own)).await
    };
    assert_eq!(call_as("staff").await, Ok(()));
    assert_eq!(call_as("edge").await, Err(Some(Code::PermissionDenied)));
    assert!(call_as("kubeopencode-operator").await.is_err());
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
    let foreign = identity(Authority::generate().issue("kubeopencode-server"));
    let refused = call(&broker, broker.tls().identity(foreign)).await.unwrap_err();
    assert_ne!(refused, Some(Code::PermissionDenied), "not even a request is read");
}

#[tokio::test]
async fn a_certificate_of_our_authority_for_somebody_else_is_not_served() {
    let broker = TestBroker::start().await;
    let other = identity(broker.authority.issue("kubeopencode-gardener"));
    let refused = call(&broker, broker.tls().identity(other)).await.unwrap_err();
    assert_ne!(refused, Some(Code::PermissionDenied), "not even a request is read");
}

#[tokio::test]
async fn connections_of_callers_are_bounded() {
    let broker = TestBroker::start_with(Links::with([]), V5, &["--max-connections=1"]).await;
    let gateway = identity(broker.authority.issue("kubeopencode-server"));
    let tls = broker.tls().identity(gateway);
    let first = broker.channel_with(tls.clone()).await.unwrap();
    let served = async |channel| {
        let answered = Client::new(channel).wake(WakeRequest::default()).await.unwrap_err();
        assert_eq!(answered.code(), Code::InvalidArgument);
    };
    served(first.clone()).await;
    let refused = call(&broker, tls.clone()).await.unwrap_err();
    assert_ne!(refused, Some(Code::PermissionDenied), "not even a request is read");
    served(first).await;
}
