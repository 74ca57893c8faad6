//! A viewer whose connection breaks, and that goes on where it was on another one.

use std::ops::Range;

use rustix::process::{Signal, kill_process};
use screen_wire::Frame;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::{
    page::{Before, Page, contains},
    shared::parent,
    terminal::Terminal,
    viewer::{fifo, gate, patiently},
};

const STAYS: [&str; 2] = ["--idle-ms", "60000"];

fn lines(numbers: Range<u32>) -> Vec<u8> {
    numbers.flat_map(|number| format!("line {number}\n").into_bytes()).collect()
}

#[tokio::test]
async fn no_byte_is_lost_or_doubled_however_often_the_connection_breaks() {
    const LINES: u32 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("typed");
    let mut typed = fifo(&path);
    let numbers = format!("awk 'BEGIN {{ for (n = 0; n < {LINES}; n++) print \"line \" n }}'");
    let script = format!("stty raw -echo; echo ready; {numbers} & exec cat > {}", path.display());
    // A small window, so that there are many pieces between which the connection may break.
    let terminal = Terminal::shared(&script).with(&STAYS).with(&["--window-bytes", "4096"]);
    let last = format!("line {}\n", LINES - 1);

    let mut page = Page::comes(&terminal, 1).await;
    page.sees("ready\n").await;
    let mut all = vec![];
    for round in 0_u32..30 {
        for piece in 0..5 {
            let text = format!("<{round}.{piece}>").repeat(17);
            page.types(text.as_bytes()).await;
            all.extend_from_slice(text.as_bytes());
            for _ in 0..round % 4 {
                if !page.output.ends_with(last.as_bytes()) {
                    page.hears().await;
                }
            }
        }
        let unsent = format!("<{round}!>");
        page.types_into_the_void(unsent.as_bytes());
        all.extend_from_slice(unsent.as_bytes());
        let before = if round % 3 == 0 { Before::Lingers } else { Before::Gone };
        page.comes_again(before).await;
    }
    while !page.output.ends_with(last.as_bytes()) {
        page.hears().await;
    }
    let shown = page.output.strip_prefix(b"ready\n").unwrap();
    assert!(shown == lines(0..LINES), "{} bytes differ", page.output.len());
    let mut read = vec![0; all.len()];
    patiently(typed.read_exact(&mut read)).await.unwrap();
    assert!(read == all, "{}", String::from_utf8_lossy(&read));
    while !page.kept.is_empty() {
        page.hears().await;
    }
    page.types(b"and no more").await;
    let mut rest = [0; 11];
    patiently(typed.read_exact(&mut rest)).await.unwrap();
    assert_eq!(&rest, b"and no more");
}

#[tokio::test]
async fn what_the_program_had_not_read_when_its_viewer_left_is_typed_when_it_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut go = gate(&dir.path().join("go"));
    let mut typed = fifo(&dir.path().join("typed"));
    let script = format!(
        "stty raw -echo; echo ready; read _ < {0}/go; exec cat > {0}/typed",
        dir.path().display()
    );
    let terminal = Terminal::shared(&script).with(&STAYS);
    let mut page = Page::comes(&terminal, 1).await;
    page.sees("ready").await;
    // Ten times what a terminal holds.
    let text: Vec<u8> =
        (0..4000_u32).flat_map(|number| format!("{number:09} ").into_bytes()).collect();
    page.types(&text).await;
    // It is waited for, and then what is left of it is dropped.
    page.viewer.send(Frame::Leave).await;
    assert!(page.viewer.ended().await.screen.success());
    let joined = page.comes_again(Before::Gone).await;
    assert!(joined.typed < text.len() as u64, "{}", joined.typed);
    go.write_all(b"go\n").await.unwrap();
    let mut read = vec![0; text.len()];
    patiently(typed.read_exact(&mut read)).await.unwrap();
    assert!(read == text);
}

