//! A page whose connection broke, and that goes on where it was.

use terminal_proto::v1::{Resumed, Typed, attach_request::Request as Asked};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{V1, Viewer},
    fake_broker::Attached,
    test_gateway::TestGateway,
};

const VIEWER: &str = "000102030405060708090a0b0c0d0e0f";

/// A page that says `members` of where it is, and its terminal, from `typed` on.
async fn joined(gateway: &mut TestGateway, members: &str, typed: u64) -> (Viewer, Attached) {
    let mut viewer = Viewer::connect(gateway, V1).await;
    let join = format!(r#"{{"viewer":"{VIEWER}"{members}}}"#);
    viewer.text(&format!(r#"{{"type":"resize","cols":80,"rows":24,"join":{join}}}"#)).await;
    let attached = gateway.broker.attached().await;
    attached.resume(Some(Resumed { terminal: 0xff, typed })).await;
    let hello = viewer.next().await;
    let resume = format!(r#""resume":{{"terminal":"00000000000000ff","typed":{typed}}}"#);
    assert!(hello.to_text().unwrap().contains(&resume), "{hello}");
    (viewer, attached)
}

#[tokio::test]
async fn a_page_comes_back_and_goes_on_where_it_was() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = joined(&mut gateway, "", 0).await;
    attached.position(0, 6).await;
    attached.output("screen").await;
    let position =
        |at, bytes| format!(r#"{{"type":"position","position":{at},"screen_bytes":{bytes}}}"#);
    assert_eq!(viewer.next().await, Message::text(position(0, 6)));
    assert_eq!(viewer.next().await, Message::binary("screen"));
    viewer.type_in("ls").await;
    assert_eq!(attached.asked().await, Asked::Input("ls".into()));
    viewer.interrupt().await;
    assert_eq!(attached.asked().await, Asked::Typed(Typed { position: 2, interrupts: 1 }));
    drop(viewer);
    attached.abandoned().await;

    let members =
        r#","terminal":"00000000000000ff","drawn":0,"typed_from":2,"typed_to":2,"interrupts":1"#;
    let (mut viewer, mut attached) = joined(&mut gateway, members, 2).await;
    let join = attached.open.join.clone().unwrap();
    assert_eq!(join.viewer, (0..16).collect::<Vec<u8>>());
    assert_eq!((join.terminal, join.drawn, join.interrupts), (0xff, Some(0), 1));
    assert_eq!((join.typed_from, join.typed_to), (2, 2));
    attached.position(4, 0).await;
    assert_eq!(viewer.next().await, Message::text(position(4, 0)));
    viewer.type_in("w").await;
    assert_eq!(attached.asked().await, Asked::Input("w".into()));
}

#[tokio::test]
async fn a_join_that_cannot_be_understood_is_said_so() {
    let gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.text(r#"{"type":"resize","cols":80,"rows":24,"join":{"viewer":"me"}}"#).await;
    let expected = "malformed join: viewer is 32 hex digits, terminal 16, the rest whole numbers";
    assert_eq!(viewer.closed().await, (1002, expected.to_owned()));
}
