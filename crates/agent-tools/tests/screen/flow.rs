//! Credit both ways, and what nothing may wait for.

use screen_wire::{Frame, INPUT_WINDOW_BYTES};

use crate::viewer::Viewer;

/// Nothing is sent but what is asked for: the first unasked sign of life is an hour away.
const UNASKED_NEVER: [&str; 2] = ["--alive-ms", "3600000"];

/// The last few bytes of credit come with a sign of life.
const OFTEN: [&str; 2] = ["--alive-ms", "50"];

#[tokio::test]
async fn a_paste_far_beyond_the_window_is_echoed_whole() {
    let mut viewer = Viewer::of_script_with(&OFTEN, "stty raw -echo; echo ready; exec cat");
    viewer.sees("ready").await;
    let before = viewer.seen.len();
    let paste: Vec<u8> =
        (0..8 * 1024 * 1024_u32).flat_map(|n| n.to_le_bytes().into_iter().take(1)).collect();
    viewer.paste(&paste).await;
    while viewer.seen.len() - before < paste.len() {
        assert!(viewer.next().await.is_some());
    }
    viewer.is_credited(paste.len()).await;
}

#[tokio::test]
async fn a_keystroke_is_credited_with_the_next_sign_of_life() {
    let mut viewer =
        Viewer::of_script_with(&UNASKED_NEVER, "stty -echo; echo ready; exec sleep 1000");
    viewer.sees("ready").await;
    viewer.type_in(b"k").await;
    viewer.send(Frame::Ping).await;
    assert_eq!(viewer.next().await, Some(Frame::Alive));
    assert_eq!(viewer.next().await, Some(Frame::InputCredit { bytes: 1 }));
}

#[tokio::test]
async fn a_viewer_that_types_more_than_it_may_has_broken_the_protocol() {
    let mut viewer = Viewer::of_script("stty raw; echo ready; exec sleep 1000");
    viewer.sees("ready").await;
    // Linux holds some 12 KiB of it.
    viewer.paste(&vec![b'x'; INPUT_WINDOW_BYTES]).await;
    viewer.send_until_refused(Frame::Input(vec![b'x'; INPUT_WINDOW_BYTES].into())).await;
    assert!(!viewer.ended().await.screen.success());
}

#[tokio::test]
async fn output_stays_within_the_window_and_a_ping_is_answered_all_the_same() {
    let script = "stty raw; seq 1 100000; exec sleep 1000";
    let flags = [&UNASKED_NEVER[..], &["--window-bytes", "5000"]].concat();
    let mut viewer = Viewer::of_script_with(&flags, script).without_credit();
    while viewer.seen.len() < 5000 {
        viewer.next().await;
    }
    assert_eq!(viewer.seen.len(), 5000);
    viewer.send(Frame::Ping).await;
    assert_eq!(viewer.next().await, Some(Frame::Alive));

    viewer.credit_output(2000).await;
    while viewer.seen.len() < 7000 {
        viewer.next().await;
    }
    viewer.send(Frame::Ping).await;
    assert_eq!(viewer.next().await, Some(Frame::Alive));
    assert_eq!(viewer.seen.len(), 7000);
}

#[tokio::test]
async fn a_screen_says_unasked_that_it_is_alive() {
    let mut viewer = Viewer::of_script_with(&["--alive-ms", "50"], "exec sleep 1000");
    for _ in 0..3 {
        assert_eq!(viewer.next().await, Some(Frame::Alive));
    }
}

#[tokio::test]
async fn an_interrupt_overtakes_a_paste_that_nobody_reads() {
    let script = "trap 'exit 9' INT; sleep 1000 & echo ready; wait";
    let mut viewer = Viewer::of_script_with(&OFTEN, script);
    viewer.sees("ready").await;
    // Linux holds some 12 KiB of it.
    let lines = b"a line\n".repeat(INPUT_WINDOW_BYTES / 7);
    viewer.paste(&lines).await;
    viewer.send(Frame::Interrupt).await;
    viewer.is_credited(lines.len()).await;
    assert_eq!(viewer.ended().await.code, Some(9));
}

#[tokio::test]
async fn an_interrupt_is_a_key_to_a_program_that_reads_it_as_one() {
    let mut viewer = Viewer::of_script_with(&OFTEN, "stty raw -echo; echo ready; exec cat");
    viewer.sees("ready").await;
    viewer.type_in(b"abc").await;
    viewer.send(Frame::Interrupt).await;
    viewer.type_in(b"def").await;
    viewer.sees("abc\u{3}def").await;
    viewer.is_credited(6).await;
}

#[tokio::test]
async fn output_is_compressed_for_a_viewer_that_can_decompress_and_comes_to_the_same() {
    let script =
        "stty raw -echo; echo ready; read go; seq 1 20000 | cat; echo end; exec sleep 1000";
    let mut plain = Viewer::of_script(script);
    let mut able = Viewer::of_script(script);
    able.send(Frame::Compress).await;
    let mut compressed = false;
    for viewer in [&mut plain, &mut able] {
        viewer.sees("ready").await;
        viewer.type_in(b"go\n").await;
        while !viewer.seen.ends_with(b"end\n") {
            let frame = viewer.next().await.expect("the screen is there");
            compressed |= matches!(frame, Frame::Compressed(_));
        }
    }
    assert!(compressed);
    assert_eq!(plain.seen, able.seen);
}
