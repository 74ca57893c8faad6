//! What a link with a name allows its viewers: only to look, so many of them, and not to do nothing
//! for ever.

use api_types::{Access, Agent, LinkName, ShareLink};
use fixtures::linked;
use share::capacity::Full;
use terminal_proto::v1::Size as RequestedSize;

use super::*;

fn qa(change: impl FnOnce(&mut ShareLink)) -> Agent {
    linked(2, change)
}

fn view(link: &mut ShareLink) {
    link.access = Access::View;
}

async fn start(agent: Agent) -> Around {
    Around::start_through(Links::with([agent]), 2, |_| {}).await
}

/// Everything by which a viewer could act.
fn acts(viewer: &Viewer) {
    viewer.types("rm -rf");
    viewer.send(Request::Resize(RequestedSize { columns: 1, rows: 1 }));
    viewer.send(Request::Interrupt(Interrupt {}));
    // No viewer may send that, and one that only looks gains nothing by it.
    viewer.send(Request::Resize(RequestedSize { columns: 0, rows: 70_000 }));
    viewer.requests.send(Ok(AttachRequest { request: None })).unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_may_only_look_acts_in_vain_and_stalls_nothing() {
    let mut around = start(qa(view)).await;
    assert_eq!(around.pod.frame().await, Some(Frame::Ping));
    // More than the window, which a viewer that types may not.
    for _ in 0..3 {
        around.viewer.types(vec![b'x'; INPUT_WINDOW_BYTES]);
    }
    let mut credited = 0;
    while credited < 3 * INPUT_WINDOW_BYTES {
        let Response::InputCredit(bytes) = around.viewer.next().await else { panic!("no credit") };
        credited += bytes as usize;
    }
    acts(&around.viewer);
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));

    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES].into())).await;
    assert_eq!(around.viewer.output().await.len(), WINDOW_BYTES);
    around.viewer.send(Request::Ack(WINDOW_BYTES as u64));
    let bytes = u32::try_from(WINDOW_BYTES).unwrap();
    assert_eq!(around.pod.word().await, Some(Frame::OutputCredit { bytes }), "and nothing before");
    assert_eq!(around.sessions.list()[0].counters.input(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_changes_changes_the_live_session_from_the_next_frame_on() {
    let mut around = start(qa(|_| ())).await;
    around.viewer.types("one");
    assert_eq!(around.pod.word().await, Some(Frame::Input("one".into())));

    around.links.apply(&qa(view));
    acts(&around.viewer);
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));

    around.links.apply(&qa(|_| ()));
    around.viewer.types("two");
    assert_eq!(around.pod.word().await, Some(Frame::Input("two".into())));
    assert!(around.is_listed());
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_default_link_changes_nothing_of_another() {
    let mut around = start(qa(view)).await;
    let mut after = qa(view);
    after.spec.share.as_mut().unwrap().expires_at = Some(clock::now());
    around.links.apply(&after);
    acts(&around.viewer);
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));
}

/// The screen answers, so that only the viewer is idle.
async fn idle_until_closed(around: &mut Around) -> Closed {
    let Around { pod, viewer, .. } = around;
    let answering = async {
        while let Some(frame) = pod.frame().await {
            if frame == Frame::Ping {
                pod.say(Frame::Alive).await;
            }
        }
        std::future::pending::<()>().await;
    };
    let closed = async {
        loop {
            match viewer.next().await {
                Response::Closed(closed) => return closed,
                Response::InputCredit(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    tokio::select! {
        closed = closed => closed,
        () = answering => unreachable!(),
    }
}

fn idle_after(minutes: u64) -> Agent {
    qa(|link| link.idle_timeout = format!("{minutes}m").parse().ok())
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_types_nothing_for_so_long_is_told_so_and_closed() {
    let mut around = start(idle_after(5)).await;
    let closed = idle_until_closed(&mut around).await;
    assert_eq!(around.seconds(), 300);
    assert_eq!((closed.reason(), closed.category.as_str()), (CloseReason::Closed, "idle"));
    assert_eq!(closed.message, "nothing was typed for as long as this link allows");
    around.ends().await;
}

#[tokio::test(start_paused = true)]
async fn input_counts_from_its_moment_on_and_only_where_it_may_be_typed() {
    for (access, seconds) in [(Access::Interact, 300 + 120), (Access::View, 300)] {
        let mut around = start(qa(|link| {
            (link.access, link.idle_timeout) = (access, "5m".parse().ok());
        }))
        .await;
        let requests = around.viewer.requests.clone();
        TaskTracker::new().spawn(async move {
            tokio::time::sleep(Duration::from_mins(2)).await;
            let request = Some(Request::Input("x".into()));
            requests.send(Ok(AttachRequest { request })).unwrap();
            std::future::pending::<()>().await;
        });
        idle_until_closed(&mut around).await;
        assert_eq!(around.seconds(), seconds, "{access:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_time_out_that_is_set_later_counts_from_the_last_input() {
    let mut around = start(qa(|_| ())).await;
    let links = around.links.clone();
    TaskTracker::new().spawn(async move {
        tokio::time::sleep(Duration::from_mins(2)).await;
        links.apply(&idle_after(10));
        tokio::time::sleep(Duration::from_mins(1)).await;
        links.apply(&idle_after(5));
    });
    idle_until_closed(&mut around).await;
    assert_eq!(around.seconds(), 300);
}

#[tokio::test]
async fn a_link_holds_as_many_viewers_as_it_allows() {
    let links = Links::with([qa(|link| link.max_viewers = Some(2))]);
    let (sessions, _) = sessions();
    let first = sessions.claim(&admit(&links, 2)).unwrap();
    let _second = sessions.claim(&admit(&links, 2)).unwrap();
    let refused = sessions.claim(&admit(&links, 2)).map(|_| ());
    assert_eq!(refused, Err(Full::Viewers));
    let _default = sessions.claim(&admit(&links, 1)).unwrap();
    drop(first);
    let again = sessions.claim(&admit(&links, 2)).unwrap();
    assert_eq!(again.info().link_name.as_ref().map(LinkName::as_str), Some("qa"));
}
