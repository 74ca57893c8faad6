//! What goes from one viewer to the broker: control first, then input, both bounded. An
//! acknowledgement must never wait behind a paste that the program does not read: it would hold
//! back the output that the program waits to write. It enforces no window: its caller does.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use futures::{Stream, task::AtomicWaker};
use terminal_proto::v1::{
    AttachRequest, HangUp, Join, Open, Resumed, Size, attach_request::Request,
};

use super::typing::Typing;

/// The order in which a viewer's requests leave. Sizes and acknowledgements that wait are joined,
/// and so is input: their number does not matter.
#[derive(Default)]
struct Queue {
    /// With the newest size.
    open: Open,
    /// Counts the attempts to open the terminal: only the last one's requests are real.
    attempt: u64,
    phase: Phase,
    /// The last attempt was not told the newest size.
    resized: bool,
    /// Output bytes drawn since the last `ack` that left.
    acked: u64,
    typing: Typing,
    /// The viewer was cut: nothing else is said any more.
    hung_up: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    /// Input waits: an attempt that fails must not have taken any.
    #[default]
    Opening,
    Opened,
    /// What is there still leaves.
    Ended,
}

impl Queue {
    fn pop(&mut self) -> Option<Request> {
        if std::mem::take(&mut self.hung_up) {
            return Some(Request::HangUp(HangUp {}));
        }
        if self.acked > 0 {
            return Some(Request::Ack(std::mem::take(&mut self.acked)));
        }
        if std::mem::take(&mut self.resized) {
            return self.open.size.map(Request::Resize);
        }
        if self.phase == Phase::Opening {
            return None;
        }
        self.typing.pop()
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the gRPC stream: there is something to send.
    filled: AtomicWaker,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push<R>(&self, change: impl FnOnce(&mut Queue) -> R) -> R {
        let result = change(&mut self.queue());
        self.filled.wake();
        result
    }
}

/// The viewer's end. When it is dropped the gRPC stream ends, after what was typed before.
pub(super) struct Upstream(Arc<Shared>);

/// Makes the request stream of one `Attach` after the other.
pub(super) struct Attempts(Arc<Shared>);

/// The broker's end: the request stream of one `Attach`.
pub(super) struct Requests {
    shared: Arc<Shared>,
    attempt: u64,
    begun: bool,
}

impl Upstream {
    /// A queue whose every attempt starts with `open`.
    pub(super) fn new(open: Open) -> Self {
        let shared = Shared::default();
        shared.queue().open = open;
        Self(Arc::new(shared))
    }

    pub(super) fn attempts(&self) -> Attempts {
        Attempts(Arc::clone(&self.0))
    }

    /// Every attempt says where the viewer is, who comes perhaps again.
    pub(super) fn join(&self, join: Join) {
        self.0.push(|queue| {
            queue.typing.join(join.interrupts);
            queue.open.join = Some(join);
        });
    }

    /// The terminal of the last attempt is open: input may leave. Returns how it is resumed, where
    /// its viewer can do so.
    pub(super) fn opened(&self, resumed: Option<Resumed>) -> Option<Resumed> {
        self.0.push(|queue| {
            let resumed = resumed.filter(|_| queue.open.join.is_some());
            queue.phase = Phase::Opened;
            queue.typing.opened(resumed.map(|resumed| resumed.typed));
            resumed
        })
    }

    pub(super) fn ack(&self, bytes: u64) {
        self.0.push(|queue| queue.acked = queue.acked.saturating_add(bytes));
    }

    pub(super) fn resize(&self, size: Size) {
        self.0.push(|queue| {
            queue.open.size = Some(size);
            queue.resized = true;
        });
    }

    pub(super) fn input(&self, input: &[u8]) {
        self.0.push(|queue| queue.typing.input(input));
    }

    /// So many bytes were typed that go no further.
    pub(super) fn skip(&self, bytes: u64) {
        self.0.push(|queue| queue.typing.skip(bytes));
    }

    /// Ctrl-C. Drops the input that has not left, and returns how many bytes that was.
    pub(super) fn interrupt(&self) -> u64 {
        self.0.push(|queue| queue.typing.interrupt())
    }

    /// The viewer was cut: ends the stream, and nothing that has not left does.
    pub(super) fn hang_up(self) {
        self.0.push(|queue| {
            let (open, attempt, phase) = (queue.open.clone(), queue.attempt, queue.phase);
            let hung_up = phase == Phase::Opened;
            *queue = Queue { open, attempt, phase, hung_up, ..Queue::default() };
        });
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.0.push(|queue| {
            // What no terminal was opened for is for nobody.
            if queue.phase == Phase::Opening {
                queue.attempt += 1;
            }
            queue.phase = Phase::Ended;
        });
    }
}

impl Attempts {
    /// The requests of another attempt; those of the one before end.
    pub(super) fn next(&self) -> Requests {
        let attempt = self.0.push(|queue| {
            queue.attempt += 1;
            queue.attempt
        });
        Requests { shared: Arc::clone(&self.0), attempt, begun: false }
    }
}

impl Stream for Requests {
    type Item = AttachRequest;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<AttachRequest>> {
        let begun = std::mem::replace(&mut self.begun, true);
        let mut queue = self.shared.queue();
        if queue.attempt != self.attempt {
            return Poll::Ready(None);
        }
        if !begun {
            queue.resized = false;
            let open = Request::Open(queue.open.clone());
            return Poll::Ready(Some(AttachRequest { request: Some(open) }));
        }
        self.shared.filled.register(context.waker());
        match queue.pop() {
            Some(request) => Poll::Ready(Some(AttachRequest { request: Some(request) })),
            None if queue.phase == Phase::Ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests;
