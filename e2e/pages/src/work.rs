//! Many pages at work: each types and reads, and comes again when its connection breaks, until all are told to stop.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    keys::Keys,
    page::{Door, Heard, Page},
};

/// What a page types at once, in bytes.
const TYPED_AT_ONCE: usize = 7;
/// The pages of one terminal, or of several.
pub struct Work {
    types_every: Duration,
    pages: JoinSet<Result<Report>>,
    seen: Vec<watch::Receiver<Seen>>,
    stop: CancellationToken,
}

/// How far a page is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    messages: u64,
    typed: u64,
    redrawn: usize,
    resumptions: usize,
}

/// What one page saw.
#[derive(Clone, Debug)]
pub struct Report {
    /// Among all, in the order in which they were opened.
    pub number: usize,
    pub terminal: usize,
    pub keys: Keys,
    /// Bytes.
    pub typed: u64,
    /// How often it was drawn the screen anew, which is output that it missed.
    pub redrawn: usize,
    /// Each from the moment in which it noticed a break to the next output.
    pub resumptions: Vec<Duration>,
    /// The last line that it heard.
    pub line: u64,
}

impl Work {
    /// Each types so often.
    pub fn new(types_every: Duration) -> Self {
        let (pages, seen, stop) = (JoinSet::new(), vec![], CancellationToken::new());
        Self { types_every, pages, seen, stop }
    }

    /// Opens `pages` pages of the terminal behind `door`, one after the other, each once the one before hears output.
    pub async fn open(&mut self, terminal: usize, door: &Door, pages: u8) -> Result<()> {
        for page in 0..pages {
            let keys = Keys::of(page, pages)?;
            let (seen, receiver) = watch::channel(Seen::default());
            let stop = self.stop.clone();
            let begins = Page::opens(door, u64::from(page));
            let page = begins.await.with_context(|| format!("page {page}"))?;
            let number = self.seen.len();
            let (its, broke) = (door.clone(), None);
            let at_work = AtWork { number, page, keys, terminal, door: its, seen, broke };
            self.pages.spawn(at_work.goes_on(self.types_every, stop));
            self.seen.push(receiver);
            self.until(door.patience, "output", |seen| seen.messages > 0).await?;
        }
        Ok(())
    }

    /// How many resumptions each has behind it.
    pub fn resumptions(&self) -> Vec<usize> {
        self.seen.iter().map(|seen| seen.borrow().resumptions).collect()
    }

    /// How often any of them was drawn the screen anew.
    pub fn redrawn(&self) -> usize {
        self.seen.iter().map(|seen| seen.borrow().redrawn).sum()
    }

    /// Waits until each of them has come again so often in all.
    pub async fn resumed(&mut self, times: usize, within: Duration) -> Result<()> {
        self.until(within, "resumption", |seen| seen.resumptions >= times).await
    }

    /// Waits until each of them hears output that comes now, and has typed so many bytes more.
    pub async fn go_on(&mut self, bytes: u64, within: Duration) -> Result<()> {
        let before: Vec<Seen> = self.seen.iter().map(|seen| *seen.borrow()).collect();
        let deadline = Instant::now() + within;
        for (seen, before) in self.seen.iter_mut().zip(before) {
            let wanted =
                |seen: &Seen| seen.messages > before.messages && seen.typed >= before.typed + bytes;
            let went = timeout_at(deadline, seen.wait_for(wanted)).await;
            if !matches!(went, Ok(Ok(_))) {
                return Err(failure(&mut self.pages, "output, or cannot type", within));
            }
        }
        Ok(())
    }

    async fn until(
        &mut self,
        within: Duration,
        what: &str,
        holds: impl Fn(&Seen) -> bool,
    ) -> Result<()> {
        let all = async {
            for seen in &mut self.seen {
                if seen.wait_for(&holds).await.is_err() {
                    return false;
                }
            }
            true
        };
        if timeout(within, all).await == Ok(true) {
            return Ok(());
        }
        Err(failure(&mut self.pages, what, within))
    }

    /// Has all stop typing, waits until each knows that all of it was taken, and lets them go.
    pub async fn end(mut self, within: Duration) -> Result<Vec<Report>> {
        self.stop.cancel();
        let mut reports = vec![];
        let ended = async {
            while let Some(report) = self.pages.join_next().await {
                reports.push(report??);
            }
            anyhow::Ok(())
        };
        timeout(within, ended).await.context("what was typed is not all taken")??;
        ensure!(!reports.is_empty(), "there was no page");
        reports.sort_by_key(|report: &Report| report.number);
        Ok(reports)
    }
}

/// Why the pages do not go on: the error of one that has ended, if one has.
fn failure(pages: &mut JoinSet<Result<Report>>, what: &str, within: Duration) -> anyhow::Error {
    match pages.try_join_next() {
        Some(Ok(Err(error))) => error,
        Some(ended) => anyhow::anyhow!("a page ended: {ended:?}"),
        None => anyhow::anyhow!("a page has no {what} after {within:?}"),
    }
}

/// One of them.
struct AtWork {
    number: usize,
    page: Page,
    keys: Keys,
    terminal: usize,
    door: Door,
    seen: watch::Sender<Seen>,
    /// Since when it has no output, if its connection broke.
    broke: Option<Instant>,
}

impl AtWork {
    async fn goes_on(mut self, types_every: Duration, stop: CancellationToken) -> Result<Report> {
        let mut ticks = interval(types_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut resumptions, mut drawn_at_first) = (vec![], None);
        while !(stop.is_cancelled() && self.page.is_credited()) {
            let message = tokio::select! {
                biased;
                message = self.page.next() => message,
                _ = ticks.tick(), if !stop.is_cancelled() => {
                    let keys = self.keys.from(self.page.typed(), TYPED_AT_ONCE);
                    self.page.types(&keys).await;
                    let typed = self.page.typed();
                    self.seen.send_modify(|seen| seen.typed = typed);
                    continue;
                }
            };
            match self.page.takes(message).await? {
                Heard::Word => {}
                Heard::Output => {
                    // Who came after the first output was drawn what it is too late for.
                    let redrawn =
                        self.page.screens - *drawn_at_first.get_or_insert(self.page.screens);
                    resumptions.extend(self.broke.take().map(|broke| broke.elapsed()));
                    let resumptions = resumptions.len();
                    self.seen.send_modify(|seen| {
                        (seen.messages, seen.redrawn) = (seen.messages + 1, redrawn);
                        seen.resumptions = resumptions;
                    });
                }
                Heard::Broken(_) => {
                    self.broke.get_or_insert_with(Instant::now);
                    self.page.comes_again(&self.door).await?;
                }
            }
        }
        Ok(Report {
            number: self.number,
            terminal: self.terminal,
            keys: self.keys,
            typed: self.page.typed(),
            redrawn: self.page.screens - drawn_at_first.unwrap_or_default(),
            resumptions,
            line: self.page.lines.last().context("no line was whole")?,
        })
    }
}
