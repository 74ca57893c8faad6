//! Whatever the order in which the program writes, the screen sends, viewers come, read, credit and leave, and words are on
//! their way: each viewer is shown all of the output in its order, and all of them come to its end. The screen is a model of
//! the pod's, that keeps to what it is granted.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::exec::{channels::Protocol, outgoing::Message};
use model::{DRAWN, Model, STEP_BYTES, from};

mod model;

const VIEWERS_MAX: usize = 4;
/// Held of the common output at most: what one may be behind before it is drawn the screen, and a step.
const HELD_BYTES: u64 = (OUTPUT_WINDOW_BYTES + 64 * 1024 + STEP_BYTES) as u64;
/// At least; `PROPTEST_CASES` may ask for more.
const SCHEDULES: u32 = 2000;

/// A viewer's session.
#[derive(Default)]
struct Session {
    drawn: Option<u64>,
    screen_bytes: usize,
    uncredited: usize,
}

impl Session {
    fn hears(&mut self, event: Event, pattern: &Bytes) {
        match event {
            Event::Position(OutputPosition { position, screen_bytes }) => {
                (self.drawn, self.screen_bytes) = (Some(position), screen_bytes as usize);
            }
            Event::Output(mut bytes) => {
                self.uncredited += bytes.len();
                let drawing = bytes.split_to(self.screen_bytes.min(bytes.len()));
                self.screen_bytes -= drawing.len();
                assert!(drawing.iter().all(|byte| DRAWN.contains(byte)), "the screen's drawing");
                let drawn = self.drawn.as_mut().expect("it was told where it is");
                for part in bytes.chunks(STEP_BYTES) {
                    assert_eq!(part, from(pattern, *drawn, part.len()), "output at {drawn}");
                    *drawn += part.len() as u64;
                }
            }
            _ => {}
        }
    }
}

struct Schedule {
    state: State,
    screen: Model,
    addressed: u32,
    sessions: BTreeMap<u32, Session>,
}

impl Schedule {
    fn new() -> Self {
        let (screen, sessions) = (Model::new(), BTreeMap::new());
        Self { state: State::new(), screen, addressed: 0, sessions }
    }

    fn one(&self, of: usize) -> Option<u32> {
        self.sessions.keys().nth(of % self.sessions.len().max(1)).copied()
    }

    fn step(&mut self, what: u8, much: u16) {
        let (of, most) =
            (usize::from(much), usize::from(much) * STEP_BYTES / usize::from(u16::MAX));
        match (what % 16, self.one(of)) {
            (0 | 1, _) => self.screen.head += most as u64,
            (2..=4, _) => drop(self.screen.together(most)),
            (5 | 6, Some(number)) => drop(self.screen.alone(number, most)),
            (7, _) if self.sessions.len() < VIEWERS_MAX => {
                let number = self.state.enter(entering()).unwrap();
                self.sessions.insert(number, Session::default());
            }
            (8, Some(number)) if much < 4000 => {
                self.sessions.remove(&number);
                self.state.abandon(number);
            }
            (8, _) if much > 62_000 => self.screen.jump(self.screen.head),
            (9..=11, _) => drop(self.arrives()),
            (12, _) => drop(self.leaves()),
            (13 | 14, Some(number)) => drop(self.hears(number)),
            (15, Some(number)) => drop(self.credits(number, most)),
            _ => {}
        }
        let held = self.state.held_bytes();
        assert!(held <= HELD_BYTES, "{held} bytes are held for one who takes none");
    }

    /// A frame of the screen's.
    fn arrives(&mut self) -> bool {
        let Some((viewer, frame)) = self.screen.says.pop_front() else { return false };
        if std::mem::replace(&mut self.addressed, viewer) != viewer {
            self.state.receive(Frame::ToViewer { viewer }).unwrap();
        }
        let what = format!("{frame:?} to {viewer}");
        self.state.receive(frame).unwrap_or_else(|over| panic!("{what}: {over:?}"));
        true
    }

    /// A message to the screen.
    fn leaves(&mut self) -> bool {
        match self.state.pop(Protocol::V5).unwrap() {
            Some(Message::Binary(message)) => self.screen.hear(&message[1..]),
            other => return other.is_some(),
        }
        true
    }

    fn hears(&mut self, number: u32) -> bool {
        let Some(event) = self.state.next(number) else { return false };
        let session = self.sessions.get_mut(&number).unwrap();
        session.hears(event.expect("it goes on"), &self.screen.pattern);
        true
    }

    fn credits(&mut self, number: u32, most: usize) -> bool {
        let session = self.sessions.get_mut(&number).unwrap();
        let bytes = session.uncredited.min(most);
        session.uncredited -= bytes;
        self.state.viewer(number).unwrap().credit(u32::try_from(bytes).unwrap());
        self.state.grant();
        bytes > 0
    }

    /// Everything that can go on does, until all is at rest.
    fn comes_to_rest(&mut self) {
        loop {
            let mut moved = self.arrives() | self.leaves() | self.screen.together(STEP_BYTES);
            for number in self.sessions.keys().copied().collect::<Vec<_>>() {
                moved |= self.screen.alone(number, STEP_BYTES) | self.hears(number);
                moved |= self.credits(number, usize::MAX);
            }
            if !moved {
                return;
            }
        }
    }
}

fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig { cases: default.cases.max(SCHEDULES), ..default }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn in_any_order_all_see_all_of_it(steps in vec(any::<(u8, u16)>(), 0..300)) {
        let mut schedule = Schedule::new();
        schedule.step(7, 0);
        for (what, much) in steps {
            schedule.step(what, much);
        }
        schedule.comes_to_rest();
        let head = schedule.screen.head;
        for (number, session) in &schedule.sessions {
            prop_assert_eq!(session.drawn, Some(head), "viewer {}", number);
        }
        prop_assert_eq!(schedule.state.held_bytes(), 0);
    }
}
