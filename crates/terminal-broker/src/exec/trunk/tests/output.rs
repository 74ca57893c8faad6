//! Who is shown what, and who waits for whom.

use super::*;

const PIECE_BYTES: usize = 32 * 1024;
const PIECES_OF_WINDOW: usize = OUTPUT_WINDOW_BYTES / PIECE_BYTES;

fn piece() -> Bytes {
    Bytes::from(vec![b'x'; PIECE_BYTES])
}

fn credit(bytes: usize) -> (u32, Frame) {
    (0, Frame::OutputCredit { bytes: u32::try_from(bytes).unwrap() })
}

#[tokio::test(start_paused = true)]
async fn what_all_follow_comes_once_and_what_one_misses_only_to_that_one() {
    let mut around = Around::start().await;
    let mut one = around.follow().await;
    let screen = &mut around.screen;
    screen.shows(0, "both,").await;
    assert_eq!(one.next().await, Ok(Event::Output("both,".into())));

    let mut two = around.enter().await;
    let screen = &mut around.screen;
    screen.says(2, Frame::Position { position: 5, screen_bytes: 5 }).await;
    screen.shows(2, "drawn").await;
    let block = Compressed::new(1000, "block".into()).unwrap();
    screen.says(0, Frame::Compressed(block.clone())).await;
    screen.says(2, Frame::Compressed(block.clone())).await;
    screen.says(2, Frame::Follows).await;
    screen.shows(0, "again").await;
    assert_eq!(one.next().await, Ok(Event::Compressed(block.clone())));
    assert_eq!(one.next().await, Ok(Event::Output("again".into())));
    let position = OutputPosition { position: 5, screen_bytes: 5 };
    let expected = [
        Event::Position(position),
        Event::Output("drawn".into()),
        Event::Compressed(block),
        Event::Output("again".into()),
    ];
    for event in expected {
        assert_eq!(two.next().await, Ok(event));
    }
}

#[tokio::test(start_paused = true)]
async fn each_hears_the_last_of_what_it_was_told_of_the_others_whatever_the_pod_makes_up() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.follow().await);
    let presence = |columns, viewers, typed| {
        Frame::Presence(screen_wire::Presence { columns, rows: 0, viewers, typed })
    };
    around.screen.says(1, presence(80, 2, LastTyped::Another)).await;
    around.screen.says(1, presence(u16::MAX, 0, LastTyped::You)).await;
    around.screen.shows(0, "x").await;
    assert_eq!(output(&mut two, 1).await, 1);
    let told = Presence {
        size: Some(Size { columns: 1000, rows: 1 }),
        viewers: 1,
        typed: v1::LastTyped::You.into(),
    };
    assert_eq!(one.next().await, Ok(Event::Presence(told)));
    assert_eq!(one.next().await, Ok(Event::Output("x".into())));
}

#[tokio::test(start_paused = true)]
async fn input_credit_is_each_ones_own() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.follow().await);
    around.screen.says(1, Frame::InputCredit { bytes: 3 }).await;
    around.screen.says(2, Frame::InputCredit { bytes: 4 }).await;
    around.screen.says(2, Frame::InputCredit { bytes: 5 }).await;
    around.screen.shows(0, "x").await;
    assert_eq!(one.next().await, Ok(Event::InputCredit(3)));
    assert_eq!(output(&mut one, 1).await, 1);
    assert_eq!(two.next().await, Ok(Event::InputCredit(9)), "it adds up");
}

#[tokio::test(start_paused = true)]
async fn the_screen_may_send_as_much_as_the_fastest_takes() {
    let mut around = Around::start().await;
    let (mut fast, mut slow) = (around.follow().await, around.follow().await);
    for _ in 0..PIECES_OF_WINDOW {
        around.screen.shows(0, piece()).await;
    }
    output(&mut fast, OUTPUT_WINDOW_BYTES).await;
    output(&mut slow, OUTPUT_WINDOW_BYTES).await;
    fast.output_credit(u32::try_from(OUTPUT_WINDOW_BYTES / 4 - 1).unwrap());
    fast.output_credit(1);
    assert_eq!(around.screen.hears().await, credit(OUTPUT_WINDOW_BYTES / 4));
    slow.output_credit(u32::try_from(OUTPUT_WINDOW_BYTES / 4).unwrap());
    fast.output_credit(u32::try_from(OUTPUT_WINDOW_BYTES / 2).unwrap());
    let next = around.screen.hears().await;
    assert_eq!(next, credit(OUTPUT_WINDOW_BYTES / 2), "the slow one's was granted before");
}

