//! The pod's screen, as far as a trunk sees it: it sends what it is granted, and no more.

use std::collections::{BTreeMap, VecDeque};

use bytes::{Bytes, BytesMut};
use screen_wire::{Frame, FrameCodec, OUTPUT_WINDOW_BYTES};
use tokio_util::codec::Decoder;

use super::JOINED;

/// One step of the program, the screen or a viewer is at most so large, in bytes.
pub(super) const STEP_BYTES: usize = 40 * 1024;
/// Longer than a step by a period, so that output from any position is a slice of it.
const PERIOD: usize = 251;
/// Draws the screen: bytes that no output has.
pub(super) const DRAWN: &[u8] = &[0xff; 3];

fn pattern() -> Bytes {
    (0..STEP_BYTES + PERIOD).map(|at| u8::try_from(at % PERIOD).unwrap()).collect()
}

pub(super) fn from(pattern: &Bytes, position: u64, count: usize) -> Bytes {
    let at = usize::try_from(position % PERIOD as u64).unwrap();
    pattern.slice(at..at + count)
}

/// What the screen does with a viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    /// It is sent output alone: from where, once it was drawn the screen, and what there is room for.
    Alone {
        at: Option<u64>,
        room: usize,
    },
    Follows,
    /// It followed, until the common output broke off.
    Dropped,
}

pub(super) struct Model {
    pub(super) pattern: Bytes,
    pub(super) head: u64,
    common: u64,
    common_room: usize,
    viewers: BTreeMap<u32, Shown>,
    /// What is on its way to the broker.
    pub(super) says: VecDeque<(u32, Frame)>,
    heard: BytesMut,
    speaker: u32,
}

impl Model {
    pub(super) fn new() -> Self {
        Self {
            pattern: pattern(),
            head: 0,
            common: 0,
            common_room: OUTPUT_WINDOW_BYTES,
            viewers: BTreeMap::new(),
            says: VecDeque::new(),
            heard: BytesMut::new(),
            speaker: 0,
        }
    }

    fn is_followed(&self) -> bool {
        self.viewers.values().any(|shown| *shown == Shown::Follows)
    }

    fn say(&mut self, viewer: u32, frame: Frame) {
        self.says.push_back((viewer, frame));
    }

    pub(super) fn hear(&mut self, message: &[u8]) {
        self.heard.extend_from_slice(message);
        while let Some(frame) = FrameCodec.decode(&mut self.heard).unwrap() {
            let shown = self.viewers.get_mut(&self.speaker);
            match (frame, shown) {
                (Frame::FromViewer { viewer }, _) => self.speaker = viewer,
                (Frame::Enter(enter), None) => {
                    let room = enter.window_bytes as usize;
                    self.viewers.insert(self.speaker, Shown::Alone { at: None, room });
                    self.say(self.speaker, Frame::Joined(JOINED));
                }
                // Some of it may be of before the last jump.
                (Frame::OutputCredit { bytes }, None) => {
                    self.common_room = OUTPUT_WINDOW_BYTES.min(self.common_room + bytes as usize);
                }
                (Frame::OutputCredit { bytes }, Some(Shown::Alone { room, .. })) => {
                    *room += bytes as usize;
                    assert!(*room <= OUTPUT_WINDOW_BYTES, "credit for what was not sent");
                }
                (Frame::Redraw { unacknowledged }, Some(shown)) => {
                    let room = OUTPUT_WINDOW_BYTES - unacknowledged as usize;
                    *shown = Shown::Alone { at: None, room };
                }
                (Frame::Leave | Frame::HangUp, _) => {
                    self.viewers.remove(&self.speaker);
                    self.say(self.speaker, Frame::Left);
                }
                _ => {}
            }
        }
    }

    /// The common output does not go on where it was.
    pub(super) fn jump(&mut self, to: u64) {
        for shown in self.viewers.values_mut().filter(|shown| **shown == Shown::Follows) {
            *shown = Shown::Dropped;
        }
        (self.common, self.common_room) = (to, OUTPUT_WINDOW_BYTES);
        self.say(0, Frame::Position { position: to, screen_bytes: 0 });
    }

    /// Sends a viewer something alone, or lets it follow. Returns whether there was anything to do.
    pub(super) fn alone(&mut self, number: u32, most: usize) -> bool {
        let Some(Shown::Alone { at, room }) = self.viewers.get(&number).copied() else {
            return false;
        };
        let Some(position) = at else {
            if room < DRAWN.len() {
                return false;
            }
            let screen_bytes = u32::try_from(DRAWN.len()).unwrap();
            self.say(number, Frame::Position { position: self.head, screen_bytes });
            self.say(number, Frame::Output(DRAWN.into()));
            let (at, room) = (Some(self.head), room - DRAWN.len());
            self.viewers.insert(number, Shown::Alone { at, room });
            return true;
        };
        if !self.is_followed() && position == self.head && position != self.common {
            self.jump(position);
        }
        if position == self.common && self.common_room > 0 {
            self.viewers.insert(number, Shown::Follows);
            self.say(number, Frame::Follows);
            return true;
        }
        let to = if self.is_followed() && position < self.common { self.common } else { self.head };
        let count = room.min(most).min(usize::try_from(to - position).unwrap());
        if count == 0 || (self.is_followed() && position > self.common) {
            return false;
        }
        self.say(number, Frame::Output(from(&self.pattern, position, count)));
        let at = Some(position + count as u64);
        self.viewers.insert(number, Shown::Alone { at, room: room - count });
        true
    }

    /// Sends all who follow something.
    pub(super) fn together(&mut self, most: usize) -> bool {
        let ahead = self.viewers.values().filter_map(|shown| match shown {
            Shown::Alone { at, .. } => at.filter(|at| *at > self.common),
            _ => None,
        });
        let to = ahead.min().unwrap_or(self.head);
        let count = self.common_room.min(most).min(usize::try_from(to - self.common).unwrap());
        if count == 0 || !self.is_followed() {
            return false;
        }
        self.say(0, Frame::Output(from(&self.pattern, self.common, count)));
        (self.common, self.common_room) = (self.common + count as u64, self.common_room - count);
        true
    }
}
