//! Many viewers by one stream: what each of them is shown.

use screen_wire::Frame;

use crate::{
    terminal::Terminal,
    trunk::{Trunk, WINDOW_BYTES},
};

/// Long enough for all of a test, also until one who waits for others gives them up: that takes a twentieth of the time
/// between two signs of life.
const STAYS: [&str; 6] = ["--idle-ms", "60000", "--alive-ms", "200000", "--silence-ms", "600000"];

pub(crate) fn terminal(script: &str) -> Terminal {
    Terminal::shared(&format!("stty raw -echo; {script}")).with(&STAYS)
}

/// A terminal that says `ready` and, once something is typed, counts; and all that it writes.
fn counting(last: u32) -> (Terminal, Vec<u8>) {
    let terminal =
        terminal(&format!("printf ready; read -r _; seq 1 {last}; printf end; exec cat"));
    let numbers: Vec<_> = (1..=last).map(|number| number.to_string()).collect();
    (terminal, format!("ready{}\nend", numbers.join("\n")).into_bytes())
}

#[tokio::test]
async fn viewers_of_a_trunk_see_one_output_that_comes_once() {
    let mut trunk = Trunk::to(&terminal("printf ready; exec cat"));
    for number in [1, 2, 3] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
        trunk.sees(1, "ready").await;
    }
    let before = trunk.common;
    trunk.types(2, b"from the second").await;
    for number in [1, 2, 3] {
        trunk.sees(number, "from the second").await;
    }
    trunk.types(3, b", from the third").await;
    for number in [1, 2, 3] {
        trunk.sees(number, ", from the third").await;
    }
    assert_eq!(trunk.common - before, "from the second, from the third".len());
}

#[tokio::test]
async fn who_comes_while_output_pours_gets_the_screen_and_then_all_of_it() {
    let (terminal, written) = counting(400_000);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.sees(1, "ready").await;
    trunk.types(1, b"\n").await;
    trunk.sees(1, "1000").await;
    trunk.says(0, Frame::Compress).await;
    for number in 2..12 {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    for number in 1..12 {
        trunk.sees(number, "end").await;
        trunk.guest(number).saw(&written);
    }
    assert_eq!((trunk.guest(1).screens, trunk.jumps), (0, 0), "nobody else notices");
}

#[tokio::test]
async fn one_who_takes_nothing_is_redrawn_and_nobody_else_notices() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal);
    for number in [1, 2] {
        trunk.enters(number).await;
        trunk.until(number, |guest| guest.follows).await;
    }
    trunk.sees(1, "ready").await;
    trunk.stalls(2);
    trunk.types(1, b"\n").await;
    trunk.until(2, |guest| guest.owed >= WINDOW_BYTES).await;
    trunk.is_redrawn(2).await;
    let owed = trunk.guest(2).owed;
    trunk.sees(1, "150000").await;
    assert_eq!(trunk.guest(2).owed, owed, "there is no room for more");
    trunk.takes(2).await;
    trunk.until(2, |guest| guest.follows && guest.screens == 1).await;
    for number in [1, 2] {
        trunk.sees(number, "end").await;
        trunk.guest(number).saw(&written);
    }
    assert_eq!((trunk.guest(1).screens, trunk.jumps), (0, 0));
}

#[tokio::test]
async fn those_who_take_nothing_do_not_keep_out_who_comes() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal.with(&["--alive-ms", "1000"]));
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls_at_a_full_window(1).await;
    trunk.enters(2).await;
    trunk.until(2, |guest| guest.follows).await;
    assert_eq!(trunk.jumps, 1, "it was not waited for");
    trunk.sees(2, "end").await;
    trunk.guest(2).saw(&written);

    trunk.is_redrawn(1).await;
    trunk.takes(1).await;
    trunk.until(1, |guest| guest.follows).await;
    trunk.types(2, b"both").await;
    trunk.sees(1, "both").await;
    trunk.guest(1).saw(&[&written[..], b"both"].concat());
    assert_eq!(trunk.jumps, 1);
}

#[tokio::test]
async fn one_who_follows_alone_and_is_redrawn_has_a_whole_window_again() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls_at_a_full_window(1).await;
    trunk.is_redrawn(1).await;
    trunk.takes(1).await;
    trunk.until(1, |guest| guest.follows && guest.screens == 1).await;
    trunk.sees(1, "end").await;
    trunk.guest(1).saw(&written);
}

#[tokio::test]
async fn those_of_a_trunk_and_those_who_come_alone_look_at_one_terminal() {
    let (terminal, written) = counting(100_000);
    let mut alone = terminal.viewer();
    alone.sees("ready").await;
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    alone.type_in(b"\n").await;
    let ((), ()) = tokio::join!(alone.sees("end"), trunk.sees(1, "end"));
    trunk.guest(1).saw(&written);
    let mut later = terminal.viewer();
    later.sees("end").await;
    trunk.enters(2).await;
    trunk.until(2, |guest| guest.follows && guest.has_seen("end")).await;
    trunk.types(2, b"by the trunk,").await;
    later.sees("by the trunk,").await;
    later.type_in(b"and alone").await;
    for number in [1, 2] {
        trunk.sees(number, "by the trunk,and alone").await;
    }
    alone.sees("by the trunk,and alone").await;
}

#[tokio::test]
async fn those_who_are_slower_than_one_who_comes_alone_are_redrawn() {
    let (terminal, written) = counting(300_000);
    let mut trunk = Trunk::to(&terminal);
    trunk.enters(1).await;
    trunk.until(1, |guest| guest.follows && guest.has_seen("ready")).await;
    trunk.stalls(1);
    let mut alone = terminal.viewer();
    alone.sees("ready").await;
    alone.type_in(b"\n").await;
    let jumps = async {
        while trunk.jumps == 0 {
            trunk.hears().await;
        }
    };
    let ((), ()) = tokio::join!(alone.sees("end"), jumps);
    trunk.is_redrawn(1).await;
    trunk.takes(1).await;
    trunk.until(1, |guest| guest.follows).await;
    alone.type_in(b"both").await;
    trunk.sees(1, "both").await;
    trunk.guest(1).saw(&[&written[..], b"both"].concat());
}
