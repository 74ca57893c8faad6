//! Any process between a page and the pod dies, and the page goes on where it was.

use std::{cell::Cell, time::Duration};

use futures::future::join_all;
use screen_wire::PING_INTERVAL;
use tokio::time::{Instant, timeout};

use crate::{
    page::Page,
    program::Program,
    system::{PATIENCE, TestSystem},
};

const ROUNDS: usize = 30;
/// As many as can be told from each other by what they type: each has sixteen characters of its own.
const PAGES: u8 = 6;
const KEYS: u8 = 16;
const FIRST_KEY: u8 = b' ';
/// From the death of a process to the next byte on the page.
const AGAIN: Duration = Duration::from_secs(3);
/// Typed by each page in a round.
const ROUND_BYTES: usize = 200;

/// What page number `page` types, from a position on.
fn keys(page: u8, from: u64, count: usize) -> Vec<u8> {
    let key = |position: u64| FIRST_KEY + page * KEYS + u8::try_from(position % 16).unwrap();
    (from..).take(count).map(key).collect()
}

/// The lines of what it was shown are numbered without a gap; the first may be cut off.
fn is_whole(output: &[u8]) -> Result<u64, String> {
    let text = String::from_utf8_lossy(output);
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("line "));
    let complete = text.lines().count().saturating_sub(2);
    let mut expected = None;
    for line in lines.by_ref().take(complete) {
        let number: u64 = line.parse().map_err(|_| format!("after {expected:?}: {line:?}"))?;
        if expected.is_some_and(|expected| expected != number) {
            return Err(format!("{number} in place of {expected:?}"));
        }
        expected = Some(number + 1);
    }
    expected.ok_or_else(|| "no line at all".to_owned())
}

struct Typing {
    page: Page,
    number: u8,
    typed: u64,
}

impl Typing {
    /// Types its part of a round, and reads meanwhile, until it has or its connection is broken.
    async fn goes_on(&mut self) -> Result<(), String> {
        let end = self.typed + ROUND_BYTES as u64;
        while self.typed < end {
            let rest = usize::try_from(end - self.typed).unwrap();
            let typed = self.page.types(&keys(self.number, self.typed, rest.min(7))).await;
            self.typed += typed as u64;
            self.page.hears().await?;
        }
        Ok(())
    }

    /// Hears what comes until each of them knows that all that it typed was taken: of so many the number is `unsettled`.
    /// Who stopped before the others would fall behind, and be drawn the screen.
    async fn settles(&mut self, unsettled: &Cell<u8>) {
        let mut counts = true;
        while unsettled.get() > 0 {
            if counts && self.page.is_credited() {
                unsettled.set(unsettled.get() - 1);
                counts = false;
            }
            self.page.hears().await.expect("it stays");
        }
    }

    /// Until its connection is seen to be broken, and then again; how long until the next byte came.
    async fn survives(&mut self, system: &TestSystem, broke: Instant) -> Duration {
        while self.page.hears().await.is_ok() {}
        self.page.comes_again(system).await;
        self.page.hears_output().await;
        broke.elapsed()
    }
}

#[tokio::test]
async fn no_byte_is_lost_whichever_process_dies() {
    let mut system = TestSystem::start_shared(Program::numbers()).await;
    let mut typing = Vec::new();
    for number in 0..PAGES {
        let mut page = Page::opens(&system, number).await;
        page.hears_output().await;
        typing.push(Typing { page, number, typed: 0 });
    }
    // Whoever came after the first output.
    let drawn =
        |typing: &[Typing]| -> Vec<usize> { typing.iter().map(|it| it.page.screens).collect() };
    let drawn_at_first = drawn(&typing);
    let mut took = Vec::new();
    for round in 0..ROUNDS {
        for went in join_all(typing.iter_mut().map(Typing::goes_on)).await {
            went.expect("nothing breaks by itself");
        }
        let broke = Instant::now();
        match round % 3 {
            0 => {
                system.gateway.kill().await;
                system.start_gateway().await;
            }
            1 => {
                system.broker.kill().await;
                system.start_broker().await;
            }
            _ => system.api.break_execs(),
        }
        took.extend(join_all(typing.iter_mut().map(|it| it.survives(&system, broke))).await);
    }
    took.sort_unstable();
    let slowest = took[took.len() - 1];
    eprintln!("{} resumptions: median {:?}, slowest {slowest:?}", took.len(), took[took.len() / 2]);
    assert!(slowest <= AGAIN, "{slowest:?}");

    let unsettled = Cell::new(PAGES);
    let all_settle = join_all(typing.iter_mut().map(|it| it.settles(&unsettled)));
    // A little credit waits for the terminal's next sign of life.
    timeout(PING_INTERVAL + PATIENCE, all_settle).await.expect("all is taken");
    let total: u64 = typing.iter().map(|it| it.typed).sum();
    // Its terminal has taken all; the program writes it down in a moment, and goes on showing lines meanwhile.
    let all_is_read = async {
        while (system.program.typed().len() as u64) < total {
            typing[0].page.hears().await.expect("it stays");
        }
    };
    timeout(PATIENCE, all_is_read).await.expect("all is read");
    let typed = system.program.typed();
    for it in &typing {
        let mine = |key: &u8| (key - FIRST_KEY) / KEYS == it.number;
        let read: Vec<u8> = typed.iter().copied().filter(mine).collect();
        let expected = keys(it.number, 0, usize::try_from(it.typed).unwrap());
        assert!(read == expected, "page {}: {} of {}", it.number, read.len(), expected.len());
        let lines = is_whole(&it.page.output).unwrap();
        eprintln!("page {}: {} bytes typed, lines up to {lines}", it.number, it.typed);
    }
    assert_eq!(drawn(&typing), drawn_at_first, "a screen drawn anew is output that was missed");
}
