//! A link with a name, as a caller of one's own finds it over gRPC.

use api_types::{Access, Agent};
use fixtures::{linked, token};
use screen_wire::Frame;
use share::Links;
use terminal_proto::v1::{
    HangUp, Interrupt, ListSessionsRequest, Open, Size, attach_request::Request,
};
use tonic::Code;

use crate::{
    pod::V5,
    test_broker::{TestBroker, open},
};

fn allowing(access: Access) -> Agent {
    linked(2, |link| link.access = access)
}

/// Through the link `qa`.
fn qa() -> Open {
    Open { token: token(2).expose().to_owned(), ..open() }
}

#[tokio::test]
async fn a_view_link_may_only_look() {
    let links = Links::with([allowing(Access::View)]);
    let mut broker = TestBroker::start_with(links, V5, &[]).await;
    let mut viewer = broker.attach(qa()).await.unwrap();
    let mut exec = broker.pods.exec().await;

    viewer.send(Request::Input("rm -rf".into())).await;
    viewer.send(Request::Resize(Size { columns: 1, rows: 1 })).await;
    viewer.send(Request::Interrupt(Interrupt {})).await;
    viewer.send_unknown().await;
    assert_eq!(viewer.input_credit().await, 6);
    exec.stdout.output("README.md").await;
    assert_eq!(viewer.output(9).await, b"README.md");

    broker.links.apply(&allowing(Access::Interact));
    viewer.send(Request::Input("ls".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("ls".into())), "and nothing before");
    broker.links.apply(&allowing(Access::View));
    viewer.send(Request::Input("pwd".into())).await;
    assert_eq!(viewer.input_credit().await, 3);
    viewer.send(Request::HangUp(HangUp {})).await;
    exec.hangs_up().await;
}

#[tokio::test]
async fn a_link_has_as_many_viewers_as_it_allows_and_is_named_in_the_list() {
    let links = Links::with([linked(2, |link| link.max_viewers = Some(1))]);
    let broker = TestBroker::start_with(links, V5, &[]).await;
    let _viewer = broker.attach(qa()).await.unwrap();
    let refused = broker.attach(qa()).await.err().expect("a refusal");
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(refused.message().contains("as many viewers as this link allows"), "{refused}");
    let _default = broker.attach(open()).await.unwrap();

    let mut operator = broker.operator().await;
    let listed = operator.list_sessions(ListSessionsRequest::default()).await.unwrap();
    let names: Vec<_> = listed.into_inner().sessions.into_iter().map(|one| one.link).collect();
    assert_eq!(names, ["qa", ""]);
}
