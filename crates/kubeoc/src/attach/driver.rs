//! Carries what is typed to the screen and what that draws to the user's terminal, over one connection after the other. What
//! of it is sent when is the [`Session`]'s to say.

use std::{future::Future, pin::pin, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use screen_wire::{PING_INTERVAL, SILENCE_MAX};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until, timeout};

use super::{
    exec::{Exec, Lost},
    keys::{Keys, Leaves},
    local::{self, Event, Keyboard, Local},
    opening::{Terminal, Unopened},
    session::{Access, Said, Session},
};

/// How long a broken connection is tried again: the pod remembers no longer what was typed.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);
/// Pauses between attempts; with their jitter up to twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A connection that lived this long proves that the other side works.
const STABLE: Duration = Duration::from_secs(10);
/// How long the last output may take to be seen.
const LAST_OUTPUT: Duration = Duration::from_secs(2);

/// How it ended, as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Detached,
    /// The program has, with this code.
    Exited(i32),
}

pub(super) struct Driver<'a> {
    terminal: &'a Terminal<'a>,
    session: Session,
    keys: Keys,
    local: Local,
}

/// How one connection ended.
enum Outcome {
    Over(anyhow::Result<End>),
    Lost(Lost),
}

/// A time without a stable connection.
struct Break {
    until: Instant,
    pauses: Box<dyn Iterator<Item = Duration>>,
}

impl Break {
    fn begin() -> Self {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(LONGEST_PAUSE)
            .without_max_times()
            .with_jitter()
            .build();
        Self { until: Instant::now() + GIVE_UP_AFTER, pauses: Box::new(pauses) }
    }
}

impl<'a> Driver<'a> {
    pub(super) fn new(
        terminal: &'a Terminal<'a>,
        session: Session,
        access: Access,
        local: Local,
    ) -> Self {
        let leaves = match access {
            Access::Interact => Leaves::Detach,
            Access::View => Leaves::DetachOrInterrupt,
        };
        Self { terminal, session, keys: Keys::new(leaves), local }
    }

    /// Until it is left, or over.
    pub(super) async fn run(mut self, mut exec: Exec) -> anyhow::Result<End> {
        let mut unstable = None;
        let end = loop {
            let began = Instant::now();
            let lost = match Box::pin(self.carry(exec)).await {
                Outcome::Over(end) => break end,
                Outcome::Lost(lost) => lost,
            };
            self.session.close();
            if began.elapsed() >= STABLE {
                unstable = None;
            }
            let unstable = unstable.get_or_insert_with(Break::begin);
            match Box::pin(self.open_again(lost, unstable)).await {
                Ok(Ok(again)) => exec = again,
                Ok(Err(end)) => break Ok(end),
                Err(error) => break Err(error),
            }
        };
        let _ = timeout(LAST_OUTPUT, self.show_the_rest()).await;
        end
    }

    /// Over this connection, as long as there is one.
    async fn carry(&mut self, mut exec: Exec) -> Outcome {
        let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        // It may have changed since the command was made.
        self.session.resize(local::size());
        loop {
            while exec.is_flushed()
                && let Some(frame) = self.session.next()
            {
                if let Err(lost) = exec.say(frame) {
                    return Outcome::Lost(lost);
                }
            }
            let keyboard = self.keyboard();
            tokio::select! {
                biased;
                event = self.local.next(self.session.output(), keyboard) => match self.take(event) {
                    Ok(None) => {}
                    Ok(Some(end)) => {
                        self.leave(exec).await;
                        return Outcome::Over(Ok(end));
                    }
                    Err(error) => {
                        self.leave(exec).await;
                        return Outcome::Over(Err(error));
                    }
                },
                frame = exec.next(), if self.session.takes_output() => match frame {
                    Ok(Some(frame)) => {
                        heard = Instant::now();
                        match self.session.receive(frame) {
                            Ok(Said::Something) => {}
                            Ok(Said::Exit(code)) => return Outcome::Over(Ok(End::Exited(code))),
                            Err(violation) => return Outcome::Over(Err(violation.into())),
                        }
                    }
                    Ok(None) => {}
                    Err(lost) => return Outcome::Lost(lost),
                },
                _ = pings.tick() => self.session.ping(),
                () = sleep_until(heard + SILENCE_MAX) => return Outcome::Lost(Lost::Silent),
            }
        }
    }

    /// Another connection, or how it ended before there was one.
    async fn open_again(
        &mut self,
        lost: Lost,
        unstable: &mut Break,
    ) -> anyhow::Result<Result<Exec, End>> {
        let terminal = self.terminal;
        let mut cause = anyhow::Error::from(lost);
        loop {
            let pause = unstable.pauses.next().unwrap_or(LONGEST_PAUSE);
            if Instant::now() + pause >= unstable.until {
                let after = humantime::format_duration(GIVE_UP_AFTER);
                return Err(
                    cause.context(format!("the connection was lost, and not back after {after}"))
                );
            }
            if let Err(end) = self.meanwhile(sleep(pause)).await? {
                return Ok(Err(end));
            }
            let opened = terminal.open(self.session.join(), local::size());
            match self.meanwhile(opened).await? {
                Err(end) => return Ok(Err(end)),
                Ok(Ok((exec, joined))) => {
                    self.session.open(joined);
                    return Ok(Ok(exec));
                }
                Ok(Err(Unopened::Lasting(error))) => return Err(error),
                Ok(Err(Unopened::Passing(error))) => cause = error,
            }
        }
    }

    /// `work`, while the user's terminal is looked after; or how it was left before that was done.
    async fn meanwhile<T>(
        &mut self,
        work: impl Future<Output = T>,
    ) -> anyhow::Result<Result<T, End>> {
        let mut work = pin!(work);
        loop {
            let keyboard = self.keyboard();
            tokio::select! {
                biased;
                event = self.local.next(self.session.output(), keyboard) => {
                    if let Some(end) = self.take(event)? {
                        return Ok(Err(end));
                    }
                }
                done = &mut work => return Ok(Ok(done)),
            }
        }
    }

    fn keyboard(&self) -> Keyboard {
        if self.session.takes_input() { Keyboard::Read } else { Keyboard::Waits }
    }

    /// What happened at the user's terminal, which may end all of it.
    fn take(&mut self, event: Event) -> anyhow::Result<Option<End>> {
        match event {
            Event::Keys(typed) => match self.keys.before_leaving(&typed) {
                None => self.session.type_in(&typed),
                Some(before) => {
                    self.session.type_in(before);
                    return Ok(Some(End::Detached));
                }
            },
            Event::Resized(size) => self.session.resize(size),
            Event::Written(bytes) => self.session.written(bytes),
            Event::Told(signal) => anyhow::bail!("ended by {signal}"),
            Event::Gone => anyhow::bail!("this terminal has gone"),
        }
        Ok(None)
    }

    /// Tells the screen what was typed, and that nothing more comes.
    async fn leave(&mut self, mut exec: Exec) {
        while let Some(frame) = self.session.next() {
            if exec.say(frame).is_err() {
                return;
            }
        }
        exec.leave().await;
    }

    async fn show_the_rest(&mut self) {
        while !self.session.output().is_empty() {
            match self.local.next(self.session.output(), Keyboard::Waits).await {
                Event::Written(bytes) => self.session.written(bytes),
                Event::Keys(_) | Event::Resized(_) => {}
                Event::Told(_) | Event::Gone => return,
            }
        }
        self.local.flush().await;
    }
}