#[tokio::test]
async fn one_that_was_away_for_too_long_is_drawn_the_screen_and_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut done = BufReader::new(fifo(&dir.path().join("done"))).lines();
    let mut go = gate(&dir.path().join("go"));
    let script = format!(
        "stty raw -echo; echo ready; read _ < {0}/go; seq 1 400000; echo done > {0}/done; exec cat",
        dir.path().display()
    );
    let terminal = Terminal::shared(&script).with(&STAYS);
    let mut page = Page::comes(&terminal, 1).await;
    page.sees("ready").await;
    page.viewer.signal(Signal::KILL);
    page.viewer.left().await;
    go.write_all(b"go\n").await.unwrap();
    assert_eq!(patiently(done.next_line()).await.unwrap().as_deref(), Some("done"));
    page.comes_again(Before::Gone).await;
    page.sees("400000").await;
    assert!(!contains(&page.screen, "ready") && page.screen.len() < 20_000);
    page.types(b"and on").await;
    page.sees("and on").await;
}

#[tokio::test]
async fn another_terminal_is_told_from_the_one_before() {
    let script = "stty raw -echo; echo leader=$$; exec cat";
    let terminal = Terminal::shared(script).with(&STAYS);
    let mut page = Page::comes(&terminal, 1).await;
    let leader = page.viewer.sees_pid("leader").await;
    page.types(b"once").await;
    let before = page.join.terminal;
    kill_process(parent(leader), Signal::TERM).unwrap();
    page.viewer.left().await;
    let joined = page.comes_again(Before::Gone).await;
    assert_ne!(joined.terminal, before);
    assert_eq!(joined.typed, 4, "it may have been read by the program before");
    page.types(b"twice").await;
    page.sees("twice").await;
    assert!(!contains(&page.output, "once"));
    let again = page.viewer.sees_pid("leader").await;
    kill_process(parent(again), Signal::TERM).unwrap();
}

#[tokio::test]
async fn an_interrupt_that_was_lost_is_done_when_its_viewer_comes_again_and_never_twice() {
    let script =
        "trap 'echo INT' INT; stty -echo; echo ready; while :; do read -r x; echo \"<$x>\"; done";
    let terminal = Terminal::shared(script).with(&STAYS);
    let mut page = Page::comes(&terminal, 1).await;
    page.sees("ready").await;
    // Pressed, and it never left.
    page.join.interrupts += 1;
    page.comes_again(Before::Gone).await;
    page.sees("INT\r\n").await;
    page.comes_again(Before::Gone).await;
    page.types(b"none\n").await;
    page.sees("<none>").await;
    page.interrupts().await;
    page.types(b"one\n").await;
    page.sees("<one>").await;
    let all = String::from_utf8_lossy(&page.output).into_owned();
    assert_eq!(all.matches("INT").count(), 2, "{all:?}");
}

#[tokio::test]
async fn what_was_dropped_on_the_way_does_not_shift_what_follows() {
    let script = "stty raw -echo; echo ready; exec cat";
    let terminal = Terminal::shared(script).with(&STAYS);
    let mut page = Page::comes(&terminal, 1).await;
    page.sees("ready").await;
    // Five bytes, by one that may only look in that moment.
    page.join.typed_to += 5;
    page.viewer.send(Frame::Typed { position: 5, interrupts: 0 }).await;
    page.types(b"typed").await;
    page.sees("typed").await;
    let joined = page.comes_again(Before::Gone).await;
    assert_eq!(joined.typed, 10);
}

#[tokio::test]
async fn viewers_that_come_again_are_told_from_each_other() {
    let terminal = Terminal::shared("stty raw -echo; echo ready; exec cat").with(&STAYS);
    let mut pages = [Page::comes(&terminal, 1).await, Page::comes(&terminal, 2).await];
    for page in &mut pages {
        page.sees("ready").await;
    }
    pages[0].types(b"from the first").await;
    for page in &mut pages {
        page.sees("from the first").await;
    }
    pages[1].types(b", and the second").await;
    for page in &mut pages {
        page.sees(", and the second").await;
        page.comes_again(Before::Gone).await;
    }
    assert_eq!(pages.each_ref().map(|page| page.join.typed_to), [14, 16]);
    pages[0].types(b"!").await;
    for page in &mut pages {
        page.sees("!").await;
    }
}
