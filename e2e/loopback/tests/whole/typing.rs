//! A guest at work: what is typed arrives, what the program shows comes back, Ctrl-C waits for nobody.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::{
    guest::Guest,
    program::Program,
    system::{PATIENCE, TestSystem},
};

const PASTE_BYTES: usize = 8 * 1024 * 1024;
/// A prime period, so that a piece that is lost, doubled or swapped shows. No byte means anything to a PTY.
const PERIOD: usize = 8191;
/// Ctrl-C reaches the program, and its answer the guest, within this on two busy cores.
const AT_ONCE: Duration = Duration::from_millis(200);

fn paste() -> Vec<u8> {
    (0..PASTE_BYTES).map(|index| b'!' + u8::try_from(index % PERIOD % 94).unwrap()).collect()
}

#[tokio::test]
async fn a_key_comes_back() {
    let system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    guest.types(b"x").await;
    guest.sees(b"x").await;
}

#[tokio::test]
async fn eight_mebibytes_pasted_into_a_program_that_echoes_come_back_whole() {
    let system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let paste = paste();

    guest.types(&paste).await;
    let echo = guest.output(paste.len()).await;

    let differs = echo.iter().zip(&paste).position(|(echoed, typed)| echoed != typed);
    assert_eq!(differs, None, "the first byte that is another one");
}

#[tokio::test]
async fn ctrl_c_overtakes_a_paste_into_a_program_that_does_not_read() {
    let system = TestSystem::start_alone(Program::never_reads()).await;
    let mut guest = Guest::arrives(&system).await;
    // All that may be sent, so that whatever holds it is full.
    while guest.credit == 0 {
        guest.hears().await.unwrap();
    }
    let paste = vec![b'x'; guest.credit];
    guest.types(&paste).await;

    let pressed = Instant::now();
    guest.interrupts().await;
    guest.sees(b"INTERRUPTED").await;

    assert!(pressed.elapsed() <= AT_ONCE, "{:?}", pressed.elapsed());
    // What was dropped may be sent anew.
    let regained = async {
        while guest.credit < paste.len() {
            guest.hears().await.unwrap();
        }
    };
    timeout(PATIENCE, regained).await.expect("the credit comes back");
}

#[tokio::test]
async fn ctrl_c_ends_a_flood_at_once_though_its_viewer_never_read() {
    let system = TestSystem::start_alone(Program::pours()).await;
    let mut guest = Guest::arrives(&system).await;

    // Nothing is read or acknowledged any more: the flood fills all that it may. Then the key.
    let pressed = Instant::now();
    guest.types(b"\x03").await;
    guest.sees(b"INTERRUPTED").await;
    assert!(pressed.elapsed() <= AT_ONCE, "{:?}", pressed.elapsed());

    guest.types(b"and on").await;
    guest.sees(b"and on").await;
}

#[tokio::test]
async fn what_was_typed_just_before_a_clean_close_still_arrives() {
    let mut system = TestSystem::start(Program::records()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    guest.types(b"last words").await;
    guest.socket.close(None).await.unwrap();

    exec.ended(PATIENCE).await;
    assert_eq!(system.program.typed(), b"last words");
}
