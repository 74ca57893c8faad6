//! What is still passed on when one end has gone. Must not keep the screen for long.

use std::{
    future::pending,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Buf;
use screen_wire::{Frame, MAX_PAYLOAD_BYTES};
use tokio::time::{Instant, interval_at, sleep, timeout};

use super::{
    error::ScreenError,
    pty::Output,
    relay::{End, Program, Relay},
    session::Session,
    viewer::{self, Inlet, Input},
};

/// Output still sent after the program's end. The kernel holds less than this, so only a process
/// left behind that keeps on writing is cut off.
const LAST_OUTPUT_BYTES: usize = 256 * 1024;
/// How long the program may take to read what was typed before the viewer left.
const LAST_INPUT_WAIT: Duration = Duration::from_secs(1);
/// The kernel does not tell when a terminal's input has been read: it is asked this often.
const UNREAD_CHECK: Duration = Duration::from_millis(10);

/// The wait for the viewer to stop reading, which goes on from one wait to the next.
type Gone<'a> = Pin<&'a mut dyn Future<Output = Result<(), ScreenError>>>;

/// What is left of the program's output.
enum Remaining {
    Gathered,
    /// There may be more, and the viewer has not taken what it was sent.
    WithoutCredit,
    Nothing,
}

impl Relay {
    /// The program has ended: sends the rest of its output, then its exit code, if the viewer still
    /// reads.
    pub(crate) async fn drain_output(&mut self, code: i32) -> Result<(), ScreenError> {
        self.program = Program::Ended;
        self.typed.clear();
        let mut gone = pin!(viewer::gone());
        if let Some(_gone) = self.send_remaining(gone.as_mut()).await? {
            return Ok(());
        }
        let mut end = self.load(Some(Frame::Exit { code }))?;
        while end.is_none() && !self.outlet.is_idle() {
            end = self.handle_event(gone.as_mut()).await?;
        }
        Ok(())
    }

    /// Returns when the last frames have left, and there is no output more that the viewer will
    /// take.
    async fn send_remaining(&mut self, mut gone: Gone<'_>) -> Result<Option<End>, ScreenError> {
        let mut budget_bytes = LAST_OUTPUT_BYTES;
        // So long a viewer without credit keeps the exit code from being sent.
        let credit_wait = self.timer.pace().alive;
        let mut patience = pin!(sleep(credit_wait));
        let mut end = None;
        while end.is_none() {
            if self.outlet.is_idle() {
                match self.gather_remaining(&mut budget_bytes)? {
                    Remaining::Gathered => {
                        patience.as_mut().reset(Instant::now() + credit_wait);
                        end = self.load(None)?;
                        continue;
                    }
                    Remaining::WithoutCredit if !patience.is_elapsed() => {}
                    Remaining::WithoutCredit | Remaining::Nothing => break,
                }
            }
            end = tokio::select! {
                biased;
                end = self.handle_event(gone.as_mut()) => end?,
                () = patience.as_mut(), if !patience.is_elapsed() => None,
            };
        }
        Ok(end)
    }

    fn gather_remaining(&mut self, budget_bytes: &mut usize) -> Result<Remaining, ScreenError> {
        let (limit, before) = (self.output_limit(), self.gathered.len());
        self.pty
            .gather_now(&mut self.gathered, limit.min(before + *budget_bytes))
            .map_err(ScreenError::Terminal)?;
        *budget_bytes -= self.gathered.len() - before;
        Ok(match limit {
            _ if !self.gathered.is_empty() => Remaining::Gathered,
            0 if *budget_bytes > 0 => Remaining::WithoutCredit,
            _ => Remaining::Nothing,
        })
    }

    /// Waits for the viewer, or for time, and does what either asks for.
    async fn handle_event(&mut self, gone: Gone<'_>) -> Result<Option<End>, ScreenError> {
        tokio::select! {
            biased;
            read = self.inlet.read() => self.receive(read),
            due = self.timer.due() => self.handle_timer(due),
            sent = self.outlet.write(), if !self.outlet.is_idle() => self.sent(sent),
            gone = gone => gone.map(|()| Some(End::ViewerCut)),
        }
    }

    /// The viewer has left by itself: what it typed is still written, as the program reads it, unless
    /// the viewer is cut meanwhile. What the program says to that is read, lest it wait for it, and
    /// shown to nobody.
    pub(crate) async fn drain_input(&mut self, session: &mut Session) -> Result<(), ScreenError> {
        let mut cut = pin!(cut(&mut self.inlet));
        let read = async {
            let mut check = interval_at(Instant::now() + UNREAD_CHECK, UNREAD_CHECK);
            let mut output = Output::Open;
            loop {
                tokio::select! {
                    biased;
                    () = &mut cut => return Ok(()),
                    _code = session.ended() => return Ok(()),
                    count = self.pty.write(&self.typed), if !self.typed.is_empty() => {
                        self.typed.advance(count?);
                        // What was just written is not at once to be read.
                        check.reset();
                    }
                    _ = check.tick(), if self.typed.is_empty() => {
                        if self.pty.unread_bytes()? == 0 {
                            return Ok(());
                        }
                    }
                    more = self.pty.gather(&mut self.gathered, MAX_PAYLOAD_BYTES),
                        if output == Output::Open =>
                    {
                        output = more?;
                        self.gathered.clear();
                    }
                }
            }
        };
        timeout(LAST_INPUT_WAIT, read).await.unwrap_or(Ok(())).map_err(ScreenError::Terminal)
    }
}

/// Waits for the hang-up of a viewer that has left. One whose stream has ended says nothing more; one
/// that cannot be understood is cut.
async fn cut(inlet: &mut Inlet) {
    loop {
        loop {
            match inlet.next() {
                Ok(Some(Frame::HangUp)) | Err(_) => return,
                Ok(Some(_)) => {}
                Ok(None) => break,
            }
        }
        match inlet.read().await {
            Ok(Input::Open) => {}
            Ok(Input::Ended) => return pending().await,
            Err(_) => return,
        }
    }
}
