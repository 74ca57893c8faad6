//! Viewers of one terminal share an exec.

use std::mem;

use fixtures::demo;
use screen_wire::{Enter, Frame, Joined, Viewer as WireViewer};
use share::Links;
use terminal_proto::v1::{
    CloseReason, HangUp, Join, Open, Resumed, attach_request::Request, attach_response::Response,
};
use tonic::Code;

use crate::{
    pod::{Exec, Pods, V5},
    test_broker::{TestBroker, Viewer, open},
};

const JOINED: Joined = Joined { terminal: 7, typed: 0 };

/// The screen's end of a trunk.
struct Trunk {
    exec: Exec,
    speaker: u32,
}

impl Trunk {
    /// Of the next exec, which must be one.
    async fn open(pods: &mut Pods) -> Self {
        let exec = pods.exec().await;
        assert!(is_trunk(&exec), "{}", exec.target);
        let mut trunk = Self { exec, speaker: 0 };
        assert_eq!(trunk.hears().await, (0, Frame::Compress));
        trunk
    }

    /// Lets the next one in.
    async fn lets_in(&mut self) -> (u32, Enter) {
        let (viewer, frame) = self.hears().await;
        let Frame::Enter(enter) = frame else { panic!("{frame:?}") };
        self.says(viewer, Frame::Joined(JOINED)).await;
        self.says(viewer, Frame::Follows).await;
        (viewer, enter)
    }

    async fn hears(&mut self) -> (u32, Frame) {
        loop {
            match self.exec.stdin.frame().await.expect("stdin has not ended") {
                Frame::FromViewer { viewer } => self.speaker = viewer,
                frame => return (self.speaker, frame),
            }
        }
    }

    async fn says(&mut self, viewer: u32, frame: Frame) {
        self.exec.stdout.frame(Frame::ToViewer { viewer }).await;
        self.exec.stdout.frame(frame).await;
    }

    async fn shows(&mut self, output: &'static str) {
        self.says(0, Frame::Output(output.into())).await;
    }
}

fn is_trunk(exec: &Exec) -> bool {
    exec.target.split('&').any(|pair| pair == "command=--trunk")
}

async fn sharing() -> TestBroker {
    TestBroker::start_with(Links::with([demo()]), V5, &["--screen-idle=90s"]).await
}

/// A page's opening.
fn page(number: u8) -> Open {
    let join = Join { viewer: vec![number; 16].into(), ..Join::default() };
    Open { accepts_lz4: true, join: Some(join), ..open() }
}

/// A broker with one viewer on a trunk.
async fn with_one() -> (TestBroker, Trunk, Viewer) {
    let mut broker = sharing().await;
    let attaching = Viewer::attach(broker.client().await, page(1));
    let lets_in = async {
        let mut trunk = Trunk::open(&mut broker.pods).await;
        let (number, enter) = trunk.lets_in().await;
        assert_eq!((number, enter.columns, enter.rows), (1, 120, 40));
        assert_eq!(enter.join.viewer, WireViewer::from_bytes([1; 16]));
        trunk
    };
    let (viewer, trunk) = tokio::join!(attaching, lets_in);
    (broker, trunk, viewer.unwrap())
}

async fn enters(broker: &TestBroker, trunk: &mut Trunk, number: u8) -> Viewer {
    let (viewer, _) = tokio::join!(broker.attach(page(number)), trunk.lets_in());
    viewer.unwrap()
}

#[tokio::test]
async fn a_further_viewer_needs_no_exec_and_sees_the_same() {
    let (broker, mut trunk, mut one) = with_one().await;
    let mut two = enters(&broker, &mut trunk, 2).await;
    assert_eq!(one.resumed, Some(Resumed { terminal: 7, typed: 0 }));
    trunk.shows("hello").await;
    assert_eq!(one.output(5).await, b"hello");
    assert_eq!(two.output(5).await, b"hello");
    one.send(Request::Input("ls".into())).await;
    assert_eq!(trunk.hears().await, (1, Frame::Input("ls".into())));
    two.send(Request::Input("pwd".into())).await;
    assert_eq!(trunk.hears().await, (2, Frame::Input("pwd".into())));
}

