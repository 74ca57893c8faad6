//! A guest that does what harms: it takes output without an end, or types without an end, and answers no close
//! frame. It speaks to its socket directly, since a library would keep to the protocol.

use std::{io, time::Duration};

use anyhow::{Result, ensure};
use bench_terminal::{
    orders::{self, BANNER, Pace},
    readings::now,
};
use rustix::net::{RecvFlags, recv};
use serde::Deserialize;
use tokio::{
    io::{AsyncWriteExt, Interest, Ready},
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval_at},
};

use super::{
    Plan, Stages,
    frames::{BINARY, Frame, Frames, PONG, TEXT, client},
    socket::{self, Protocol, Repeated},
};
use crate::bench::terminal::{COLUMNS, ROWS};

/// More than a socket holds for who never reads: the kernel widens its buffer for who does.
const BUFFER_BYTES: usize = 256 * 1024;
/// Of one message of a flood, and how many of them are offered at once: who throws away what comes from a closed
/// session takes as much as this machine can write.
const FLOOD_BYTES: usize = 16 * 1024;
const FLOOD_MESSAGES: usize = 4;
/// A guest that says nothing for 25 s is given up.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// More than is drawn until the end, in MiB.
const POURED_MIB: u8 = u8::MAX;

/// What a guest does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Has output poured out, and acknowledges it piece by piece.
    Pours,
    /// Types piece by piece, within its window.
    Types,
    /// Sends without a window all that its socket takes, to a program that reads it slowly; and never reads.
    Floods,
}

impl Role {
    pub(super) const ALL: [Self; 3] = [Self::Pours, Self::Types, Self::Floods];
}

/// What came of one guest's session. Times are [`now`]'s, and 0 where it was not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// When bytes came last that were not of a close frame.
    pub(super) output_at: u64,
    pub(super) close_at: u64,
    /// When the connection ended.
    pub(super) ended_at: u64,
    /// Bytes that the socket took before the revocation.
    pub(super) sent: usize,
    /// Of output.
    pub(super) received: usize,
}

pub(super) struct Hostile {
    number: u16,
    role: Role,
    stream: TcpStream,
    frames: Frames,
    buffer: Vec<u8>,
    /// Bytes that were seen and not read.
    unread: usize,
    /// Bytes that may be typed.
    credit: usize,
    /// The first bytes of output, up to the length of the banner.
    greeting: Vec<u8>,
    seen: Seen,
}

/// What a gateway says that matters here.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Control {
    Hello {
        input_window: usize,
    },
    Credit {
        bytes: usize,
    },
    #[serde(other)]
    Other,
}

