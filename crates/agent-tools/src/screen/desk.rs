//! The terminal that all viewers share: what its program writes, what is typed into it, how it looks. It must not know
//! who looks, but for whose keys are whose.

use std::{
    io,
    task::{Context, Poll, ready},
};

use screen_wire::MAX_PAYLOAD_BYTES;
use tokio::time::{Duration, Instant};

use super::{
    answers::CursorAnswer,
    grid::Grid,
    pty::{Output, Pty},
    ring::{RING_BYTES, Ring},
    sequences::Cut,
    size::{Size, Sizes},
    typed::{By, Typed, ViewerId},
};

const CTRL_C: u8 = 0x03;
/// The grid is fed in slices of so much, so that nobody waits for it for long.
const SLICE_BYTES: usize = 16 * 1024;
/// How far it may be behind the output before the program has to wait for it.
const LAG_BYTES_MAX: u64 = 256 * 1024;
/// What draws the screen on a viewer's terminal is no longer: one may not hold the memory of many.
const SCREEN_BYTES_MAX: usize = 512 * 1024;
/// Output still shown after the program's end. The kernel holds less than this, so only a process
/// left behind that keeps on writing is cut off.
const LAST_OUTPUT_BYTES: usize = 256 * 1024;
/// More than Linux holds of a terminal's input that was not read.
const KERNEL_BYTES: u64 = 64 * 1024;
/// A page answers within this, if it does.
const CURSOR_ANSWER_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Desk {
    pty: Pty,
    output: Output,
    ring: Ring,
    grid: Grid,
    /// Up to where in the output.
    fed: u64,
    typed: Typed,
    /// Bytes that the terminal has taken so far.
    written: u64,
    program: Program,
    size: Size,
    sizes: Sizes,
    /// When the program last asked where the cursor is.
    asked_at: Option<Instant>,
    questions: u64,
}

/// Whether there is one to type to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Running,
    Ended,
}

/// The screen as it is now.
pub(crate) struct Picture {
    /// What draws it.
    pub(crate) bytes: Vec<u8>,
    /// Where in the output it goes on.
    pub(crate) position: u64,
}

/// What one viewer has to do with the terminal's input.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typist {
    /// How much the terminal had taken when it took its last byte.
    last_at: Option<u64>,
    /// Questions for the cursor that its page has answered, or never saw.
    answered: u64,
}

impl Desk {
    pub(crate) fn new(pty: Pty, size: Size) -> Self {
        Self {
            pty,
            output: Output::Open,
            ring: Ring::new(RING_BYTES),
            grid: Grid::new(size),
            fed: 0,
            typed: Typed::default(),
            written: 0,
            program: Program::Running,
            size,
            sizes: Sizes::default(),
            asked_at: None,
            questions: 0,
        }
    }

    pub(crate) fn output(&self) -> &Ring {
        &self.ring
    }

    /// Waits for output and takes up to `limit` bytes; nothing comes while the grid is too far behind.
    pub(crate) fn poll_output(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
    ) -> Poll<io::Result<()>> {
        let wanted = self.output == Output::Open && self.program == Program::Running;
        if !wanted || limit == 0 || self.ring.head() - self.fed >= LAG_BYTES_MAX {
            return Poll::Pending;
        }
        let limit = limit.min(MAX_PAYLOAD_BYTES);
        self.output = ready!(self.pty.poll_gather(cx, &mut self.ring, limit))?;
        Poll::Ready(Ok(()))
    }

    /// Shows the grid some more of the output, if there is any; `Ready` says that it did.
    pub(crate) fn feed(&mut self) -> Poll<io::Result<()>> {
        if self.fed == self.ring.head() {
            return Poll::Pending;
        }
        let slice = self.ring.from(self.fed, SLICE_BYTES);
        self.grid.feed(slice);
        self.fed += slice.len() as u64;
        if self.grid.cursor_questions() > self.questions {
            self.questions = self.grid.cursor_questions();
            self.asked_at = Some(Instant::now());
        }
        let answers = self.grid.take_answers();
        Poll::Ready(if answers.is_empty() {
            Ok(())
        } else {
            self.type_in(By::Terminal, &answers).map(drop)
        })
    }

    /// Whether there is more than one would wait for.
    pub(crate) fn is_behind(&self) -> bool {
        self.ring.head() - self.fed >= SLICE_BYTES as u64
    }

    fn feed_all(&mut self) -> io::Result<()> {
        while let Poll::Ready(fed) = self.feed() {
            fed?;
        }
        Ok(())
    }

    /// The screen as it is now, for one that has seen nothing of it.
    pub(crate) fn picture(&mut self, typist: &mut Typist) -> io::Result<Picture> {
        self.feed_all()?;
        typist.answered = self.questions;
        let mut bytes = self.grid.dump(SCREEN_BYTES_MAX);
        let position = match self.grid.cut() {
            Cut::After(count) => self.fed - count,
            Cut::Inside(opener) => {
                bytes.extend_from_slice(opener);
                self.fed
            }
        };
        Ok(Picture { bytes, position })
    }