#[tokio::test]
async fn one_who_goes_takes_no_other_along_and_has_its_place_until_the_screen_knows() {
    let (broker, mut trunk, mut one) = with_one().await;
    let two = enters(&broker, &mut trunk, 2).await;
    two.send(Request::HangUp(HangUp {})).await;
    assert_eq!(trunk.hears().await, (2, Frame::HangUp));
    assert_eq!(broker.sessions().await, 2);
    trunk.says(2, Frame::Left).await;
    broker.only(1).await;
    trunk.shows("still").await;
    assert_eq!(one.output(5).await, b"still");

    one.end_requests();
    assert_eq!(trunk.hears().await, (1, Frame::Leave));
    trunk.says(1, Frame::Left).await;
    broker.only(0).await;
    // The exec is there yet.
    let mut three = enters(&broker, &mut trunk, 3).await;
    trunk.shows("again").await;
    assert_eq!(three.output(5).await, b"again");
}

#[tokio::test]
async fn a_broken_trunk_is_told_to_all_and_the_next_who_comes_gets_another() {
    let (mut broker, mut trunk, mut one) = with_one().await;
    let mut two = enters(&broker, &mut trunk, 2).await;
    drop(trunk);
    for viewer in [&mut one, &mut two] {
        assert_eq!(viewer.closed().await.reason, i32::from(CloseReason::Lost));
    }
    let attaching = Viewer::attach(broker.client().await, page(1));
    let lets_in = async { Trunk::open(&mut broker.pods).await.lets_in().await };
    let (viewer, _) = tokio::join!(attaching, lets_in);
    viewer.unwrap();
}

#[tokio::test]
async fn a_trunk_that_answers_nobody_is_left_to_those_who_are_on_it() {
    let (mut broker, mut trunk, mut one) = with_one().await;
    let attaching = Viewer::attach(broker.client().await, page(2));
    let lets_in = async {
        let mut other = Trunk::open(&mut broker.pods).await;
        other.lets_in().await;
        other
    };
    let (two, mut other) = tokio::join!(attaching, lets_in);
    let mut two = two.unwrap();
    trunk.shows("old").await;
    other.shows("new").await;
    assert_eq!(one.output(3).await, b"old");
    assert_eq!(two.output(3).await, b"new");
}

#[tokio::test]
async fn a_pod_that_knows_no_trunks_gives_each_viewer_an_exec_and_is_asked_once() {
    let mut broker = sharing().await;
    for number in [1, 2] {
        let attaching = Viewer::attach(broker.client().await, page(number));
        let answers = async {
            let mut exec = broker.pods.exec().await;
            if number == 1 {
                assert!(is_trunk(&exec));
                exec.fails(2).await;
                exec = broker.pods.exec().await;
            }
            assert!(!is_trunk(&exec), "for viewer {number}");
            exec.stdout.frame(Frame::Joined(JOINED)).await;
            exec.stdout.output("own").await;
            exec
        };
        let (viewer, _exec) = tokio::join!(attaching, answers);
        assert_eq!(viewer.unwrap().output(3).await, b"own");
    }
}

#[tokio::test]
async fn a_terminal_that_has_no_room_refuses_who_comes() {
    let (broker, mut trunk, _one) = with_one().await;
    let is_full = async {
        let (viewer, _) = trunk.hears().await;
        trunk.says(viewer, Frame::Left).await;
    };
    let (refused, ()) = tokio::join!(broker.attach(page(2)), is_full);
    assert_eq!(refused.err().map(|status| status.code()), Some(Code::Unavailable));
}

#[tokio::test]
async fn a_cluster_that_is_away_is_told_to_who_comes_and_takes_no_place() {
    let mut broker = sharing().await;
    drop(mem::replace(&mut broker.pods, Pods::listen(V5).await));
    let refused = broker.attach(page(2)).await;
    assert_eq!(refused.err().map(|status| status.code()), Some(Code::Unavailable));
    broker.only(0).await;
}

#[tokio::test]
async fn one_that_could_not_take_what_all_see_has_an_exec_of_its_own() {
    let plain = Open { accepts_lz4: false, ..page(2) };
    let narrow = Open { window_bytes: 64 * 1024, ..page(2) };
    for open in [plain, narrow] {
        let (mut broker, _trunk, _one) = with_one().await;
        let attaching = Viewer::attach(broker.client().await, open);
        let answers = async {
            let mut exec = broker.pods.exec().await;
            assert!(!is_trunk(&exec));
            exec.stdout.frame(Frame::Joined(JOINED)).await;
            exec.stdout.output("own").await;
            exec
        };
        let (viewer, _exec) = tokio::join!(attaching, answers);
        match viewer.unwrap().next().await {
            Response::Output(output) => assert_eq!(output, "own"),
            other => panic!("{other:?}"),
        }
    }
}
