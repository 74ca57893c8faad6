//! Terminals that all viewers of a link see, and viewers that come again.

use api_types::Access;
use fixtures::{demo, linked, token};
use futures::{FutureExt, poll};
use screen_wire::{Frame, Join as WireJoin, Joined};
use share::Links;
use terminal_proto::v1::{
    CloseReason, Join, Open, OutputPosition, Resumed, Typed, attach_request::Request,
    attach_response::Response,
};
use tonic::{Code, Status};

use crate::{
    pod::{Exec, V5},
    test_broker::{TestBroker, Viewer, open},
};

const JOINED: Joined = Joined { terminal: 7, typed: 5 };

async fn sharing(links: Links) -> TestBroker {
    TestBroker::start_with(links, V5, &["--screen-idle=90s"]).await
}

fn joining() -> Open {
    let join = Join {
        viewer: vec![1; 16].into(),
        terminal: 7,
        drawn: Some(100),
        typed_from: 3,
        typed_to: 9,
        interrupts: 2,
    };
    Open { join: Some(join), ..open() }
}

/// Opens a terminal whose screen does as `answers` says.
async fn attach<T>(
    broker: &mut TestBroker,
    open: Open,
    answers: impl AsyncFnOnce(Exec) -> T,
) -> (Result<Viewer, Status>, T) {
    let attaching = Viewer::attach(broker.client().await, open);
    tokio::join!(attaching, async { answers(broker.pods.exec().await).await })
}

async fn joins(mut exec: Exec) -> Exec {
    exec.stdout.frame(Frame::Joined(JOINED)).await;
    exec
}

/// The value of a flag of the exec's command; JSON has its percent-encoding.
fn flag(exec: &Exec, flag: &str) -> Option<String> {
    let words = exec.target.split('&').filter_map(|pair| pair.strip_prefix("command="));
    let value = words.skip_while(|word| *word != flag).nth(1)?;
    let codes = [("%7B", "{"), ("%7D", "}"), ("%22", "\""), ("%3A", ":"), ("%2C", ",")];
    Some(codes.iter().fold(value.to_owned(), |value, (code, text)| value.replace(code, text)))
}

fn join(exec: &Exec) -> Option<WireJoin> {
    flag(exec, "--join").map(|json| serde_json::from_str(&json).unwrap())
}

#[tokio::test]
async fn who_joins_hears_from_the_screen_where_it_is() {
    let mut broker = sharing(Links::with([demo()])).await;
    let (viewer, mut exec) = attach(&mut broker, joining(), joins).await;
    let mut viewer = viewer.unwrap();
    assert_eq!(viewer.resumed, Some(Resumed { terminal: 7, typed: 5 }));
    assert_eq!(flag(&exec, "--name").as_deref(), Some("default"));
    assert_eq!(flag(&exec, "--idle-ms").as_deref(), Some("90000"));
    let passed = join(&exec).unwrap();
    assert_eq!((passed.terminal, passed.drawn, passed.interrupts), (7, Some(100), 2));
    assert_eq!((passed.viewer.to_bytes(), passed.typed()), ([1; 16], 3..=9));

    exec.stdout.frame(Frame::Position { position: 100, screen_bytes: 0 }).await;
    exec.stdout.output("more").await;
    let position = OutputPosition { position: 100, screen_bytes: 0 };
    assert_eq!(viewer.next().await, Response::Position(position));
    assert_eq!(viewer.output(4).await, b"more");
    viewer.send(Request::Input("ls".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("ls".into())));
    viewer.send(Request::Typed(Typed { position: 8, interrupts: 3 })).await;
    let typed = Frame::Typed { position: 8, interrupts: 3 };
    assert_eq!(exec.stdin.frame().await, Some(typed));
}

#[tokio::test]
async fn nobody_is_told_of_an_open_terminal_before_the_screen_has_answered() {
    let mut broker = sharing(Links::with([demo()])).await;
    let attaching = Viewer::attach(broker.client().await, joining());
    let mut attaching = std::pin::pin!(attaching.fuse());
    let exec = tokio::select! {
        biased;
        _ = &mut attaching => panic!("it was told"),
        exec = broker.pods.exec() => exec,
    };
    assert!(poll!(&mut attaching).is_pending());
    let _exec = joins(exec).await;
    assert!(attaching.await.is_ok());
}

