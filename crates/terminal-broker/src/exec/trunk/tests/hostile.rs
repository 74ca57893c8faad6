//! A pod that keeps to nothing can end its own trunk, and no more.

use super::*;

/// What comes of a screen that says this to one who follows, as `says` does.
async fn over_by(says: impl AsyncFnOnce(&mut Screen)) -> Over {
    let mut around = Around::start().await;
    let mut seat = around.follow().await;
    says(&mut around.screen).await;
    let over = around.serving.await.unwrap();
    loop {
        if let Err(told) = seat.next().await {
            assert_eq!(told, over);
            return over;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_trunk_ends_it() {
    let frames = [
        (0, Frame::Left),
        (0, Frame::Exit { code: 0 }),
        (0, Frame::Joined(JOINED)),
        (0, Frame::Ping),
        (1, Frame::Joined(JOINED)),
        (1, Frame::Follows),
        (1, Frame::Alive),
        (1, Frame::Enter(entering())),
        (2, Frame::Left),
        (u32::MAX, Frame::Output("x".into())),
    ];
    for (viewer, frame) in frames {
        let name = format!("{frame:?} to {viewer}");
        let over = over_by(async |screen| screen.says(viewer, frame).await).await;
        assert_eq!(over, Over::Protocol, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn more_than_was_granted_ends_it() {
    let piece = || Bytes::from(vec![0; OUTPUT_WINDOW_BYTES / 8]);
    // To all, as much again as was granted may be under way.
    for (viewer, pieces) in [(0, 17), (1, 9)] {
        let over = over_by(async |screen| {
            for _ in 0..pieces {
                screen.shows(viewer, piece()).await;
            }
        });
        assert_eq!(over.await, Over::Protocol, "to {viewer}");
    }
}

#[tokio::test(start_paused = true)]
async fn positions_and_credit_without_end_end_it() {
    let over = over_by(async |screen| {
        screen.pod.say(Frame::ToViewer { viewer: 1 }).await;
        for _ in 0..5000 {
            screen.pod.say(Frame::Position { position: 0, screen_bytes: 0 }).await;
        }
    });
    assert_eq!(over.await, Over::Protocol);
    let over = over_by(async |screen| {
        screen.says(1, Frame::InputCredit { bytes: u32::MAX }).await;
        screen.says(1, Frame::InputCredit { bytes: 1 }).await;
    });
    assert_eq!(over.await, Over::Protocol);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_anything_before_it_is_let_in() {
    let mut around = Around::start().await;
    let mut seat = around.trunk.enter(entering()).unwrap();
    around.screen.shows(1, "x").await;
    assert!(matches!(seat.first().await, First::Over(Over::Protocol)));
}

#[tokio::test(start_paused = true)]
async fn one_whom_the_screen_has_no_place_for_is_told_so() {
    let mut around = Around::start().await;
    let mut seat = around.trunk.enter(entering()).unwrap();
    around.screen.says(1, Frame::Left).await;
    assert!(matches!(seat.first().await, First::Full));
}