    /// Whether the page of this viewer still owes the answer to where the cursor is.
    pub(crate) fn cursor_answer(&self, typist: &mut Typist) -> CursorAnswer {
        let late = self.asked_at.is_none_or(|asked| asked.elapsed() > CURSOR_ANSWER_MAX);
        if late || typist.answered >= self.questions {
            typist.answered = self.questions;
            return CursorAnswer::NotAwaited;
        }
        typist.answered += 1;
        CursorAnswer::Awaited
    }

    /// Passes on at once what the terminal takes; the rest waits. Returns how much did not have to.
    pub(crate) fn type_in(&mut self, by: By, typed: &[u8]) -> io::Result<usize> {
        let count = match self.program {
            Program::Ended => return Ok(typed.len()),
            Program::Running if self.typed.is_empty() => self.pty.write_now(typed)?,
            Program::Running => 0,
        };
        self.written += count as u64;
        self.typed.push(by, &typed[count..]);
        Ok(count)
    }

    /// The same of one viewer.
    pub(crate) fn type_by(
        &mut self,
        id: ViewerId,
        typist: &mut Typist,
        typed: &[u8],
    ) -> io::Result<usize> {
        let count = self.type_in(By::Viewer(id), typed)?;
        if count > 0 {
            typist.last_at = Some(self.written);
        }
        Ok(count)
    }

    /// It is that viewer who types.
    pub(crate) fn hand_of(&mut self, id: ViewerId) -> io::Result<()> {
        let change = self.sizes.typed(id);
        self.resize(change)
    }

    /// Waits until the terminal takes some of what waits, and tells whose it was.
    pub(crate) fn poll_typed(
        &mut self,
        cx: &mut Context<'_>,
        of: impl FnMut(By, usize),
    ) -> Poll<io::Result<u64>> {
        if self.typed.is_empty() {
            return Poll::Pending;
        }
        let count = ready!(self.pty.poll_write(cx, self.typed.bytes()))?;
        self.written += count as u64;
        self.typed.advance(count, of);
        Poll::Ready(Ok(self.written))
    }

    /// Ctrl-C instead of all that this viewer typed before it and that has not been read. Returns how much was dropped.
    pub(crate) fn interrupt(&mut self, id: ViewerId, typist: &mut Typist) -> io::Result<usize> {
        let dropped = self.typed.remove(By::Viewer(id));
        if self.program == Program::Running {
            // Where it fails, Ctrl-C waits for its turn as an ordinary key would.
            let _ = self.pty.flush_interruptible_input();
            self.typed.push_front(CTRL_C);
            let written = self.pty.write_now(&self.typed.bytes()[..1])?;
            self.written += written as u64;
            self.typed.advance(written, |_, _| {});
            typist.last_at = Some(self.written);
        }
        Ok(dropped)
    }

    /// How much of what this viewer typed the terminal has not taken.
    pub(crate) fn waiting(&self, id: ViewerId) -> usize {
        self.typed.waiting(By::Viewer(id))
    }

    /// Whether something that this viewer typed may not have been read.
    pub(crate) fn has_unread(&self, id: ViewerId) -> bool {
        self.waiting(id) > 0 || self.pty.unread_bytes().is_ok_and(|unread| unread > 0)
    }

    /// What this viewer typed and the terminal has not taken is dropped. Returns how much that was.
    pub(crate) fn drop_waiting(&mut self, id: ViewerId) -> usize {
        self.typed.remove(By::Viewer(id))
    }

    /// The same of all that the program has not read. What others typed in this moment is dropped with it: the kernel
    /// does not tell whose it is.
    pub(crate) fn drop_unread(&mut self, id: ViewerId, typist: &Typist) {
        self.drop_waiting(id);
        let recent = |last: u64| self.written - last < KERNEL_BYTES;
        if self.program == Program::Running && typist.last_at.is_some_and(recent) {
            // One that fails has no terminal any more.
            let _ = self.pty.flush_input();
        }
    }

    pub(crate) fn tell_size(&mut self, id: ViewerId, size: Size) -> io::Result<()> {
        let change = self.sizes.tell(id, size);
        self.resize(change)
    }

    /// The size that the terminal has, and who of those who are there typed last.
    pub(crate) fn shared(&self) -> (Size, Option<ViewerId>) {
        (self.size, self.sizes.typist())
    }

    pub(crate) fn left(&mut self, id: ViewerId) -> io::Result<()> {
        let change = self.sizes.left(id);
        self.resize(change)
    }

    fn resize(&mut self, change: Option<Size>) -> io::Result<()> {
        let Some(size) = change else { return Ok(()) };
        // What was written for the size before is drawn at that.
        self.feed_all()?;
        self.size = size;
        self.grid.resize(size);
        if self.program == Program::Running { self.pty.resize(size) } else { Ok(()) }
    }

    /// The program has ended: takes what is left of its output, and nothing more.
    pub(crate) fn end(&mut self) {
        self.program = Program::Ended;
        self.typed = Typed::default();
        // An error says that there is nothing left.
        let _ = self.pty.gather_now(&mut self.ring, LAST_OUTPUT_BYTES);
    }
}

impl Typist {
    /// The terminal has taken some of what waited, and so much in all.
    pub(crate) fn taken(&mut self, written: u64) {
        self.last_at = Some(written);
    }
}