#[tokio::test]
async fn a_pod_of_the_first_release_gives_each_viewer_a_terminal_of_its_own() {
    for open in [joining(), open()] {
        let mut broker = sharing(Links::with([demo()])).await;
        let attaching = Viewer::attach(broker.client().await, open);
        let answers = async {
            let first = broker.pods.exec().await;
            assert_eq!(flag(&first, "--name").as_deref(), Some("default"));
            first.fails(2).await;
            broker.pods.exec().await
        };
        let (viewer, mut exec) = tokio::join!(attaching, answers);
        let mut viewer = viewer.unwrap();
        assert_eq!(viewer.resumed, None);
        assert_eq!([flag(&exec, "--name"), flag(&exec, "--join")], [None, None]);
        exec.stdout.output("hello").await;
        assert_eq!(viewer.output(5).await, b"hello");
    }
}

#[tokio::test]
async fn an_older_gateway_sees_the_links_terminal_as_a_new_viewer_each_time() {
    let mut broker = sharing(Links::with([demo()])).await;
    let answers = async |mut exec: Exec| {
        exec.stdin.ping().await;
        exec.stdout.output("hello").await;
        exec
    };
    let (viewer, exec) = attach(&mut broker, open(), answers).await;
    let mut viewer = viewer.unwrap();
    assert_eq!(viewer.resumed, None);
    assert_eq!(flag(&exec, "--name").as_deref(), Some("default"));
    assert_eq!(flag(&exec, "--join"), None);
    assert_eq!(viewer.output(5).await, b"hello");
}

#[tokio::test]
async fn each_link_has_its_own_terminal_and_who_may_only_look_joins_as_such() {
    let links = Links::with([linked(2, |link| link.access = Access::View)]);
    let mut broker = sharing(links).await;
    let qa = Open { token: token(2).expose().to_owned(), ..joining() };
    let (viewer, exec) = attach(&mut broker, qa, joins).await;
    assert!(viewer.is_ok());
    assert_eq!(flag(&exec, "--name").as_deref(), Some("link-qa"));
    let passed = join(&exec).unwrap();
    assert_eq!((passed.typed(), passed.interrupts), (9..=9, 0));
}

#[tokio::test]
async fn without_a_shared_terminal_nobody_comes_again() {
    let mut broker = TestBroker::start().await;
    let viewer = broker.attach(joining()).await.unwrap();
    assert_eq!(viewer.resumed, None);
    assert_eq!(flag(&broker.pods.exec().await, "--join"), None);
}

#[tokio::test]
async fn a_screen_that_does_not_let_the_viewer_join_is_unavailable() {
    let mut broker = sharing(Links::with([demo()])).await;
    let fails = async |exec: Exec| exec.fails(1).await;
    let (refused, ()) = attach(&mut broker, joining(), fails).await;
    assert_eq!(refused.err().unwrap().code(), Code::Unavailable);
    let breaks = async |exec: Exec| drop(exec);
    let (refused, ()) = attach(&mut broker, joining(), breaks).await;
    assert_eq!(refused.err().unwrap().code(), Code::Unavailable);
    let says = async |mut exec: Exec| exec.stdout.frame(Frame::Alive).await;
    let (refused, ()) = attach(&mut broker, joining(), says).await;
    assert_eq!(refused.err().unwrap().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_viewer_is_sixteen_bytes() {
    let mut broker = sharing(Links::with([demo()])).await;
    let mut open = joining();
    open.join.as_mut().unwrap().viewer = vec![1; 15].into();
    let status = broker.attach(open).await.err().unwrap();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("16 bytes"), "{status}");
    // Nothing was started for it.
    assert!(broker.pods.exec().now_or_never().is_none());
}

#[tokio::test]
async fn what_was_typed_arrives_although_the_broker_goes_away() {
    let mut broker = sharing(Links::with([demo()])).await;
    let (viewer, mut exec) = attach(&mut broker, joining(), joins).await;
    let mut viewer = viewer.unwrap();
    viewer.send(Request::Input("ls".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("ls".into())));
    broker.daemon.shutdown.cancel();
    assert_eq!(viewer.closed().await.reason(), CloseReason::Draining);
    assert_eq!(exec.stdin.frame().await, Some(Frame::Leave));
}
