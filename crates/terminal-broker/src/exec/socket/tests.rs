use bytes::Bytes;
use screen_wire::{Joined, LastTyped, Presence};
use terminal_proto::v1::OutputPosition;
use tokio::io::DuplexStream;
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::{
    closing::Lost,
    exec::{
        fake::{self, FakePod, exec},
        frames::STDERR_TAIL_BYTES,
    },
};

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

async fn over(exec: &mut Exec<DuplexStream>) -> Over {
    loop {
        if let Err(over) = exec.next().await {
            return over;
        }
    }
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
    let over = over(&mut exec).await;
    assert!(matches!(over, Over::Ended(_)), "{over:?}");
}

#[tokio::test]
async fn of_a_screen_that_spoke_nonsense_the_end_is_still_seen() {
    let (mut exec, mut pod) = exec().await;
    pod.message(1, &[255; 16]).await;
    assert_eq!(exec.next().await, Err(Over::Protocol));
    exec.hang_up();
    pod.success().await;
    assert!(matches!(over(&mut exec).await, Over::Ended(_)));
}

#[tokio::test]
async fn of_stderr_only_the_end_is_kept() {
    let (mut exec, _pod) = exec().await;
    for letter in ["a", "b", "c"] {
        exec.frames.keep_stderr(letter.repeat(STDERR_TAIL_BYTES - 1).as_bytes());
    }
    assert_eq!(exec.stderr(), format!("b{}", "c".repeat(STDERR_TAIL_BYTES - 1)));
}

const JOINED: Joined = Joined { terminal: 7, typed: 5 };

#[tokio::test]
async fn a_screen_that_is_joined_says_so_first_and_then_where_its_output_is() {
    let (mut exec, mut pod) = exec().await;
    pod.say(Frame::Joined(JOINED)).await;
    pod.say(Frame::Position { position: 9, screen_bytes: 1 }).await;
    pod.say(Frame::Output("x".into())).await;
    pod.say(Frame::Joined(JOINED)).await;
    assert_eq!(exec.joined().await, Ok(JOINED));
    let position = OutputPosition { position: 9, screen_bytes: 1 };
    assert_eq!(exec.next().await, Ok(Event::Position(position)));
    assert_eq!(exec.next().await, Ok(Event::Output("x".into())));
    assert_eq!(exec.next().await, Err(Over::Protocol), "it is joined once");
}

#[tokio::test]
async fn who_was_asked_to_join_and_says_something_else_is_no_screen() {
    let (mut exec, mut pod) = exec().await;
    pod.say(Frame::Alive).await;
    assert_eq!(exec.joined().await, Err(Over::Protocol));
}

#[tokio::test]
async fn positions_that_nobody_asked_for_are_no_terminal() {
    let joined = end_of(async |pod| pod.say(Frame::Joined(JOINED)).await).await;
    assert_eq!(joined, Err(Over::Protocol));
    let position = Frame::Position { position: 9, screen_bytes: 1 };
    assert_eq!(end_of(async |pod| pod.say(position).await).await, Err(Over::Protocol));
    let presence = Presence { columns: 80, rows: 24, viewers: 1, typed: LastTyped::Nobody };
    let presence = Frame::Presence(presence);
    assert_eq!(end_of(async |pod| pod.say(presence).await).await, Err(Over::Protocol));
}

#[tokio::test]
async fn a_screen_that_does_not_know_its_arguments_is_told_from_one_that_breaks_off() {
    let unknown = end_of(async |pod| pod.fails(2).await).await;
    assert_eq!(unknown, Err(Over::UnknownArguments));
    let other = end_of(async |pod| pod.fails(1).await).await;
    assert_eq!(other, Err(Over::Ended(Lost::NotStarted)));

    let (mut exec, mut pod) = exec().await;
    pod.say(Frame::Alive).await;
    pod.fails(2).await;
    assert_eq!(exec.next().await, Ok(Event::Alive));
    assert_eq!(exec.next().await, Err(Over::Ended(Lost::Ended)));
}

#[tokio::test]
async fn what_is_heard_first_is_heard_again_by_who_listens_later() {
    let (mut exec, mut pod) = exec().await;
    pod.say(Frame::Output("x".into())).await;
    assert_eq!(exec.heard().await, Ok(()));
    assert_eq!(pod.frame().await, Some(Frame::Ping), "a silent screen says something by that");
    assert_eq!(exec.next().await, Ok(Event::Output("x".into())));
    drop(pod);
    assert_eq!(exec.next().await, Err(Over::Broken));

    let (mut exec, pod) = fake::exec().await;
    drop(pod);
    assert_eq!(exec.heard().await, Ok(()));
    assert_eq!(exec.next().await, Err(Over::Broken));

    let (mut exec, mut pod) = fake::exec().await;
    pod.fails(2).await;
    assert_eq!(exec.heard().await, Err(Over::UnknownArguments));
}
