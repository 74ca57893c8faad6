//! What one viewer's stream says: `opened`, output and credit as they come, and at last `closed`. The
//! stream takes from a queue under a short lock, so that no task and no timer lies between the
//! session and the transport. It bounds nothing: the output window does.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, task::AtomicWaker};
use screen_wire::Compressed;
use terminal_proto::v1::{
    AttachResponse, Closed, Opened, OutputPosition, Presence, attach_response::Response,
};
use tonic::Status;

use super::{output::Output, windows::Exceeded};
use crate::closing::{Dismissal, End, Pending};

/// The session's end of the stream.
#[derive(Debug)]
pub(crate) struct ResponseSender(Arc<Shared>);

/// The transport's end: the response stream of `Attach`.
#[derive(Debug)]
pub struct Responses(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the stream: there is something to say.
    filled: AtomicWaker,
    /// Wakes the session: nobody listens any more.
    left: AtomicWaker,
}

/// What is still to be said, in the order of the fields.
#[derive(Debug, Default)]
struct Queue {
    opened: Option<Opened>,
    input_credit: u32,
    /// Only the last counts.
    presence: Option<Presence>,
    output: Output,
    ending: Ending,
    /// Output bytes that the transport took and the viewer has not acknowledged.
    unacknowledged: usize,
    listener: Listener,
}

#[derive(Debug, Default)]
enum Ending {
    #[default]
    Open,
    Closing(Result<Closed, Status>),
    Closed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Listener {
    #[default]
    Here,
    Left,
}

/// A stream that begins with `opened`, and what speaks through it.
pub(crate) fn channel(opened: Opened) -> (ResponseSender, Responses) {
    let queue = Queue { opened: Some(opened), ..Queue::default() };
    let (filled, left) = (AtomicWaker::new(), AtomicWaker::new());
    let shared = Arc::new(Shared { queue: Mutex::new(queue), filled, left });
    (ResponseSender(Arc::clone(&shared)), Responses(shared))
}

impl ResponseSender {
    pub(crate) fn output(&self, bytes: Bytes) {
        self.0.say(|queue| queue.output.push(bytes));
    }

    pub(crate) fn compressed_output(&self, output: Compressed) {
        self.0.say(|queue| queue.output.push_compressed(output));
    }

    /// Fails where more of them wait than an honest screen would say.
    pub(crate) fn position(&self, position: OutputPosition) -> Result<(), Exceeded> {
        self.0.say(|queue| queue.output.push_position(position))
    }

    /// How the terminal is that is shared.
    pub(crate) fn presence(&self, presence: Presence) {
        self.0.say(|queue| queue.presence = Some(presence));
    }

    pub(crate) fn input_credit(&self, bytes: u32) {
        self.0.say(|queue| queue.input_credit = queue.input_credit.saturating_add(bytes));
    }

    /// The viewer says that it has drawn so many bytes. Returns how many of them it was given:
    /// acknowledging what still waits here earns nothing.
    pub(crate) fn acknowledge(&self, bytes: u64) -> usize {
        let mut queue = self.0.queue();
        let taken = usize::try_from(bytes).unwrap_or(usize::MAX).min(queue.unacknowledged);
        queue.unacknowledged -= taken;
        taken
    }

    /// Waits until nobody listens any more. Cancel safe; one waiter at a time.
    pub(crate) fn poll_left(&self, context: &mut Context<'_>) -> Poll<()> {
        self.0.left.register(context.waker());
        match self.0.queue().listener {
            Listener::Left => Poll::Ready(()),
            Listener::Here => Poll::Pending,
        }
    }

    /// Tells the viewer why the session ends; in the words of `dismissal`, where that is why.
    pub(crate) fn finish(self, end: End, dismissal: Option<&Dismissal>) {
        self.0.say(|queue| {
            if end.pending() == Pending::Drop {
                queue.output.clear();
                (queue.input_credit, queue.presence) = (0, None);
            }
            let closed = end.closing_message().map(|closed| match dismissal {
                Some(dismissal) => Closed { message: dismissal.message(), ..closed },
                None => closed,
            });
            queue.ending = Ending::Closing(
                closed.map_err(|violation| Status::invalid_argument(violation.to_string())),
            );
        });
    }
}

/// A session that ends without a word has failed.
impl Drop for ResponseSender {
    fn drop(&mut self) {
        self.0.say(|queue| {
            if matches!(queue.ending, Ending::Open) {
                queue.ending = Ending::Closing(Err(Status::internal("the session failed")));
            }
        });
    }
}

impl Shared {
    fn say<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let changed = change(&mut self.queue());
        self.filled.wake();
        changed
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Each change is a few assignments, so a panic elsewhere left nothing half done.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// `None` while there is nothing to say.
    fn pop(&mut self) -> Option<Result<Response, Status>> {
        if let Some(opened) = self.opened.take() {
            return Some(Ok(Response::Opened(opened)));
        }
        if self.input_credit > 0 {
            return Some(Ok(Response::InputCredit(std::mem::take(&mut self.input_credit))));
        }
        if let Some(presence) = self.presence.take() {
            return Some(Ok(Response::Presence(presence)));
        }
        if let Some((response, bytes)) = self.output.pop() {
            self.unacknowledged += bytes;
            return Some(Ok(response));
        }
        match std::mem::replace(&mut self.ending, Ending::Closed) {
            Ending::Closing(closed) => Some(closed.map(Response::Closed)),
            other => {
                self.ending = other;
                None
            }
        }
    }
}

impl Stream for Responses {
    type Item = Result<AttachResponse, Status>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.filled.register(context.waker());
        let mut queue = self.0.queue();
        match queue.pop() {
            Some(said) => {
                Poll::Ready(Some(said.map(|said| AttachResponse { response: Some(said) })))
            }
            None if matches!(queue.ending, Ending::Closed) => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl Drop for Responses {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.listener = Listener::Left;
        queue.output.clear();
        drop(queue);
        self.0.left.wake();
    }
}

#[cfg(test)]
mod tests;