#[tokio::test(start_paused = true)]
async fn one_who_takes_nothing_is_shown_the_screen_anew_and_others_never_notice() {
    let mut around = Around::start().await;
    let (mut fast, mut slow) = (around.follow().await, around.follow().await);
    let window = u32::try_from(OUTPUT_WINDOW_BYTES).unwrap();
    for _ in 0..PIECES_OF_WINDOW {
        around.screen.shows(0, piece()).await;
    }
    output(&mut slow, OUTPUT_WINDOW_BYTES).await;
    output(&mut fast, OUTPUT_WINDOW_BYTES).await;
    fast.output_credit(window);
    assert_eq!(around.screen.hears().await, credit(OUTPUT_WINDOW_BYTES));
    // 64 KiB more than it may be given is not too much yet.
    around.screen.shows(0, piece()).await;
    around.screen.shows(0, piece()).await;
    output(&mut fast, 2 * PIECE_BYTES).await;
    around.screen.shows(0, "x").await;
    output(&mut fast, 1).await;
    assert_eq!(around.screen.hears().await, (2, Frame::Redraw { unacknowledged: window }));

    // From here on its credit is the screen's affair, until it follows again.
    slow.output_credit(window);
    assert_eq!(around.screen.hears().await, (2, Frame::OutputCredit { bytes: window }));
    around.screen.says(2, Frame::Position { position: 9, screen_bytes: 5 }).await;
    around.screen.shows(2, "drawn").await;
    around.screen.says(2, Frame::Follows).await;
    around.screen.shows(0, "more").await;
    let position = OutputPosition { position: 9, screen_bytes: 5 };
    assert_eq!(slow.next().await, Ok(Event::Position(position)));
    assert_eq!(slow.next().await, Ok(Event::Output("drawn".into())));
    assert_eq!(slow.next().await, Ok(Event::Output("more".into())));
    output(&mut fast, 4).await;
}

#[tokio::test(start_paused = true)]
async fn where_the_common_output_jumps_all_are_shown_the_screen_anew() {
    let mut around = Around::start().await;
    let (mut one, two) = (around.follow().await, around.enter().await);
    around.screen.shows(0, "taken").await;
    output(&mut one, 5).await;
    around.screen.shows(0, "not taken").await;
    around.screen.says(0, Frame::Position { position: 900, screen_bytes: 0 }).await;
    assert_eq!(around.screen.hears().await, (1, Frame::Redraw { unacknowledged: 5 }));
    two.say(|outgoing| outgoing.input("x".into()));
    let next = around.screen.hears().await;
    assert_eq!(next, (2, Frame::Input("x".into())), "it did not follow");
    around.screen.shows(1, "drawn").await;
    assert_eq!(one.next().await, Ok(Event::Output("drawn".into())), "what it missed is drawn");
}

#[tokio::test(start_paused = true)]
async fn after_a_jump_the_window_is_whole_again() {
    let mut around = Around::start().await;
    let mut one = around.follow().await;
    for _ in 0..PIECES_OF_WINDOW {
        around.screen.shows(0, piece()).await;
    }
    output(&mut one, OUTPUT_WINDOW_BYTES).await;
    around.screen.says(0, Frame::Position { position: 900, screen_bytes: 0 }).await;
    let unacknowledged = u32::try_from(OUTPUT_WINDOW_BYTES).unwrap();
    assert_eq!(around.screen.hears().await, (1, Frame::Redraw { unacknowledged }));
    one.output_credit(unacknowledged);
    let taken = Frame::OutputCredit { bytes: unacknowledged };
    assert_eq!(around.screen.hears().await, (1, taken));
    around.screen.says(1, Frame::Follows).await;
    for _ in 0..PIECES_OF_WINDOW {
        around.screen.shows(0, piece()).await;
    }
    output(&mut one, OUTPUT_WINDOW_BYTES).await;
    one.output_credit(unacknowledged);
    assert_eq!(around.screen.hears().await, credit(OUTPUT_WINDOW_BYTES), "and no more before");
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_after_all_that_was_shown() {
    let mut around = Around::start().await;
    let (mut one, mut two) = (around.follow().await, around.enter().await);
    around.screen.shows(0, "bye").await;
    around.screen.shows(2, "bye").await;
    around.screen.says(1, Frame::Exit { code: 3 }).await;
    around.screen.says(2, Frame::Exit { code: 3 }).await;
    around.screen.pod.success().await;
    assert_eq!(around.serving.await.unwrap(), Over::Ended(Lost::Ended));
    for seat in [&mut one, &mut two] {
        assert_eq!(seat.next().await, Ok(Event::Output("bye".into())));
        assert_eq!(seat.next().await, Ok(Event::Exited(3)));
        assert_eq!(seat.next().await, Err(Over::Ended(Lost::Ended)));
    }
}

#[tokio::test(start_paused = true)]
async fn output_that_nobody_follows_is_not_kept_and_is_credited_to_the_next() {
    let mut around = Around::start().await;
    let one = around.follow().await;
    one.end(Outgoing::leave);
    assert_eq!(around.screen.hears().await, (1, Frame::Leave));
    for _ in 0..PIECES_OF_WINDOW {
        around.screen.shows(0, piece()).await;
    }
    around.screen.says(1, Frame::Left).await;
    let mut two = around.follow().await;
    assert_eq!(around.screen.hears().await, credit(OUTPUT_WINDOW_BYTES));
    around.screen.shows(0, "new").await;
    assert_eq!(two.next().await, Ok(Event::Output("new".into())));
}
