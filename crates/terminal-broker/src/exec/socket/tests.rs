use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::exec::fake::{FakePod, exec};

/// What the pod's messages come to, the last of them being the end.
async fn end_of(says: impl AsyncFnOnce(&mut FakePod)) -> Result<Event, Over> {
    let (mut exec, mut pod) = exec().await;
    let says = async {
        says(&mut pod).await;
        drop(pod);
    };
    let ((), event) = tokio::join!(says, exec.next());
    event
}

#[tokio::test]
async fn only_an_exit_frame_says_that_the_program_ended() {
    let ended = end_of(async |pod| pod.say(Frame::Exit { code: 2 }).await).await;
    assert_eq!(ended, Ok(Event::Exited(2)));

    let ended = end_of(async |pod| pod.success().await).await;
    assert_eq!(ended, Err(Over::Ended(Lost::NotStarted)));
}

#[tokio::test]
async fn a_status_after_some_frames_means_that_the_terminal_broke_off() {
    let (mut exec, mut pod) = exec().await;
    pod.say(Frame::Alive).await;
    pod.success().await;
    assert_eq!(exec.next().await, Ok(Event::Alive));
    assert_eq!(exec.next().await, Err(Over::Ended(Lost::Ended)));
}

#[tokio::test]
async fn a_container_that_vanished_is_told_where_the_cluster_tells_it() {
    let gone = br#"{"status":"Failure","message":"container not found (\"opencode-server\")"}"#;
    let ended = end_of(async |pod| pod.message(3, gone).await).await;
    assert_eq!(ended, Err(Over::Ended(Lost::ContainerGone)));
}

#[tokio::test]
async fn a_socket_that_ends_says_nothing_of_the_program() {
    assert_eq!(end_of(async |_| {}).await, Err(Over::Broken));
    let closed = end_of(async |pod| pod.raw(Message::Close(None)).await).await;
    assert_eq!(closed, Err(Over::Broken));
}

#[tokio::test]
async fn what_is_no_terminal_is_noticed() {
    let text = end_of(async |pod| pod.raw(Message::text("hi")).await).await;
    assert_eq!(text, Err(Over::Protocol));
    let empty = end_of(async |pod| pod.raw(Message::Binary(Bytes::new())).await).await;
    assert_eq!(empty, Err(Over::Protocol));
    let endless = end_of(async |pod| pod.message(1, &[255; 16]).await).await;
    assert_eq!(endless, Err(Over::Protocol));
    let input = end_of(async |pod| pod.say(Frame::Input("x".into())).await).await;
    assert_eq!(input, Err(Over::Protocol), "a viewer's word");
}

#[tokio::test]
async fn output_is_passed_on_before_its_frame_is_complete() {
    let (mut exec, mut pod) = exec().await;
    // A frame of 100 bytes of output, of which two have come.
    pod.message(1, &[0, 0, 0, 101, 1, b'h', b'i']).await;
    assert_eq!(exec.next().await, Ok(Event::Output("hi".into())));
}

#[tokio::test]
async fn writing_goes_on_while_nothing_comes_and_reading_while_nothing_can_be_written() {
    let (mut exec, mut pod) = exec().await;
    // More than lies between the two ends, and the pod does not read it.
    for _ in 0..4 {
        exec.outgoing.input(vec![b'x'; 64 * 1024].into());
    }
    pod.say(Frame::Alive).await;
    assert_eq!(exec.next().await, Ok(Event::Alive));
    assert!(!exec.has_said_all());

    let reads = async {
        let mut bytes = 0;
        while bytes < 4 * 64 * 1024 {
            let Some(Frame::Input(piece)) = pod.frame().await else { panic!("no input") };
            bytes += piece.len();
        }
        pod.say(Frame::Alive).await;
    };
    let ((), event) = tokio::join!(reads, exec.next());
    assert_eq!(event, Ok(Event::Alive));
    assert!(exec.has_said_all());
}

#[tokio::test]
async fn a_status_is_read_after_nothing_can_be_written_any_more() {
    let (mut exec, mut pod) = exec().await;
    pod.success().await;
    drop(pod);
    exec.outgoing.ping();
    assert_eq!(exec.next().await, Err(Over::Ended(Lost::NotStarted)));
}

#[tokio::test]
async fn once_it_is_told_to_leave_only_the_screens_end_counts() {
    let (mut exec, mut pod) = exec().await;
    exec.hang_up();
    pod.say(Frame::Output("more".into())).await;
    pod.message(1, &[255; 16]).await;
    pod.success().await;
    let over = exec.over().await;
    assert!(matches!(over, Over::Ended(_)), "{over:?}");
}

#[tokio::test]
async fn of_a_screen_that_spoke_nonsense_the_end_is_still_seen() {
    let (mut exec, mut pod) = exec().await;
    pod.message(1, &[255; 16]).await;
    assert_eq!(exec.next().await, Err(Over::Protocol));
    exec.hang_up();
    pod.success().await;
    assert!(matches!(exec.over().await, Over::Ended(_)));
}

#[tokio::test]
async fn of_stderr_only_the_end_is_kept() {
    let (mut exec, _pod) = exec().await;
    for letter in ["a", "b", "c"] {
        exec.keep_stderr(letter.repeat(STDERR_TAIL_BYTES - 1).as_bytes());
    }
    assert_eq!(exec.stderr(), format!("b{}", "c".repeat(STDERR_TAIL_BYTES - 1)));
}