impl Hostile {
    /// Returns when the program obeys.
    pub(super) async fn open(token: &str, number: u16, role: Role) -> Result<Self> {
        let protocol = match role {
            Role::Pours | Role::Types => Protocol::Credit,
            Role::Floods => Protocol::Legacy,
        };
        let (mut stream, early) = socket::open(token, protocol).await?;
        let size = format!(r#"{{"type":"resize","cols":{COLUMNS},"rows":{ROWS}}}"#);
        stream.write_all(&client(TEXT, size.as_bytes())).await?;
        let mut guest = Self {
            number,
            role,
            stream,
            frames: Frames::default(),
            buffer: vec![0; BUFFER_BYTES],
            unread: 0,
            credit: 0,
            greeting: vec![],
            seen: Seen::default(),
        };
        guest.take(&early);
        while guest.greeting != BANNER {
            ensure!(guest.seen.ended_at == 0, "the gateway's socket ended");
            guest.stream.readable().await?;
            guest.read();
        }
        Ok(guest)
    }

    /// Does harm from the one stage to the other.
    pub(super) async fn run(mut self, plan: Plan, stages: Stages) -> (u16, Role, Seen) {
        let period = Duration::from_millis(plan.period_ms.into());
        // Not all of them at the same time.
        let first = Instant::now() + period * u32::from(self.number) / u32::from(plan.sessions);
        let mut ticks = interval_at(first, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut pong = Repeated::new(client(PONG, b""));
        let (mut work, mut kept_at) = (None, Instant::now());
        loop {
            tokio::select! {
                biased;
                () = stages.end.cancelled() => return (self.number, self.role, self.seen),
                ready = self.stream.ready(Interest::READABLE), if self.seen.ended_at == 0 => {
                    match self.role {
                        Role::Floods => self.peek(ready.is_ok_and(Ready::is_read_closed)),
                        Role::Pours | Role::Types => self.read(),
                    }
                }
                _ = ticks.tick() => match &mut work {
                    Some(work) => {
                        let sent = self.work(work);
                        if !stages.revoke.is_cancelled() {
                            self.seen.sent += sent;
                        }
                    }
                    None if stages.begin.is_cancelled() => work = Some(self.order(&plan)),
                    None if kept_at.elapsed() >= KEEP_ALIVE => {
                        pong.offer(&self.stream);
                        kept_at = Instant::now();
                    }
                    None => {}
                }
            }
        }
    }

    /// Tells the program what it is to do, and returns what is sent from now on.
    fn order(&mut self, plan: &Plan) -> Repeated {
        let slow = plan.read_steps;
        let order = match self.role {
            Role::Pours => orders::bulk(orders::Bulk::Noise, POURED_MIB).to_vec(),
            Role::Types => orders::count(Pace::AtOnce, self.number).to_vec(),
            Role::Floods => orders::count(Pace::Slow(slow), self.number).to_vec(),
        };
        self.credit = self.credit.saturating_sub(order.len());
        Repeated::new(client(BINARY, &order)).offer(&self.stream);
        let bytes = usize::from(plan.piece_bytes);
        Repeated::new(match self.role {
            Role::Pours => client(TEXT, format!(r#"{{"type":"ack","bytes":{bytes}}}"#).as_bytes()),
            Role::Types => client(BINARY, &vec![b'x'; bytes]),
            Role::Floods => client(BINARY, &[b'x'; FLOOD_BYTES]),
        })
    }

    /// Returns how many bytes the socket took.
    fn work(&mut self, piece: &mut Repeated) -> usize {
        if self.role == Role::Types && piece.is_whole() {
            // With its header, which only makes the window look smaller than it is.
            let Some(left) = self.credit.checked_sub(piece.bytes()) else { return 0 };
            self.credit = left;
        }
        let messages = if self.role == Role::Floods { FLOOD_MESSAGES } else { 1 };
        (0..messages).map(|_| piece.offer(&self.stream)).sum()
    }

    /// Reads all there is.
    fn read(&mut self) {
        loop {
            match self.stream.try_read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Ok(0) | Err(_) => {
                    self.seen.ended_at = now();
                    return;
                }
                Ok(count) => {
                    let buffer = std::mem::take(&mut self.buffer);
                    self.take(&buffer[..count]);
                    self.buffer = buffer;
                }
            }
        }
    }

    /// Sees what has arrived, and leaves it where it is.
    fn peek(&mut self, is_closed: bool) {
        let mut waiting = 0;
        let look = || {
            let seen =
                recv(&self.stream, &mut self.buffer[..], RecvFlags::PEEK | RecvFlags::DONTWAIT);
            waiting = seen.map_or(0, |(_, count)| count);
            // So that the runtime waits for more.
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        };
        let _ = self.stream.try_io(Interest::READABLE, look);
        if waiting > self.unread {
            let buffer = std::mem::take(&mut self.buffer);
            self.take(&buffer[self.unread..waiting]);
            self.buffer = buffer;
            self.unread = waiting;
        }
        if is_closed {
            self.seen.ended_at = now();
        }
    }

    fn take(&mut self, received: &[u8]) {
        let at = now();
        let mut of_close = 0;
        self.frames.push(received);
        while let Some(frame) = self.frames.next() {
            match frame {
                Frame::Output(bytes) => {
                    self.seen.received += bytes.len();
                    let missing = BANNER.len() - self.greeting.len();
                    self.greeting.extend(&bytes[..missing.min(bytes.len())]);
                }
                Frame::Control(text) => match serde_json::from_slice(&text) {
                    Ok(Control::Hello { input_window }) => self.credit += input_window,
                    Ok(Control::Credit { bytes }) => self.credit += bytes,
                    Ok(Control::Other) | Err(_) => {}
                },
                Frame::Close { bytes } => {
                    self.seen.close_at = at;
                    of_close += bytes;
                }
                Frame::Ping => {}
            }
        }
        if received.len() > of_close {
            self.seen.output_at = at;
        }
    }
}
