//! A revocation while many hostile guests do their worst: how long each of them still gets, and is still read.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use daemon::clock;
use futures::{SinkExt, StreamExt, stream};
use rustix::io::ioctl_fionread;
use time::OffsetDateTime;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, interval},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    guest::Guest,
    measure::Times,
    program::Program,
    system::{PATIENCE, TestSystem, revoked},
    visitor::allow_open_files,
};

/// Half of them see what their program pours out, half of them type.
const SESSIONS: usize = 64;
/// Terminals that open at a time.
const OPENING: usize = 8;
/// What each session takes, or types, at each tick.
const PIECE_BYTES: usize = 4096;
const TICK: Duration = Duration::from_millis(20);
/// What each has taken, or typed, before the link is revoked: more than all windows hold.
const BEFORE_BYTES: usize = 64 * PIECE_BYTES;
/// Longer than the gateway waits for a page that does not answer its close frame.
const WATCHED: Duration = Duration::from_millis(1500);
const SAMPLED: Duration = Duration::from_millis(1);
/// The longest close frame (RFC 6455, 5.5): what the kernel got more of at once is output.
const CLOSE_FRAME_BYTES: u64 = 127;
/// After the revocation, on two busy cores and without optimization.
const AT_ONCE: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_hostile_guests_get_nothing_and_are_not_read_once_their_link_is_revoked() {
    allow_open_files();
    let mut system = TestSystem::start_alone(Program::pours_or_records()).await;
    let guests = stream::iter(0..SESSIONS).map(|_| Guest::arrives(&system));
    let mut guests: Vec<Guest> = guests.buffer_unordered(OPENING).collect().await;
    let mut execs = Vec::new();
    for _ in 0..SESSIONS {
        execs.push(system.api.exec().await);
    }
    let (tasks, revoked_now) = (TaskTracker::new(), CancellationToken::new());
    let (ready, mut all_ready) = mpsc::channel(SESSIONS);
    let typed = Arc::<AtomicUsize>::default();
    for guest in guests.split_off(SESSIONS / 2) {
        tasks.spawn(types(guest, ready.clone(), Arc::clone(&typed)));
    }
    let mut watched = Vec::new();
    for mut guest in guests {
        guest.types(b"pour\n").await;
        let stream = Arc::new(guest.socket.into_inner());
        watched.push(Watched::new(&stream));
        tasks.spawn(takes(stream, ready.clone(), revoked_now.clone()));
    }
    for _ in 0..SESSIONS {
        all_ready.recv().await.unwrap();
    }

    revoked_now.cancel();
    let (start, wall) = (Instant::now(), clock::now());
    system.apply(&revoked());
    let mut ticks = interval(SAMPLED);
    while ticks.tick().await < start + WATCHED {
        for watched in &mut watched {
            watched.look(start);
        }
    }

    let records = system.program.records_read();
    assert_eq!(records.len(), SESSIONS / 2);
    let read: u64 = records.iter().map(|(bytes, _)| bytes).sum();
    let after = |at: OffsetDateTime| Duration::try_from(at - wall).unwrap_or_default();
    let input = Times::new(records.iter().map(|(_, at)| after(*at)).collect());
    let output = Times::new(watched.iter().map(|watched| watched.output).collect());
    let told = Times::new(watched.iter().map(|watched| watched.anything).collect());
    let typed = typed.load(Ordering::Relaxed);
    eprintln!(
        "after a revocation the last output came after {output}; the close frame after {told}"
    );
    eprintln!("and the last input was read after {input}; {read} bytes of {typed}");
    // Close frames wait for the processor with all the programs that end, which in a cluster are on other nodes.
    for (what, times) in [("output", output), ("input", input)] {
        assert!(times.percentile(99) <= AT_ONCE, "the last {what} after {times}");
    }
    for exec in &mut execs {
        exec.ended(PATIENCE).await;
    }
}

/// What the kernel holds for one guest.
struct Watched {
    stream: Arc<TcpStream>,
    /// In bytes.
    waiting: u64,
    /// When output came for the last time after the revocation, and when anything did: the close frame is the last.
    output: Duration,
    anything: Duration,
}

impl Watched {
    fn new(stream: &Arc<TcpStream>) -> Self {
        let (output, anything) = Default::default();
        Self { stream: Arc::clone(stream), waiting: 0, output, anything }
    }

    fn look(&mut self, start: Instant) {
        // A connection that was reset gets nothing more.
        let waiting = ioctl_fionread(&self.stream).unwrap_or_default();
        if waiting > self.waiting {
            self.anything = start.elapsed();
        }
        if waiting > self.waiting + CLOSE_FRAME_BYTES {
            self.output = start.elapsed();
        }
        self.waiting = waiting;
    }
}

/// Takes all that comes until the link is revoked, and claims for ever that it draws.
async fn takes(stream: Arc<TcpStream>, ready: mpsc::Sender<()>, revoked: CancellationToken) {
    let ack = format!(r#"{{"type":"ack","bytes":{PIECE_BYTES}}}"#);
    // RFC 6455, 5.2: a text frame, masked with zeros.
    let head = [0x81, 0x80 | u8::try_from(ack.len()).unwrap(), 0, 0, 0, 0];
    let ack = [&head, ack.as_bytes()].concat();
    let (mut ticks, mut taken, mut buffer) = (interval(TICK), 0, [0; 16 * 1024]);
    loop {
        ticks.tick().await;
        let before = taken;
        while !revoked.is_cancelled()
            && let Ok(count @ 1..) = stream.try_read(&mut buffer)
        {
            taken += count;
        }
        if before < BEFORE_BYTES && taken >= BEFORE_BYTES {
            ready.try_send(()).unwrap();
        }
        match stream.try_write(&ack) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
            _ => {}
        }
    }
}

/// Types as fast as it may, and goes on when its link is revoked.
async fn types(mut guest: Guest, ready: mpsc::Sender<()>, total: Arc<AtomicUsize>) {
    let (mut ticks, mut typed) = (interval(TICK), 0);
    guest.types(b"record\n").await;
    loop {
        ticks.tick().await;
        while guest.credit < PIECE_BYTES {
            if guest.hears().await.is_err() {
                return;
            }
        }
        guest.credit -= PIECE_BYTES;
        if guest.socket.send(Message::binary(vec![b'x'; PIECE_BYTES])).await.is_err() {
            return;
        }
        total.fetch_add(PIECE_BYTES, Ordering::Relaxed);
        typed += PIECE_BYTES;
        if typed == BEFORE_BYTES {
            ready.try_send(()).unwrap();
        }
    }
}
