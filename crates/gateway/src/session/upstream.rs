//! What goes from one viewer to the broker: control first, then input, both
//! bounded. An acknowledgement must never wait behind a paste that the program
//! does not read: it would hold back the output that the program waits to write.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{Stream, task::AtomicWaker};
use terminal_proto::v1::{AttachRequest, Open, Size, attach_request::Request};
use tokio::sync::Notify;

/// Input that may wait here, in bytes: a large paste.
const INPUT_BYTES_MAX: usize = 256 * 1024;

/// What a piece of input costs beside its bytes, so that tiny ones are bounded too.
const PIECE_BYTES: usize = 64;

/// The order in which a viewer's requests leave. Sizes and acknowledgements that
/// wait are joined, so their number does not matter.
#[derive(Default)]
struct Queue {
    open: Option<Open>,
    size: Option<Size>,
    /// Output bytes drawn since the last `ack` that left.
    acked: u64,
    input: VecDeque<Bytes>,
    input_bytes: usize,
    ended: bool,
}

impl Queue {
    fn pop(&mut self) -> Option<Request> {
        if let Some(open) = self.open.take() {
            return Some(Request::Open(open));
        }
        if self.acked > 0 {
            return Some(Request::Ack(std::mem::take(&mut self.acked)));
        }
        if let Some(size) = self.size.take() {
            return Some(Request::Resize(size));
        }
        let input = self.input.pop_front()?;
        self.input_bytes -= input.len() + PIECE_BYTES;
        Some(Request::Input(input))
    }
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the gRPC stream: there is something to send.
    filled: AtomicWaker,
    /// Wakes the viewer's reader: some input has left.
    drained: Notify,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The viewer's end. When it is dropped the gRPC stream ends.
pub(crate) struct Upstream(Arc<Shared>);

/// The broker's end: the request stream of `Attach`.
pub(crate) struct Requests(Arc<Shared>);

/// A queue that starts with `open`.
pub(crate) fn upstream(open: Open) -> (Upstream, Requests) {
    let shared = Arc::new(Shared::default());
    shared.queue().open = Some(open);
    (Upstream(Arc::clone(&shared)), Requests(shared))
}

impl Upstream {
    pub(crate) fn ack(&self, bytes: u64) {
        self.push(|queue| queue.acked = queue.acked.saturating_add(bytes));
    }

    pub(crate) fn resize(&self, size: Size) {
        self.push(|queue| queue.size = Some(size));
    }

    /// Takes what was typed; see [`Self::has_room`].
    pub(crate) fn input(&self, input: Bytes) {
        self.push(|queue| {
            queue.input_bytes += input.len() + PIECE_BYTES;
            queue.input.push_back(input);
        });
    }

    /// Whether more input may be read from the viewer.
    pub(crate) fn has_room(&self) -> bool {
        self.0.queue().input_bytes < INPUT_BYTES_MAX
    }

    /// Waits until some input has left. One waiter at a time.
    pub(crate) async fn drained(&self) {
        self.0.drained.notified().await;
    }

    fn push(&self, change: impl FnOnce(&mut Queue)) {
        change(&mut self.0.queue());
        self.0.filled.wake();
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.push(|queue| queue.ended = true);
    }
}

impl Stream for Requests {
    type Item = AttachRequest;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<AttachRequest>> {
        self.0.filled.register(context.waker());
        let mut queue = self.0.queue();
        match queue.pop() {
            Some(request) => {
                drop(queue);
                if matches!(request, Request::Input(_)) {
                    self.0.drained.notify_one();
                }
                Poll::Ready(Some(AttachRequest { request: Some(request) }))
            }
            None if queue.ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, StreamExt};

    use super::*;

    fn size(columns: u32) -> Size {
        Size { columns, rows: 24 }
    }

    fn taken(requests: &mut Requests) -> Vec<Request> {
        std::iter::from_fn(|| requests.next().now_or_never().flatten()?.request).collect()
    }

    #[test]
    fn control_overtakes_input() {
        let (upstream, mut requests) = upstream(Open::default());
        upstream.input(Bytes::from_static(b"typed"));
        upstream.resize(size(80));
        upstream.ack(7);
        assert_eq!(
            taken(&mut requests),
            [
                Request::Open(Open::default()),
                Request::Ack(7),
                Request::Resize(size(80)),
                Request::Input(Bytes::from_static(b"typed")),
            ]
        );
    }

    #[test]
    fn only_the_last_size_counts_and_acknowledgements_add_up() {
        let (upstream, mut requests) = upstream(Open::default());
        taken(&mut requests);
        for columns in 80..90 {
            upstream.resize(size(columns));
            upstream.ack(10);
        }
        assert_eq!(taken(&mut requests), [Request::Ack(100), Request::Resize(size(89))]);
    }

    #[tokio::test]
    async fn a_full_queue_tells_when_there_is_room_again() {
        let (upstream, mut requests) = upstream(Open::default());
        upstream.input(Bytes::from(vec![b'x'; INPUT_BYTES_MAX]));
        assert!(!upstream.has_room());
        assert!(upstream.drained().now_or_never().is_none());

        taken(&mut requests);
        upstream.drained().await;
        assert!(upstream.has_room());
    }

    #[tokio::test]
    async fn what_was_typed_before_the_end_still_leaves() {
        let (upstream, mut requests) = upstream(Open::default());
        upstream.input(Bytes::from_static(b"last"));
        drop(upstream);
        assert_eq!(taken(&mut requests).len(), 2);
        assert_eq!(requests.next().await, None);
    }
}
